"""What the sources of sound files share: clips decoded on demand, and a split by their texts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from crossmedia.audio.mp3 import MOST_TRIMMED
from crossmedia.audio.read import MAX_SECONDS, audio_info, need_seconds, need_short, read_audio
from crossmedia.data.batches import Sample
from crossmedia.data.sources.files import choose, fingerprint, split_of
from crossmedia.images.read import file_size
from crossmedia.text.normalise import normalise, words

SPLITS = ("train", "val", "test")
HASHED = "no split in this format: train, val and test by hash of the clip's id (80, 10, 10 %)"


class Clip(NamedTuple):
    """One sound of the index."""

    id: str
    path: str
    transcript: str | None = None
    captions: tuple[str, ...] = ()
    label: int | None = None
    speaker: str | None = None
    seconds: float = 0.0
    size: int = 0  # bytes

    def facts(self) -> tuple[Any, ...]:
        return self.id, self.size, self.captions, self.label, self.transcript, self.speaker

    def texts(self) -> tuple[str, ...]:
        return self.captions if self.transcript is None else (self.transcript,)


class ClipSplit:
    """Clips whose sound is decoded when asked for; a broken one raises `DataError` naming its file."""

    def __init__(self, entries: Sequence[Clip], max_seconds: float = MAX_SECONDS):
        self.entries = entries
        self._max_seconds = max_seconds

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Sample:
        clip = self.entries[index]
        waveform, sample_rate = read_audio(clip.path, self._max_seconds)
        trimmed = MOST_TRIMMED if Path(clip.path).suffix.lower() == ".mp3" else 0
        need_seconds(clip.path, len(waveform) / sample_rate, clip.seconds, trimmed / sample_rate)
        return Sample(
            clip.id,
            captions=clip.captions,
            label=clip.label,
            waveform=waveform,
            sample_rate=sample_rate,
            transcript=clip.transcript,
            speaker=clip.speaker,
        )

    def texts(self) -> list[str]:
        return [text for clip in self.entries for text in clip.texts()]

    def lengths(self) -> list[float]:
        """Seconds of each clip in order, without decoding one."""
        return [clip.seconds for clip in self.entries]

    def speakers(self) -> list[str | None]:
        return [clip.speaker for clip in self.entries]


class ClipSource:
    """What all sources of sound files share; a subclass finds `root` and `_splits`."""

    splits: tuple[str, ...] = SPLITS
    classes: tuple[str, ...] = ()
    scorer = None
    root: Path
    _splits: dict[str, ClipSplit]

    def split(self, name: str) -> ClipSplit:
        return choose(self._splits, name, self.root)

    def fingerprint(self) -> str:
        """A hash of the clips' names, sizes and texts, and of their splits."""
        return fingerprint(self._splits)


def measured(clip: Clip, max_seconds: float = MAX_SECONDS) -> Clip:
    """The clip with its size, and its length by the file's header where none was announced.

    Raises `DataError` where the file is no sound or too long.
    """
    size = file_size(clip.path, "clip")
    seconds = clip.seconds or audio_info(clip.path).seconds
    need_short(clip.path, seconds, max_seconds)
    return clip._replace(seconds=seconds, size=size)


def split_by_text(texts: Mapping[str, str]) -> dict[str, str]:
    """Id -> train, val or test (80, 10, 10 %) by the hash of the first id with the same words.

    So no text is in two splits.
    """
    first: dict[object, str] = {}
    for name in sorted(texts):
        first.setdefault(words(texts[name]) or normalise(texts[name]), name)
    return {name: split_of(first[words(text) or normalise(text)]) for name, text in texts.items()}
