"""From texts to sounds and to phonemes: espeak-ng's processes, and their faults in one line."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np

from crossmedia.audio import espeak, espeak_ipa
from crossmedia.audio.resample import resampled
from crossmedia.errors import SystemFault, brief

PACKAGE = "espeakng-loader"
PATIENCE = 600.0  # seconds for all utterances of one call; a shard of the corpus takes one or two


class Utterance(NamedTuple):
    text: str
    voice: str  # espeak-ng's name: an accent, +, a variant
    rate: int  # words a minute
    pitch: int  # 0-99


def speak(utterances: Sequence[Utterance], sample_rate: int) -> list[np.ndarray]:
    """The sound of each utterance, (samples,) int16 at `sample_rate` Hz: it depends on nothing else.

    Raises `SystemFault` where espeak-ng is missing, fails, or is not done after `PATIENCE` seconds.
    """
    lines = "".join(json.dumps(utterance) + "\n" for utterance in utterances)
    code, sounds, said = _answered(_program(espeak.__file__), lines.encode())
    if code is None:
        last = utterances[min(_whole(sounds), len(utterances) - 1)]
        fault = f'{PATIENCE:g} s, and no end of "{brief(last.text)}" ({last.voice})'
        raise SystemFault(f"espeak-ng: {fault}. Start again, or leave this text out")
    if code:
        raise _fault(code, said)
    return [_at_rate(sound, sample_rate) for sound in _sounds(sounds)]


def phonemes_of(texts: Sequence[str], voice: str) -> list[str]:
    """Each text as a voice of espeak-ng says it, in IPA without punctuation: one process for all of them.

    Raises ValueError for an unknown voice, and `SystemFault` as `speak` does.
    """
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    code, rows, said = _answered(_program(espeak_ipa.__file__, voice), lines.encode())
    if code is None:
        last = texts[min(rows.count(b"\n"), len(texts) - 1)]
        fault = f'{PATIENCE:g} s, and no phonemes of "{brief(last)}"'
        raise SystemFault(f"espeak-ng: {fault}. Start again, or leave this text out")
    if code == espeak_ipa.NO_VOICE:
        raise ValueError(
            f"phonemes {voice!r}: espeak-ng has no such voice; en-us, en-gb-x-rp and de are some"
        )
    if code:
        raise _fault(code, said)
    return [json.loads(row) for row in rows.splitlines()]


def _program(path: str, *words: str) -> list[str]:
    """Without the paths and packages of this process: the program needs none of them, and starts sooner."""
    loader = _loader()
    return [sys.executable, "-I", "-S", path, loader.get_library_path(), loader.get_data_path(), *words]


def _fault(code: int, said: bytes) -> SystemFault:
    end = f"ended by {signal.Signals(-code).name}" if code < 0 else "failed"
    fault = brief((said.decode(errors="replace").strip().splitlines() or [end])[-1], 120)
    return SystemFault(f"espeak-ng: {fault}. Start again, or reinstall {PACKAGE}")


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
        message = f'speech and phonemes need {PACKAGE}: pip install "crossmedia[speech]"'
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


def _at_rate(sound: np.ndarray, sample_rate: int) -> np.ndarray:
    if sample_rate == espeak.SAMPLE_RATE:
        return sound
    wave = resampled(sound.astype(np.float64), espeak.SAMPLE_RATE, sample_rate)
    return wave.round().clip(-(2**15), 2**15 - 1).astype(np.int16)
