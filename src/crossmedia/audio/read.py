"""Reads one sound file into a waveform, or says in one line why it cannot be read."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from soundfile import SoundFile
from torch import Tensor

from crossmedia.audio import mp3, ogg, wav
from crossmedia.audio.framing import Unreadable, bytes_at, spaced
from crossmedia.errors import DataError, brief
from crossmedia.images.read import SKIP, file_size, path_text, unread
from crossmedia.limits import outside

FORMATS = ("WAV", "FLAC", "OGG", "MP3")
SUFFIXES = frozenset(".wav .flac .ogg .oga .opus .mp3".split())
MAX_SECONDS = 60.0  # of one clip: 90 kB of FLAC can hold ten minutes
CANCELLED = 1e-4  # of the loudest channel's power, 40 dB, which their mean must have
LOUDEST = 1000.0  # a float file beyond this holds the integers of 16 bits or more
TOLERANCE = 0.01  # seconds by which a list may be wrong about a clip

_UNKNOWN = 2**63 - 1  # frames, where a FLAC's header does not tell
_BLOCK = 1 << 18  # frames decoded at a time: all channels of a long clip need not be in memory at once


class AudioInfo(NamedTuple):
    """What a sound file's header says."""

    sample_rate: int  # Hz
    frames: int  # samples of each channel
    channels: int

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate


def read_audio(path: str | Path, max_seconds: float = MAX_SECONDS) -> tuple[Tensor, int]:
    """The waveform (samples,), float32 in [-1, 1], the mean of the channels, and the file's own rate in Hz.

    Silence and clips shorter than any window are read as they are; so are the peaks a little above 1 of
    float files and of lossy decoders. The content tells the format, not the suffix. Raises `DataError` naming
    the file, of a clip longer than `max_seconds` before it is decoded.
    """
    with _told(path) as (file, size):
        info, decoder = _opened(file, size)
        need_short(path, info.seconds, max_seconds)
        with decoder() as sound:
            waveform = np.concatenate([np.empty(0, np.float32), *_mono(sound)])
        if len(waveform) != info.frames:
            fault = f"{spaced(len(waveform))} of its {spaced(info.frames)} samples can be decoded"
            raise Unreadable(f"cut short or damaged: {fault}. Remove it")
    return torch.from_numpy(waveform), info.sample_rate


def audio_info(path: str | Path) -> AudioInfo:
    """Rate, length and channels without decoding; raises `DataError` as `read_audio` does, of the header."""
    with _told(path) as (file, size):
        return _opened(file, size)[0]


def need_short(path: str | Path, seconds: float, max_seconds: float) -> None:
    """Raise `DataError` where a clip is longer than what is read."""
    if seconds > max_seconds:
        fault = f"{seconds:.6g} s, at most {max_seconds:g} s are read"
        raise DataError(f"{path_text(path)}: {fault}. Cut it{SKIP}")


def need_seconds(path: str | Path, found: float, said: float, trimmed: float = 0.0) -> None:
    """Raise `DataError` where a list gives a clip `said` seconds, more than 10 ms from what the file has.

    The list may count what a codec adds at both ends and its decoder takes away, up to `trimmed` seconds.
    """
    if not -TOLERANCE <= said - found <= TOLERANCE + trimmed:  # NaN is no length either
        raise DataError(f"{path_text(path)}: {found:.3f} s, the list says {said:.3f} s. Mend the list{SKIP}")


@contextmanager
def _told(path: str | Path) -> Iterator[tuple[BinaryIO, int]]:
    """The file and its bytes; whatever goes wrong with it becomes one line."""
    size = file_size(path, "sound")
    try:
        with open(path, "rb") as file:
            yield file, size
    except (DataError, MemoryError):
        raise
    except Unreadable as error:
        raise DataError(f"{path_text(path)}: {error}{SKIP}") from error
    except OSError as error:
        raise DataError(f"{path_text(path)}: {unread(error)}{SKIP}") from error
    except Exception as error:  # a broken file makes libsndfile say anything
        reason = brief(str(error).rpartition(": ")[2].rstrip(".") or type(error).__name__)
        raise DataError(f"{path_text(path)}: damaged or cut short ({reason}). Remove it{SKIP}") from error


def _opened(file: BinaryIO, size: int) -> tuple[AudioInfo, Callable[[], SoundFile]]:
    """What the header says, and what then opens the samples."""
    head = bytes_at(file, 0, 12)
    if wav.is_wav(head):
        header = wav.read_header(file, size)
        info = AudioInfo(header.sample_rate, header.frames, header.channels)
        return _checked(info), partial(header.samples, file)
    sound = _decoder(file, size, head)
    return _checked(AudioInfo(sound.samplerate, sound.frames, sound.channels)), lambda: sound


def _decoder(file: BinaryIO, size: int, head: bytes) -> SoundFile:
    """Of a FLAC, OGG or MP3 file, by its content."""
    magic = bytes_at(file, mp3.after_id3(file), 4)
    if mp3.frame_length(magic):
        return mp3.opened(file, size)
    if head.startswith(b"OggS"):
        ogg.need_whole(file, size)
    elif head.startswith(b"\x1f\x8b"):
        raise Unreadable("packed by gzip. Unpack it")
    elif magic != b"fLaC":
        raise Unreadable(f"not an audio file that can be read ({', '.join(FORMATS)}). Convert or remove it")
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return SoundFile(file.fileno(), closefd=False)  # by its number: a name would tell the format


def _checked(info: AudioInfo) -> AudioInfo:
    fault = outside("sample_rate", info.sample_rate)
    if fault:
        raise Unreadable(f"sample rate {info.sample_rate} Hz, {fault}. Remove it")
    if info.frames == 0:
        raise Unreadable("no samples. Remove it")
    if info.frames == _UNKNOWN:
        raise Unreadable("its header does not give its length. Save it again")
    return info


def _mono(sound: SoundFile) -> Iterator[np.ndarray]:
    """Blocks (samples,) of the mean over the channels; refused where these cancel one another."""
    power = mixed = 0.0
    while len(block := sound.read(_BLOCK, dtype="float32", always_2d=True)):
        peak = float(np.abs(block).max())
        if not np.isfinite(peak):
            raise Unreadable("samples that are NaN or infinite. Remove it")
        if peak > LOUDEST:
            raise Unreadable(f"samples up to {spaced(round(peak))}: a float file holds [-1, 1]. Scale it")
        if block.shape[1] == 1:
            yield block[:, 0]
            continue
        mean = block.mean(axis=1)
        power += float(np.square(block, dtype=np.float64).sum(axis=0).max())
        mixed += float(np.square(mean, dtype=np.float64).sum())
        yield mean
    if mixed < power * CANCELLED:
        raise Unreadable("its channels cancel one another: their mean is silence. Turn the sign of one")
