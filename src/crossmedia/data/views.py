"""From samples to the batch that a kind of task needs."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Generator, Tensor

from crossmedia.data.batches import CaptionBatch, ClassBatch, ImageBatch, Meta, ObjectBatch, Sample
from crossmedia.images.augment import Augment
from crossmedia.limits import within
from crossmedia.text.tokenizer import BOS, EOS


class View(Protocol):
    """`needs` names the Sample fields it reads; `draws` has a generator a sample in training, else None."""

    needs: tuple[str, ...]

    def __call__(
        self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta
    ) -> NamedTuple: ...


class ImageView:
    """Pictures alone."""

    needs = ("image",)

    def __init__(self, augment: Augment | None = None):
        self.augment = augment

    def __call__(self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta) -> ImageBatch:
        return ImageBatch(
            inputs=images_of(samples, draws, meta, self.augment),
            valid=torch.ones(len(samples), dtype=torch.bool),
            ids=[sample.id for sample in samples],
        )


class LabelView:
    """Pictures and their class."""

    needs = ("image", "label")

    def __init__(self, augment: Augment | None = None):
        self.augment = augment

    def __call__(self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta) -> ClassBatch:
        return ClassBatch(
            inputs=images_of(samples, draws, meta, self.augment),
            labels=torch.tensor([sample.label for sample in samples]),
            valid=torch.ones(len(samples), dtype=torch.bool),
            ids=[sample.id for sample in samples],
        )


class ObjectView:
    """Pictures of scenes and what is where in them."""

    needs = ("image", "objects")

    def __call__(self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta) -> ObjectBatch:
        objects: list[Any] = [sample.objects for sample in samples]
        return ObjectBatch(
            inputs=images_of(samples, draws, meta, None),
            objects=torch.stack(objects),
            valid=torch.ones(len(samples), dtype=torch.bool),
            ids=[sample.id for sample in samples],
        )


class CaptionView:
    """Pictures and captions: in training `captions_per_image` a sample, new each epoch; else the first.

    Several captions of one picture share one pass of the encoder; a sample with fewer repeats them.
    """

    needs = ("image", "captions")

    def __init__(self, augment: Augment | None = None, captions_per_image: int = 1):
        within(captions_per_image=captions_per_image)
        self.augment, self.captions_per_image = augment, captions_per_image

    def __call__(self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta) -> CaptionBatch:
        inputs = images_of(samples, draws, meta, self.augment)
        count = self.captions_per_image if draws else 1
        if draws:
            texts = [text for pair in zip(samples, draws, strict=True) for text in self._drawn(*pair)]
        else:
            texts = [sample.captions[0] for sample in samples]
        tokens, lens = tokens_of(texts, meta)
        if count > 1:
            tokens, lens = tokens.unflatten(0, (-1, count)), lens.unflatten(0, (-1, count))
        return CaptionBatch(
            inputs=inputs,
            tokens=tokens,
            lens=lens,
            references=[sample.captions for sample in samples],
            valid=torch.ones(len(samples), dtype=torch.bool),
            ids=[sample.id for sample in samples],
        )

    def _drawn(self, sample: Sample, draw: Generator) -> list[str]:
        order = torch.randperm(len(sample.captions), generator=draw).tolist()
        return [sample.captions[order[k % len(order)]] for k in range(self.captions_per_image)]


def images_of(
    samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta, augment: Augment | None
) -> Tensor:
    """(B, C, S, S) float in [-1, 1], augmented in training."""
    pictures: list[Any] = [sample.image for sample in samples]  # a view that needs images has them all
    images = meta.image.normalise(torch.stack(pictures))
    return augment(images, draws) if augment and draws else images


def tokens_of(texts: list[str], meta: Meta) -> tuple[Tensor, Tensor]:
    """(B, L) bos … eos padded with 0, and the lengths (B,)."""
    rows = [torch.tensor([BOS, *meta.tokenizer.encode(text), EOS]) for text in texts]
    lens = torch.tensor([len(row) for row in rows])
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), lens
