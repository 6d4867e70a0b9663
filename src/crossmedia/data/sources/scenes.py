"""The embedded world: pictures of coloured shapes with five captions each, computed on demand."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crossmedia.data.batches import Sample
from crossmedia.data.sources.scenes_layout import SHARES, layouts, meaning
from crossmedia.errors import DataError
from crossmedia.images.scenes import COLOURS, RADII, SHAPES, Layout, draw
from crossmedia.limits import within
from crossmedia.metrics.scenes import SceneAccuracy
from crossmedia.text.grammar import paraphrases

SMALLEST = 16  # pixels; the small shapes are 3 px wide there
PROBES = 32  # samples of each split in the fingerprint


class Scenes:
    """Scenes of one to three objects: a sample is a pure function of (seed, split, index), on every machine.

    A longer split begins with the shorter one. No scene is in two splits, whatever the seed. Each scene of
    `test_composition`, which is as long as test, has a pair of shape and colour that no other split has.
    Without `held_out` there is no such split, and all pairs are in the others. Where scenes have one object
    only, its shape is their label.
    """

    def __init__(
        self,
        image_size: int = 64,
        num_train: int = 20_000,
        num_val: int = 1_000,
        num_test: int = 1_000,
        min_objects: int = 1,
        max_objects: int = 2,
        held_out: bool = True,
        seed: int = 0,
    ):
        lengths = {"num_train": num_train, "num_val": num_val, "num_test": num_test}
        within(**lengths, min_objects=min_objects, max_objects=max_objects, seed=seed)
        if image_size < SMALLEST:
            raise ValueError(f"image_size {image_size}: must be at least {SMALLEST}")
        if max_objects < min_objects:
            raise ValueError(f"max_objects {max_objects}: must be at least min_objects, {min_objects}")
        self.image_size = image_size
        self.held_out = held_out
        self.splits = tuple(SHARES) if held_out else tuple(SHARES)[:-1]
        self.lengths = dict(zip(SHARES, (*lengths.values(), num_test), strict=True))
        self.min_objects, self.max_objects = min_objects, max_objects
        self.seed = seed
        self.classes = SHAPES if max_objects == 1 else ()
        self.fields = frozenset(["image", "captions", "objects", *(["label"] if self.classes else [])])
        self.scorer = SceneAccuracy()
        self.faults: list[str] = []
        self.notes: list[str] = []

    def split(self, name: str) -> "SceneSplit":
        if name not in self.splits:
            raise DataError(f"scenes: no split {name}. The splits are {', '.join(self.splits)}")
        return SceneSplit(self, name)

    def fingerprint(self) -> str:
        """A hash of the sizes, the look, and the first captions and layouts of each split."""
        numbers: list[Any] = [self.image_size, self.lengths, self.min_objects, self.max_objects, self.seed]
        if not self.held_out:
            numbers.append("all kinds")
        digest = hashlib.sha256(json.dumps([numbers, COLOURS, RADII, SHAPES]).encode())
        for name in self.splits:
            split = self.split(name)
            layout, words = split.layout(range(PROBES))
            digest.update(json.dumps([part.tolist() for part in layout]).encode())
            digest.update(json.dumps(_tell(layout, words)).encode())
        return digest.hexdigest()


class SceneSplit:
    """One split: `layout` says what is where, items add the picture and the words."""

    def __init__(self, source: Scenes, name: str):
        self.source = source
        self.name = name

    def __len__(self) -> int:
        return self.source.lengths[self.name]

    def __getitem__(self, index: int) -> Sample:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        layout, samples = self.told(indices)
        pictures = draw(layout, self.source.image_size)
        return [sample._replace(image=picture) for sample, picture in zip(samples, pictures, strict=True)]

    def told(self, indices: Sequence[int]) -> tuple[Layout, list[Sample]]:
        """What is where in the scenes at these indices, and the samples without their pictures."""
        indices = [range(len(self))[index] for index in indices]  # IndexError past the end, -1 is the last
        layout, words = self.layout(indices)
        ids = [f"{self.name}-{index}" for index in indices]
        labels = layout.shapes[:, 0].tolist() if self.source.classes else [None] * len(ids)
        parts = zip(ids, _tell(layout, words), labels, _objects(layout), strict=True)
        return layout, [Sample(i, None, told, label, objects=objects) for i, told, label, objects in parts]

    def texts(self) -> list[str]:
        captions = _tell(*self.layout(range(len(self))))
        return [caption for sample in captions for caption in sample]

    def objects(self) -> Tensor:
        """Those of every scene, as a Sample has them, without drawing one: (B, N, 5)."""
        return _objects(self.layout(range(len(self)))[0])

    def layout(self, indices: Sequence[int]) -> tuple[Layout, list[int]]:
        """What is where in the scenes, and for each a random number that picks its words."""
        source = self.source
        counts = (source.min_objects, source.max_objects)
        return layouts(source.seed, self.name, indices, *counts, held_out=source.held_out)


def _objects(layout: Layout) -> Tensor:
    """Each scene's objects as a Sample has them, (B, N, 5)."""
    kinds = np.stack((layout.shapes, layout.colours, layout.sizes), -1)
    objects = np.concatenate((kinds, layout.places), -1)
    objects[np.arange(objects.shape[1]) >= layout.counts[:, None]] = -1
    return torch.from_numpy(objects)


def _tell(layout: Layout, words: list[int]) -> list[tuple[str, ...]]:
    return [paraphrases(meaning(layout, row), draw) for row, draw in enumerate(words)]
