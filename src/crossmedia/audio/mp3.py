"""Takes an MP3 file apart by its frames (ISO/IEC 11172-3, layer III): a decoder guesses the length of a file
that does not announce it, and plays what is left of a cut one."""

import re
from io import BytesIO
from typing import BinaryIO

from soundfile import SoundFile

from crossmedia.audio.framing import Unreadable, broken, bytes_at, spaced

_KBPS = {  # by MPEG-1, or its extensions to lower rates (ISO/IEC 13818-3)
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
MOST_TRIMMED = 1105 + 1152  # samples: the delay of both codecs and a frame of padding (LAME's technical FAQ)
_LYRICS = re.compile(rb"LYRICSBEGIN.*?LYRICS(?:200|END)", re.DOTALL)
_MOST_LYRICS = 10**6  # bytes
_MOST_ZEROS = 1024  # behind the last frame; more of them are lost frames
_HEADER = 4  # bytes of a frame's
_ROOMY = 0xE0  # the highest bit rate: decoders look for an announcement in long frames only


def opened(file: BinaryIO, size: int) -> SoundFile:
    """Nothing but the frames, behind one that announces how many they are.

    Raises `Unreadable` where the last is cut or the first announces more or fewer (Xing, Info, VBRI). A file
    that announces nothing and was cut between two frames cannot be told from a whole one.
    """
    start = after_id3(file)
    first = bytes_at(file, start, frame_length(bytes_at(file, start, _HEADER)))
    mark, announced = _announced(first)
    if mark:
        start += len(first)
    frames, end = _walk(file, start, size)
    if announced not in (None, frames):
        fault = f"its first frame announces {spaced(announced)} MP3 frames, {spaced(frames)} follow"
        raise Unreadable(
            f"{fault}. Cut short: remove it" if frames < announced else f"{fault}. Save it again"
        )
    if mark == b"VBRI" or announced is None:
        first = _announcement(bytes_at(file, start, _HEADER), frames)
    return SoundFile(BytesIO(first + bytes_at(file, start, end - start)))


def after_id3(file: BinaryIO, at: int = 0) -> int:
    """Where the sound begins: behind the ID3v2 tags, if there are any at this place."""
    while (head := bytes_at(file, at, 10)).startswith(b"ID3") and len(head) == 10:
        size = 0
        for byte in head[6:]:  # seven bits each
            size = size << 7 | byte & 0x7F
        at += 10 + size + 10 * bool(head[5] & 0x10)  # a footer repeats the header
    return at


def frame_length(head: bytes) -> int:
    """Bytes of the frame that begins with this header; 0 where it is none."""
    if len(head) < _HEADER or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # sync, layer III
        return 0
    version, kbps, rate, padding = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or kbps in (0, 15) or rate == 3:
        return 0
    mpeg1 = version == 3
    return (144 if mpeg1 else 72) * 1000 * _KBPS[mpeg1][kbps] // _RATES[version][rate] + padding


def _walk(file: BinaryIO, at: int, size: int) -> tuple[int, int]:
    """How many frames of one rate and kind there are, and where the last ends."""
    head, frames = bytes_at(file, at, _HEADER), 0
    kind = _kind(head)
    while (length := frame_length(head)) and _kind(head) == kind:
        if at + length > size:
            raise broken(at)
        at, frames = at + length, frames + 1
        head = bytes_at(file, at, _HEADER)
    if _after_tags(file, at) != size:
        raise broken(at)
    if not frames:
        raise Unreadable("no samples. Remove it")
    return frames, at


def _after_tags(file: BinaryIO, at: int) -> int:
    """Where what may stand behind the last frame ends: tags, then a few zeros."""
    end = after_id3(file, at)
    rest = bytes_at(file, end, _MOST_ZEROS)
    if rest.startswith(b"APETAGEX"):
        end += 32 + int.from_bytes(rest[12:16], "little")  # the size is without the header
    elif rest.startswith(b"LYRICSBEGIN"):
        lyrics = _LYRICS.match(bytes_at(file, end, _MOST_LYRICS))
        end += lyrics.end() if lyrics else 0
    elif rest.startswith(b"TAG"):
        end += 128
    else:
        return end + len(rest) - len(rest.lstrip(b"\0"))
    return _after_tags(file, end) if end > at else at


def _kind(head: bytes) -> tuple[int, int, bool]:
    """Version, sample rate, and whether it is mono."""
    return (head[1] >> 3, head[2] >> 2 & 3, head[3] >> 6 == 3) if len(head) == _HEADER else (0, 0, False)


def _announced(first: bytes) -> tuple[bytes, int | None]:
    """The mark of a frame that holds no sound, if this is one, and how many it says follow."""
    xing, vbri = _HEADER + _side(first), _HEADER + 32
    if first[xing : xing + 4] in (b"Xing", b"Info"):
        told = first[xing + 7] & 1
        return first[xing : xing + 4], int.from_bytes(first[xing + 8 : xing + 12], "big") if told else None
    if first[vbri : vbri + 4] == b"VBRI":
        return b"VBRI", int.from_bytes(first[vbri + 14 : vbri + 18], "big")
    return b"", None


def _announcement(head: bytes, frames: int) -> bytes:
    """A frame like the one of this header, which says that so many follow."""
    head = bytes([head[0], head[1] | 1, head[2] & 0x0F | _ROOMY, head[3]])  # without a checksum
    info = head + bytes(_side(head)) + b"Info" + (1).to_bytes(4, "big") + frames.to_bytes(4, "big")
    return info.ljust(frame_length(head), b"\0")


def _side(head: bytes) -> int:
    """Bytes of a frame's side information."""
    mpeg1, mono = head[1] >> 3 & 3 == 3, head[3] >> 6 == 3
    return (17 if mono else 32) if mpeg1 else (9 if mono else 17)
