"""Sounds that tests share: tones, their files, WAV files whose chunks say what they are told to."""

import io
import struct
from pathlib import Path

import numpy as np
import soundfile

from crossmedia.audio import mp3


def tone(hertz: float = 440.0, seconds: float = 1.0, rate: int = 16_000, peak: float = 0.5) -> np.ndarray:
    """A sine, float32 (samples,)."""
    return (peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def encoded(
    samples: np.ndarray | None = None, kind: str = "WAV", rate: int = 16_000, subtype: str | None = None
) -> bytes:
    """A file of that format as libsndfile writes it; without samples, of a second of 440 Hz."""
    file = io.BytesIO()
    soundfile.write(file, tone(rate=rate) if samples is None else samples, rate, subtype, format=kind)
    return file.getvalue()


def save(path: Path, samples: np.ndarray | None = None, kind: str = "WAV", **options) -> Path:
    path.write_bytes(encoded(samples, kind, **options))
    return path


def frames_of(data: bytes) -> list[bytes]:
    """The frames of an MP3 file."""
    frames = []
    while data:
        length = mp3.frame_length(data[:4])
        frames.append(data[:length])
        data = data[length:]
    return frames


def riff(*chunks: tuple[bytes, bytes] | tuple[bytes, bytes, int], name: bytes = b"RIFF") -> bytes:
    """A WAV file of these chunks: name, content, and the length it claims where that is another."""
    body = b"WAVE"
    for kind, content, *claimed in chunks:
        length = claimed[0] if claimed else len(content)
        body += kind + struct.pack("<I", length) + content + b"\0" * (len(content) % 2)
    return name + struct.pack("<I", len(body)) + body


def fmt(
    tag: int = 1, channels: int = 1, rate: int = 16_000, bits: int = 16, more: bytes = b""
) -> tuple[bytes, bytes]:
    """The chunk that says how samples are written."""
    block = channels * bits // 8
    return b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits) + more


def integers(samples: np.ndarray) -> bytes:
    """16-bit samples, as most WAV files hold them."""
    return np.round(samples * 32_767).astype("<i2").tobytes()


def peak_hertz(waveform, rate: int) -> float:
    """Where the spectrum of a sound has its peak."""
    power = np.abs(np.fft.rfft(np.asarray(waveform) * np.hanning(len(waveform)), 2**18))
    return float(power.argmax()) * rate / 2**18
