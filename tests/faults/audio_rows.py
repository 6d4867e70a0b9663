"""Sound files that a data set may hold by mistake, one a row."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sounds import encoded, fmt, frames_of, integers, riff, tone

SAMPLES = integers(tone())
NOISY = tone() + 0.01 * np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
EXTENSIBLE = struct.pack("<HHIH14s", 22, 16, 0, 1, b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71")


class Row(NamedTuple):
    """`said` is part of the line that names the file; None: a sound that is read, of so many samples."""

    name: str
    make: Callable[[Path], Any]
    said: str | None = None
    samples: int = 16_000


def holding(data: bytes) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(data)


def half(kind: str, **options: Any) -> Callable[[Path], Any]:
    data = encoded(NOISY, kind, **options)
    return holding(data[: len(data) // 2])


def floats(*values: float) -> Callable[[Path], Any]:
    """A float file with these values amid its tone."""
    samples = tone()
    samples[100 : 100 + len(values)] = values
    return holding(encoded(samples, subtype="FLOAT"))


def wav(*chunks: Any, name: bytes = b"RIFF") -> Callable[[Path], Any]:
    return holding(riff(*chunks, name=name))


def without_length() -> bytes:
    """A FLAC whose writer never went back to its header."""
    data = bytearray(encoded(kind="FLAC"))
    data[21] &= 0xF0  # the number of samples: 36 bits of STREAMINFO
    data[22:26] = bytes(4)
    return bytes(data)


def zero_filled() -> bytes:
    """An MP3 that does not announce its frames, the last of them zeros."""
    frames = frames_of(encoded(NOISY, "MP3"))[1:]
    return b"".join(frames[:-9]) + bytes(len(b"".join(frames[-9:])))


ENDLESS_INFO = b"INFOnone" + struct.pack("<I", 0xFFFFFFF8)  # libsndfile 1.2.2 steps back over it for ever
DS64 = struct.pack("<QQQI", 32_068, 32_000, 16_000, 0)

ROWS = [
    Row("missing", lambda path: None, "no such file. Mend the path"),
    Row("empty", lambda path: path.touch(), "zero bytes"),
    Row("folder", lambda path: path.mkdir(), "a folder, not a sound"),
    Row("link", lambda path: path.symlink_to("gone.wav"), "a link to gone.wav, which cannot be reached"),
    Row("header only", wav(fmt(), (b"data", b"")), "no samples"),
    Row(
        "header of a cut file", wav(fmt(), (b"data", b"", 32_000)), "gives 32 000 bytes of samples, the file"
    ),
    Row("no data", wav(fmt()), "a WAV file without a data chunk"),
    Row("no fmt", wav((b"data", SAMPLES)), "a WAV file without a fmt chunk"),
    Row("no frames in ogg", holding(encoded(np.zeros(0, np.float32), "OGG")), "no samples"),
    Row("wav cut", half("WAV"), "gives 32 000 bytes of samples, the file holds 15 978. Cut short: remove it"),
    Row("flac cut", half("FLAC"), "damaged or cut short (flac decoder lost sync"),
    Row("ogg cut", half("OGG"), "cut short or damaged after"),
    Row("opus cut", half("OGG", subtype="OPUS"), "cut short or damaged after"),
    Row("mp3 cut", half("MP3"), "cut short or damaged after"),
    Row("mp3 of zeros at its end", holding(zero_filled()), "cut short or damaged after"),
    Row("4 GB", wav(fmt(), (b"data", SAMPLES, 0xFFFFFFFF)), "gives 4 294 967 295 bytes of samples, the file"),
    Row("a stream's", wav(fmt(), (b"data", SAMPLES, 0)), "gives 0 bytes of samples, 32 000 more follow"),
    Row(
        "samples that spell a chunk",
        wav(fmt(), (b"data", SAMPLES[:900] + b"loud" + SAMPLES[904:], 900)),
        "gives 900 bytes of samples, 31 100 more",
    ),
    Row("too short a length", wav(fmt(), (b"data", SAMPLES, 900)), "gives 900 bytes of samples, 31 100 more"),
    Row("up to silence", wav(fmt(), (b"data", bytes(1_000) + SAMPLES, 900)), "900 bytes of samples, 32 100"),
    Row("no length in flac", holding(without_length()), "its header does not give its length. Save it again"),
    Row("rate 0", wav(fmt(rate=0), (b"data", SAMPLES)), "sample rate 0 Hz, must be between 1000 and 384000"),
    Row("0 channels", wav(fmt(channels=0), (b"data", SAMPLES)), "0 channels"),
    Row("not a number", floats(np.nan), "samples that are NaN or infinite"),
    Row("infinite", floats(np.inf, -np.inf), "samples that are NaN or infinite"),
    Row("integers as floats", floats(32_767.0), "samples up to 32 767: a float file holds [-1, 1]. Scale it"),
    Row("longer than max", holding(encoded(tone(seconds=80.1))), "80.1 s, at most "),  # prompts have 80 s
    Row("ten minutes of silence", holding(encoded(np.zeros(9_600_000, np.float32), "FLAC")), "s, at most "),
    Row("text", holding(b"<html>404</html>"), "not an audio file that can be read (WAV, FLAC, OGG, MP3)"),
    Row("m4a", holding(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(64)), "not an audio file that can be read"),
    Row("packed", holding(b"\x1f\x8b\x08\0" + bytes(64)), "packed by gzip. Unpack it"),
    Row("unknown codec", wav(fmt(0x1234), (b"data", SAMPLES)), "WAV codec 0x1234 (unknown) of 16 bits"),
    Row("mp3 in wav", wav(fmt(0x55, bits=0), (b"data", SAMPLES)), "WAV codec 0x0055 (MP3) of 0 bits"),
    Row("adpcm", holding(encoded(kind="WAV", subtype="IMA_ADPCM")), "WAV codec 0x0011 (IMA ADPCM) of 4 bits"),
    Row("info that hangs", wav(fmt(), (b"LIST", ENDLESS_INFO), (b"data", SAMPLES))),
    Row("info behind", wav(fmt(), (b"data", SAMPLES), (b"LIST", ENDLESS_INFO, 0xFFFFFFF0))),
    Row(
        "info without end", wav(fmt(), (b"LIST", ENDLESS_INFO, 0xFFFFFFF0)), "a WAV file without a data chunk"
    ),
    Row("rf64", wav((b"ds64", DS64), fmt(), (b"data", SAMPLES, 0xFFFFFFFF), name=b"RF64")),
    Row("extensible", wav(fmt(0xFFFE, more=EXTENSIBLE), (b"data", SAMPLES))),
    Row("another rate", holding(encoded(rate=22_050)), samples=22_050),
    Row("channels that cancel", holding(encoded(np.stack([tone(), -tone()], 1))), "cancel one another"),
    Row("stereo", holding(encoded(np.stack([tone(), 0.8 * tone()], 1)))),
    Row("six channels", holding(encoded(np.stack([tone()] * 6, 1), "FLAC"))),
    Row("silence", holding(encoded(np.zeros(16_000, np.float32)))),
    Row("one sample", wav(fmt(), (b"data", b"\0\x40")), samples=1),
    Row("a byte too many", wav(fmt(), (b"data", SAMPLES + b"\1"))),
    Row("a little above 1", floats(1.5, -1.2)),
]
BROKEN = [row for row in ROWS if row.said]
