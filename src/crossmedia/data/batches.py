"""What sources, views and tasks hand to one another. B batch, C channels, H W image size, K captions
of one sample, L tokens, S samples of sound."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, Self

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


class Sample(NamedTuple):
    """What a source knows of one sample; a field that it lacks stays at its default."""

    id: str
    image: Tensor | None = None  # (C, H, W) uint8, C 1 or 3
    captions: tuple[str, ...] = ()  # paraphrases of one content
    label: int | None = None
    waveform: Tensor | None = None  # (samples,) float in [-1, 1]
    sample_rate: int | None = None  # Hz
    transcript: str | None = None
    speaker: str | None = None
    objects: Tensor | None = None  # (N, 5) int64: shape, colour, size, x, y in 1/256 of the side; else -1


class Clips(NamedTuple):
    """Sounds of one rate, padded with silence to the longest."""

    waveforms: Tensor  # (B, S) float in [-1, 1]
    lens: Tensor  # (B,) samples

    @classmethod
    def of(cls, waveforms: Sequence[Tensor]) -> Self:
        """Of waveforms (samples,), on their device."""
        lens = torch.tensor([len(waveform) for waveform in waveforms], device=waveforms[0].device)
        return cls(pad_sequence(list(waveforms), batch_first=True), lens)


class ImageBatch(NamedTuple):
    inputs: Tensor  # (B, C, H, W)
    valid: Tensor  # (B,) false for a sample that only fills a rank's last batch
    ids: list[str]


class ClassBatch(NamedTuple):
    inputs: Tensor | Clips  # pictures (B, C, H, W), or sounds
    labels: Tensor  # (B,)
    valid: Tensor  # (B,)
    ids: list[str]


class ObjectBatch(NamedTuple):
    inputs: Tensor  # (B, C, H, W)
    objects: Tensor  # (B, N, 5) as a Sample has them
    valid: Tensor  # (B,)
    ids: list[str]


class KindBatch(NamedTuple):
    inputs: Tensor  # (B, C, H, W)
    kinds: Tensor  # (B, N, A) the attributes of each of a scene's objects
    valid: Tensor  # (B,)
    ids: list[str]


class CaptionBatch(NamedTuple):
    inputs: Tensor | Clips  # pictures (B, C, H, W), or sounds
    tokens: Tensor  # (B, L), or (B, K, L) in training: bos … eos, padded with 0
    lens: Tensor  # (B,) or (B, K), with bos and eos
    references: list[tuple[str, ...]]  # every caption of each sample
    valid: Tensor  # (B,)
    ids: list[str]


class SpeechBatch(NamedTuple):
    inputs: Clips
    tokens: Tensor  # (B, L) without bos and eos, padded with 0
    lens: Tensor  # (B,)
    references: list[str]  # what is said
    speakers: list[str | None]
    valid: Tensor  # (B,)
    ids: list[str]


class SynthesisBatch(NamedTuple):
    inputs: Clips
    tokens: Tensor  # (B, L) with eos, padded with 0
    lens: Tensor  # (B,)
    references: list[str]  # what is said
    speakers: Tensor | None  # (B,) numbers of the speakers that `meta` names
    valid: Tensor  # (B,)
    ids: list[str]


class CropBatch(NamedTuple):
    inputs: Clips  # crops of one length in training, else whole clips
    valid: Tensor  # (B,)
    ids: list[str]
    references: list[str | None]  # what is said, where the data knows


def one_of(inputs: Tensor | Clips, place: int) -> Tensor:
    """One of a batch's inputs, on the CPU: a picture (C, H, W), or a sound (S,) without its padding."""
    if isinstance(inputs, Clips):
        return inputs.waveforms[place, : int(inputs.lens[place])].cpu()
    return inputs[place].cpu()


def ids_of(batch: Any) -> list[str]:
    """The samples of a batch that count, as its rows where `valid` are."""
    return [name for name, valid in zip(batch.ids, batch.valid.tolist(), strict=True) if valid]


class Meta(NamedTuple):
    """What only the data knows; the task keeps it in the checkpoint, so that loading needs no data.

    The first ones are plain values. Each of the others is an object with `config()`: a plain dict with
    `_target_` that builds it again.
    """

    classes: tuple[str, ...] = ()
    seconds: float | None = None  # of the longest sound of training
    speakers: tuple[str, ...] = ()  # where the task tells them apart
    longest: int | None = None  # characters of the longest text of training that is to be spoken
    kinds: tuple[tuple[int, ...], ...] = ()  # (attribute, …, count) of training, where the view tells kinds
    objects: int = 0  # of each scene, where the view tells their kinds
    names: tuple[tuple[str, ...], ...] = ()  # of the values of each attribute, there
    tokenizer: Any = None
    image: Any = None  # images.transforms.ImageTransform
    audio: Any = None  # audio.transforms.AudioTransform
    scorer: Any = None  # the data set's own Metric, as SceneAccuracy is
    front: Any = None  # text.frontend.SpeechText


class Split(Protocol):
    """One split of a source. It may offer `__getitems__(indices) -> list[Sample]` to compute many at once,
    and `lengths() -> list[float]`, the seconds of each sample without decoding it, for batches of like
    length. Where its samples have speakers, `speakers() -> list[str | None]` tells each one's.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...

    def texts(self) -> list[str]:
        """Every caption, or what is said, of the split, in order, without reading a picture or sound."""
        ...


class Source(Protocol):
    """Where samples are. `faults` names members that cannot be used, `notes` what was passed over rightly."""

    fields: frozenset[str]  # the fields of Sample that it fills
    splits: tuple[str, ...]
    classes: tuple[str, ...]
    scorer: Any
    faults: list[str]
    notes: list[str]

    def split(self, name: str) -> Split: ...

    def fingerprint(self) -> str:
        """A hash of what the source holds: equal data, equal fingerprint, on every machine."""
        ...
