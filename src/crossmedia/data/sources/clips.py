"""What the sources of sound files share: clips decoded on demand, and a split by their texts."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from crossmedia.audio.read import MAX_SECONDS, audio_info, need_seconds, read_audio
from crossmedia.data.batches import Sample
from crossmedia.data.sources.files import split_of
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, file_size, path_text
from crossmedia.text.normalise import normalise, words


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
        need_seconds(clip.path, len(waveform) / sample_rate, clip.seconds)
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


def measured(clip: Clip, max_seconds: float = MAX_SECONDS) -> Clip:
    """The clip with its size, and its length by the file's header where none was announced.

    Raises `DataError` where the file is no sound or too long.
    """
    size = file_size(clip.path, "clip")
    seconds = clip.seconds or audio_info(clip.path).seconds
    if seconds > max_seconds:
        fault = f"{seconds:.1f} s, at most {max_seconds:g} s are read. Cut it"
        raise DataError(f"{path_text(clip.path)}: {fault}{SKIP}")
    return clip._replace(seconds=seconds, size=size)


def split_by_text(texts: Mapping[str, str]) -> dict[str, str]:
    """Id -> train, val or test (80, 10, 10 %) by the hash of the first id with the same words.

    So no text is in two splits.
    """
    first: dict[object, str] = {}
    for name in sorted(texts):
        first.setdefault(words(texts[name]) or normalise(texts[name]), name)
    return {name: split_of(first[words(text) or normalise(text)]) for name, text in texts.items()}
