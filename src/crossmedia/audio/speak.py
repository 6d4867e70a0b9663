"""From texts to sounds: espeak-ng's process, its sounds at the rate asked for, its faults in one line."""

import functools
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np

from crossmedia.audio import espeak
from crossmedia.errors import SystemFault, brief

PACKAGE = "espeakng-loader"
PATIENCE = 600.0  # seconds for all utterances of one call; a shard of the corpus takes one or two
_LOBES = 10  # of the low-pass filter on each side, as scipy.signal.resample_poly has them by default


class Utterance(NamedTuple):
    text: str
    voice: str  # espeak-ng's name: an accent, +, a variant
    rate: int  # words a minute
    pitch: int  # 0-99


def speak(utterances: Sequence[Utterance], sample_rate: int) -> list[np.ndarray]:
    """The sound of each utterance, (samples,) int16 at `sample_rate` Hz: it depends on nothing else.

    Raises `SystemFault` where espeak-ng is missing, fails, or is not done after `PATIENCE` seconds.
    """
    loader = _loader()
    # Without the paths and packages of this process: the program needs none of them, and starts sooner.
    command = [sys.executable, "-I", "-S", espeak.__file__, loader.get_library_path(), loader.get_data_path()]
    lines = "".join(json.dumps(utterance) + "\n" for utterance in utterances)
    code, sounds, said = _answered(command, lines.encode())
    if code is None:
        last = utterances[min(_whole(sounds), len(utterances) - 1)]
        fault = f'{PATIENCE:g} s, and no end of "{brief(last.text)}" ({last.voice})'
        raise SystemFault(f"espeak-ng: {fault}. Start again, or leave this text out")
    if code:
        end = f"ended by {signal.Signals(-code).name}" if code < 0 else "failed"
        fault = brief((said.decode(errors="replace").strip().splitlines() or [end])[-1], 120)
        raise SystemFault(f"espeak-ng: {fault}. Start again, or reinstall {PACKAGE}")
    return [_resampled(sound, sample_rate) for sound in _sounds(sounds)]


def _answered(command: Sequence[str], lines: bytes) -> tuple[int | None, bytes, bytes]:
    """A program's exit code, None where it was ended for its slowness, and what it wrote."""
    pipe = subprocess.PIPE
    # A session of its own: Ctrl-C asks this process alone to stop.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as process:
        try:
            out, said = process.communicate(lines, PATIENCE)
            return process.returncode, out, said
        except subprocess.TimeoutExpired as late:
            return None, late.output or b"", b""
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # the copies of itself that it speaks with, too


def engine() -> str:
    """Name and version of the package that carries espeak-ng; `SystemFault` where it is missing."""
    _loader()
    return f"{PACKAGE} {metadata.version(PACKAGE)}"


def _loader() -> Any:
    try:
        import espeakng_loader  # it knows where the library is, and does not load it
    except ImportError:
        message = f'the embedded speech needs {PACKAGE}: pip install "crossmedia[speech]"'
        raise SystemFault(message) from None
    return espeakng_loader


def _sounds(stream: bytes) -> Iterator[np.ndarray]:
    start = 0
    while start < len(stream):
        count = int.from_bytes(stream[start : start + 4], "little")
        yield np.frombuffer(stream, np.int16, count, start + 4)
        start += 4 + 2 * count


def _whole(stream: bytes) -> int:
    """How many sounds a stream holds that may end in the midst of one."""
    start, number = 0, -1
    while start <= len(stream):
        start += 4 + 2 * int.from_bytes(stream[start : start + 4], "little")
        number += 1
    return number


def _resampled(sound: np.ndarray, sample_rate: int) -> np.ndarray:
    if sample_rate == espeak.SAMPLE_RATE:
        return sound
    from scipy.signal import resample_poly  # takes a second to import

    shared = math.gcd(sample_rate, espeak.SAMPLE_RATE)
    up, down = sample_rate // shared, espeak.SAMPLE_RATE // shared
    wave = resample_poly(sound.astype(np.float64), up, down, window=_low_pass(max(up, down)))
    return wave.round().clip(-(2**15), 2**15 - 1).astype(np.int16)


@functools.cache
def _low_pass(factor: int) -> Any:
    """The filter that scipy's resample_poly would make anew for each sound, in more time than it filters."""
    from scipy.signal import firwin

    window: Any = ("kaiser", 5.0)
    return firwin(2 * _LOBES * factor + 1, 1 / factor, window=window)
