"""What the readers of the formats share: a file that is not read, and bytes at a place."""

from typing import BinaryIO


class Unreadable(Exception):
    """A sound file that is not read: what was found, what is allowed. What to do."""


def broken(at: int) -> Unreadable:
    return Unreadable(f"cut short or damaged after {spaced(at)} bytes. Remove it")


def spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def bytes_at(file: BinaryIO, place: int, count: int) -> bytes:
    """So many bytes, or fewer where the file ends."""
    file.seek(place)
    return file.read(count)
