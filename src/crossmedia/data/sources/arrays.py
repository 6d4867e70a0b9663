"""What the sources of small pictures in memory share: the split, a stratified choice, a fingerprint."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from crossmedia.data.batches import Sample
from crossmedia.data.sources.files import share


class Pictures(NamedTuple):
    """Labelled pictures as published, before any split."""

    images: Tensor  # (N, C, H, W) uint8
    labels: Tensor  # (N,) int64


class ArraySplit:
    """Some pictures of an array; an id is the publisher's part and the place in it, as `train/00017`."""

    def __init__(self, part: str, pictures: Pictures, indices: list[int] | None = None):
        self.part, self.pictures = part, pictures
        self.indices = list(range(len(pictures.labels))) if indices is None else indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        place = self.indices[index]
        label = int(self.pictures.labels[place])
        return Sample(f"{self.part}/{place:05d}", image=self.pictures.images[place], label=label)

    def texts(self) -> list[str]:
        return []


def stratified(labels: Tensor, one_in: Mapping[str, int]) -> dict[str, list[int]]:
    """Indices by split: one in so many of each class, rounded up, by a hash of the index; the rest train."""
    splits: dict[str, list[int]] = {"train": [], **{name: [] for name in one_in}}
    for label in labels.unique().tolist():
        members = (labels == label).nonzero().flatten().tolist()
        members.sort(key=lambda index: share(str(index)))
        total = len(members)
        for name, parts in one_in.items():
            count = -(-total // parts)
            splits[name] += members[:count]
            members = members[count:]
        splits["train"] += members
    return {name: sorted(indices) for name, indices in splits.items()}


def fingerprint(splits: Mapping[str, ArraySplit]) -> str:
    """A hash of every picture and label, split by split."""
    digest = hashlib.sha256()
    for name, split in splits.items():
        places = torch.tensor(split.indices, dtype=torch.long)
        digest.update(name.encode())
        digest.update(split.pictures.images[places].numpy().tobytes())
        digest.update(split.pictures.labels[places].numpy().tobytes())
    return digest.hexdigest()
