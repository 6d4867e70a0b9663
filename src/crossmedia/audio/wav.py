"""Takes a WAV file apart, so that its decoder sees the samples alone: a foreign chunk can hang it."""

import struct
from io import BytesIO
from typing import BinaryIO, NamedTuple

from soundfile import SoundFile

from crossmedia.audio.framing import Unreadable, bytes_at, spaced

_PCM, _FLOAT, _ALAW, _MULAW = 1, 3, 6, 7
_EXTENSIBLE = 0xFFFE  # the tag stands in the first two bytes of a GUID
_SUBTYPES = {  # format tag, bytes of a sample -> libsndfile's name
    (_PCM, 1): "PCM_U8",
    (_PCM, 2): "PCM_16",
    (_PCM, 3): "PCM_24",
    (_PCM, 4): "PCM_32",
    (_FLOAT, 4): "FLOAT",
    (_FLOAT, 8): "DOUBLE",
    (_ALAW, 1): "ALAW",
    (_MULAW, 1): "ULAW",
}
_NAMES = {
    _PCM: "PCM",
    2: "MS ADPCM",
    _FLOAT: "float",
    0x11: "IMA ADPCM",
    0x31: "GSM 6.10",
    0x50: "MPEG",
    0x55: "MP3",
    0x161: "WMA",
}
_BEHIND = {b"LIST", b"id3 ", b"ID3 ", b"JUNK", b"bext", b"cue ", b"fact", b"smpl", b"inst", b"iXML", b"PEAK"}
_IN_DS64 = 0xFFFFFFFF  # RF64's mark of a length that stands in its ds64 chunk (EBU Tech 3306)
_ENDLESS = 0x7FFF0000  # bytes; what a recorder that writes to a stream puts, or more
_MOST_CHUNKS = 1000  # before the samples
_BLOCK = 1 << 16  # bytes looked through at a time


class Wav(NamedTuple):
    """Where a WAV file has its samples, and how they are written."""

    start: int  # bytes
    frames: int
    sample_rate: int  # Hz
    channels: int
    width: int  # bytes of a sample
    subtype: str

    def samples(self, file: BinaryIO) -> SoundFile:
        """Nothing but the samples, opened for decoding."""
        data = bytes_at(file, self.start, self.frames * self.channels * self.width)
        return SoundFile(
            BytesIO(data),
            samplerate=self.sample_rate,
            channels=self.channels,
            format="RAW",
            subtype=self.subtype,
            endian="LITTLE",
        )


def is_wav(head: bytes) -> bool:
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def read_header(file: BinaryIO, size: int) -> Wav:
    """Walk the chunks up to the samples; raises `Unreadable` where one says what cannot be."""
    head = bytes_at(file, 0, 12)
    riff_end = 8 + int.from_bytes(head[4:8], "little")
    at, layout, long = 12, None, None
    for _ in range(_MOST_CHUNKS):
        chunk = bytes_at(file, at, 8)
        if len(chunk) < 8:
            break
        name, length, start = chunk[:4], int.from_bytes(chunk[4:], "little"), at + 8
        if name == b"data":
            if layout is None:
                break
            length = long if long is not None and length == _IN_DS64 else length
            _need_data(file, size, start, length, riff_end)
            rate, channels, width, subtype = layout
            return Wav(start, length // (channels * width), rate, channels, width, subtype)
        if name == b"fmt ":
            layout = _layout(file.read(min(length, 40)))
        elif name == b"ds64":
            long = int.from_bytes(file.read(16)[8:], "little")
        at = _next(file, start, length)
    lacking = "fmt" if layout is None else "data"
    raise Unreadable(f"cut short or damaged: a WAV file without a {lacking} chunk. Remove it")


def _layout(fmt: bytes) -> tuple[int, int, int, str]:
    """Sample rate, channels, bytes of a sample, and its type."""
    if len(fmt) < 16:
        raise Unreadable("damaged: its fmt chunk is too short. Remove it")
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", fmt)
    if tag == _EXTENSIBLE:
        tag = int.from_bytes(fmt[24:26], "little")
    width = (bits + 7) // 8
    if channels == 0:
        raise Unreadable("0 channels. Remove it")
    if (tag, width) not in _SUBTYPES:
        codec = f"WAV codec 0x{tag:04x} ({_NAMES.get(tag, 'unknown')}) of {bits} bits"
        raise Unreadable(f"{codec}, PCM, float, A-law and mu-law are read. Convert it")
    if block != channels * width:
        fault = f"{block} bytes for {channels} channels of {bits} bits"
        raise Unreadable(f"damaged: its fmt chunk gives {fault}. Remove it")
    return rate, channels, width, _SUBTYPES[tag, width]


def _need_data(file: BinaryIO, size: int, start: int, length: int, riff_end: int) -> None:
    """The header's word on how long the samples are is true; a stream's writer never knew."""
    there = size - start
    if length > there:
        cure = "Save it again" if length >= _ENDLESS else "Cut short: remove it"
        fault = f"its header gives {spaced(length)} bytes of samples, the file holds {spaced(there)}"
        raise Unreadable(f"{fault}. {cure}")
    end = _next(file, start, length)
    if not _begins_chunk(file, end, size) and (length == 0 or _sounds(file, end, min(size, riff_end))):
        fault = f"its header gives {spaced(length)} bytes of samples, {spaced(size - end)} more follow"
        raise Unreadable(f"{fault}. Save it again")


def _sounds(file: BinaryIO, at: int, end: int) -> bool:
    """Whether more than padding follows: a clip may be silent where its samples seem to end."""
    return any(bytes_at(file, at, min(_BLOCK, end - at)).strip(b"\0") for at in range(at, end, _BLOCK))


def _next(file: BinaryIO, start: int, length: int) -> int:
    """Where the next chunk begins: behind an odd one stands a pad byte, which some writers forget."""
    end = start + length
    names = bytes_at(file, end, 5)
    if length % 2 and (_names_chunk(names[1:]) or not _names_chunk(names[:4])):
        return end + 1
    return end


def _begins_chunk(file: BinaryIO, at: int, size: int) -> bool:
    """Whether a chunk stands there, of a known name or one that ends within the file, or there is no room for
    one: four printable bytes may be samples."""
    head = bytes_at(file, at, 8)
    if len(head) < 8:
        return True
    if head[:4] in _BEHIND:
        return True
    return _names_chunk(head[:4]) and at + 8 + int.from_bytes(head[4:], "little") <= size + 1


def _names_chunk(name: bytes) -> bool:
    return len(name) == 4 and name.isascii() and name.decode().isprintable()
