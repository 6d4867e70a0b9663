"""Whether an OGG file is whole, by its pages (RFC 3533): a decoder plays what is left of a cut one."""

from typing import BinaryIO

from crossmedia.audio.framing import Unreadable, broken, bytes_at, spaced

_CODECS = (b"\x01vorbis", b"OpusHead")  # how the first packet begins
_PAGE = 27  # bytes before a page's segment table
_FIRST, _LAST = 2, 4  # flags of a stream's pages


def need_whole(file: BinaryIO, size: int) -> None:
    """One Vorbis or Opus stream, page after page up to the one that says it is the last.

    Raises `Unreadable`. What the pages hold is for the decoder to check: each has a checksum.
    """
    at, number, flags = 0, 0, 0
    while at < size:
        head = bytes_at(file, at, _PAGE)
        table = file.read(head[-1]) if len(head) == _PAGE else b""
        end = at + _PAGE + len(table) + sum(table)
        if not head.startswith(b"OggS") or end > size:
            raise broken(at)
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
