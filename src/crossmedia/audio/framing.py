"""Whether an OGG or MP3 file is whole, by its own framing: a decoder plays what is left of a cut one."""

from typing import BinaryIO

_CODECS = (b"\x01vorbis", b"OpusHead")  # how an OGG's first packet begins
_PAGE = 27  # bytes before a page's segment table (RFC 3533, section 6)
_FIRST, _LAST = 2, 4  # flags of a stream's pages

_KBPS = {  # by MPEG-1 or not (ISO/IEC 11172-3 and 13818-3, layer III)
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3")  # what may stand behind the last frame of an MP3
_HEADER = 4  # bytes of an MP3 frame's


class Unreadable(Exception):
    """A sound file that is not read: what was found, what is allowed. What to do."""


def spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def bytes_at(file: BinaryIO, place: int, count: int) -> bytes:
    """So many bytes, or fewer where the file ends."""
    file.seek(place)
    return file.read(count)


def after_id3(file: BinaryIO) -> int:
    """Where the sound begins: behind ID3v2 tags, if there are any."""
    at = 0
    while (head := bytes_at(file, at, 10)).startswith(b"ID3") and len(head) == 10:
        size = 0
        for byte in head[6:]:  # seven bits each
            size = size << 7 | byte & 0x7F
        at += 10 + size + 10 * bool(head[5] & 0x10)  # a footer repeats the header
    return at


def need_whole_ogg(file: BinaryIO, size: int) -> None:
    """One Vorbis or Opus stream, page after page up to the one that says it is the last."""
    at, number, flags = 0, 0, 0
    while at < size:
        head = bytes_at(file, at, _PAGE)
        table = file.read(head[-1]) if len(head) == _PAGE else b""
        end = at + _PAGE + len(table) + sum(table)
        if not head.startswith(b"OggS") or end > size:
            raise _broken(at)
        flags = head[5]
        if number == 0 and not file.read(8).startswith(_CODECS):
            raise Unreadable("a codec in OGG other than Vorbis and Opus. Convert it")
        if number and flags & _FIRST:
            raise Unreadable("several streams in one OGG file, one is read. Split it")
        if int.from_bytes(head[18:22], "little") != number:
            raise Unreadable(f"damaged: page {number} of its OGG stream is missing. Remove it")
        at, number = end, number + 1
    if not flags & _LAST:
        raise Unreadable(f"cut short after {spaced(size)} bytes, its last OGG page is missing. Remove it")


def need_whole_mp3(file: BinaryIO, size: int) -> None:
    """Frame after frame up to the end or a tag, and as many as the first one announces (Xing, VBRI).

    A file without such an announcement that was cut between two frames cannot be told from a whole one.
    """
    at = after_id3(file)
    announced = _announced(bytes_at(file, at, frame_length(bytes_at(file, at, _HEADER))))
    frames = -1 if announced else 0  # the frame that announces is none of them
    while length := frame_length(bytes_at(file, at, _HEADER)):
        if at + length > size:
            raise _broken(at)
        at, frames = at + length, frames + 1
    rest = bytes_at(file, at, len(max(_TAGS, key=len)))
    if rest.strip(b"\0") and not rest.startswith(_TAGS):
        raise _broken(at)
    if frames < announced:
        raise Unreadable(f"cut short: {spaced(frames)} of its {spaced(announced)} MP3 frames. Remove it")


def frame_length(head: bytes) -> int:
    """Bytes of the MP3 frame that begins with this header; 0 where it is none."""
    if len(head) < _HEADER or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # sync, layer III
        return 0
    version, mpeg1 = head[1] >> 3 & 3, head[1] >> 3 & 3 == 3
    kbps, rate = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or kbps in (0, 15) or rate == 3:
        return 0
    padding = head[2] >> 1 & 1
    return (144 if mpeg1 else 72) * 1000 * _KBPS[mpeg1][kbps] // _RATES[version][rate] + padding


def _announced(first: bytes) -> int:
    """How many frames follow, by the first one; 0 where it does not tell."""
    if not first:
        return 0
    mpeg1, mono = first[1] >> 3 & 3 == 3, first[3] >> 6 == 3
    xing = _HEADER + ((17 if mono else 32) if mpeg1 else (9 if mono else 17))  # behind the side information
    vbri = _HEADER + 32
    if first[xing : xing + 4] in (b"Xing", b"Info") and first[xing + 7] & 1:
        return int.from_bytes(first[xing + 8 : xing + 12], "big")
    if first[vbri : vbri + 4] == b"VBRI":
        return int.from_bytes(first[vbri + 14 : vbri + 18], "big")
    return 0


def _broken(at: int) -> Unreadable:
    return Unreadable(f"cut short or damaged after {spaced(at)} bytes. Remove it")
