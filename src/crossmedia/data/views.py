"""From samples to the batch that a kind of task needs."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args

import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from crossmedia.audio.augment import SoundAugment
from crossmedia.data.batches import (
    CaptionBatch,
    ClassBatch,
    Clips,
    ImageBatch,
    KindBatch,
    Meta,
    ObjectBatch,
    Sample,
    SpeechBatch,
)
from crossmedia.errors import ConfigError
from crossmedia.images.augment import Augment
from crossmedia.images.reading import ATTRIBUTES
from crossmedia.limits import one_of, within
from crossmedia.text.normalise import spelled
from crossmedia.text.tokenizer import BOS, EOS

Medium = Literal["image", "waveform"]


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
    """Pictures, or sounds where `medium` is "waveform", and their class."""

    def __init__(self, augment: Augment | SoundAugment | None = None, medium: Medium = "image"):
        self.needs = (_medium(medium, augment), "label")
        self.augment = augment

    def __call__(self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta) -> ClassBatch:
        return ClassBatch(
            inputs=inputs_of(self.needs[0], samples, draws, meta, self.augment),
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


class KindView:
    """Pictures of scenes, and of what kind each object in them is; not where it is."""

    needs = ("image", "objects")

    def __call__(self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta) -> KindBatch:
        objects: list[Any] = [sample.objects for sample in samples]
        return KindBatch(
            inputs=images_of(samples, draws, meta, None),
            kinds=torch.stack(objects)[:, : meta.objects, : len(ATTRIBUTES)],
            valid=torch.ones(len(samples), dtype=torch.bool),
            ids=[sample.id for sample in samples],
        )

    @staticmethod
    def counted(split: Any) -> tuple[tuple[tuple[int, ...], ...], int, tuple[tuple[str, ...], ...]]:
        """`kinds`, `objects` and `names` of `Meta`; ConfigError where not every scene has as many objects."""
        kinds = split.objects()[..., : len(ATTRIBUTES)]  # (B, N, A)
        numbers = (kinds[..., 0] >= 0).sum(1)
        least, most = int(numbers.min()), int(numbers.max())
        if least < most:
            raise ConfigError(
                f"data.source: scenes of {least} to {most} objects; to draw by kinds, all must have as many. "
                "Set data.source.max_objects=1, or min_objects as max_objects and model.net.latent_dim to fit"
            )
        found, counts = kinds[:, :most].flatten(0, 1).unique(dim=0, return_counts=True)
        told = tuple((*kind, count) for kind, count in zip(found.tolist(), counts.tolist(), strict=True))
        return told, most, tuple(map(tuple, ATTRIBUTES.values()))


class CaptionView:
    """Pictures, or sounds where `medium` is "waveform", and captions: in training
    `captions_per_image` a sample, new each epoch; else the first.

    Several captions of one input share one pass of the encoder; a sample with fewer repeats them.
    """

    def __init__(
        self,
        augment: Augment | SoundAugment | None = None,
        captions_per_image: int = 1,
        medium: Medium = "image",
    ):
        within(captions_per_image=captions_per_image)
        self.needs = (_medium(medium, augment), "captions")
        self.augment, self.captions_per_image = augment, captions_per_image

    def __call__(self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta) -> CaptionBatch:
        inputs = inputs_of(self.needs[0], samples, draws, meta, self.augment)
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


class SpeechView:
    """Sounds and what is said in them: the words as scores compare them, for punctuation is not heard."""

    needs = ("waveform", "transcript")

    def __init__(self, augment: SoundAugment | None = None):
        self.augment = augment

    @staticmethod
    def text(transcript: str) -> str:
        """What the tokenizer is given of a transcript."""
        return spelled(transcript)

    def __call__(self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta) -> SpeechBatch:
        said = [str(sample.transcript) for sample in samples]
        encoded = [meta.tokenizer.encode(self.text(text)) for text in said]
        rows = [torch.tensor(tokens, dtype=torch.long) for tokens in encoded]
        return SpeechBatch(
            inputs=clips_of(samples, draws, self.augment),
            tokens=pad_sequence(rows, batch_first=True),
            lens=torch.tensor([len(row) for row in rows]),
            references=said,
            speakers=[sample.speaker for sample in samples],
            valid=torch.ones(len(samples), dtype=torch.bool),
            ids=[sample.id for sample in samples],
        )


def _medium(medium: Medium, augment: Augment | SoundAugment | None) -> Medium:
    one_of(get_args(Medium), medium=medium)
    if augment and isinstance(augment, SoundAugment) != (medium == "waveform"):
        raise ValueError(f"medium {medium}: must be that of augment, {type(augment).__name__}")
    return medium


def inputs_of(
    medium: str, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta, augment: Any
) -> Tensor | Clips:
    """What the net takes: pictures as `images_of` gives them, or sounds."""
    if medium == "waveform":
        return clips_of(samples, draws, augment)
    return images_of(samples, draws, meta, augment)


def clips_of(samples: Sequence[Sample], draws: list[Generator] | None, augment: SoundAugment | None) -> Clips:
    """The sounds of the samples, changed in training, padded with zeros."""
    waveforms: list[Any] = [sample.waveform for sample in samples]
    if augment and draws:
        waveforms = [augment(*pair) for pair in zip(waveforms, draws, strict=True)]
    return Clips.of(waveforms)


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
    return pad_sequence(rows, batch_first=True), lens
