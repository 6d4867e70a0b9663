"""Reads one sound file into a waveform, or says in one line why it cannot be read."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import torch
from torch import Tensor

from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, file_size, path_text

SUFFIXES = frozenset(".wav .flac .ogg .oga .opus .mp3".split())
MAX_SECONDS = 60.0  # of one clip
TOLERANCE = 0.01  # seconds by which a list may be wrong about a clip


class AudioInfo(NamedTuple):
    sample_rate: int  # Hz
    frames: int
    channels: int

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate


def read_audio(path: str | Path, max_seconds: float = MAX_SECONDS) -> tuple[Tensor, int]:
    """The waveform, float32 (samples,) mono in [-1, 1], and its rate in Hz."""
    info = audio_info(path)
    if info.seconds > max_seconds:
        fault = f"{info.seconds:.1f} s, at most {max_seconds:g} s are read. Cut it"
        raise DataError(f"{path_text(path)}: {fault}{SKIP}")
    with open(path, "rb") as file:
        samples, sample_rate = soundfile.read(file, dtype="float32", always_2d=True)  # (samples, channels)
    return torch.from_numpy(np.clip(samples.mean(axis=1), -1, 1)), sample_rate


def audio_info(path: str | Path) -> AudioInfo:
    """Rate, frames and channels as the header has them."""
    file_size(path, "sound")
    try:
        with open(path, "rb") as file:
            info = soundfile.info(file)
    except soundfile.SoundFileError as error:
        fault = "not an audio file that can be read (WAV, FLAC, OGG, MP3). Remove it"
        raise DataError(f"{path_text(path)}: {fault}{SKIP}") from error
    return AudioInfo(info.samplerate, info.frames, info.channels)


def need_seconds(path: str | Path, found: float, said: float) -> None:
    """Raise `DataError` where a list gives a clip `said` seconds, more than 10 ms from what the file has."""
    if not abs(found - said) <= TOLERANCE:  # NaN is no length either
        raise DataError(f"{path_text(path)}: {found:.3f} s, the list says {said:.3f} s. Mend the list{SKIP}")
