"""What a command line gives a task to work on: files, the files of a folder, texts, the lines of a file."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crossmedia.audio import read as sounds
from crossmedia.data.sources.text_files import lines_of
from crossmedia.errors import DataError
from crossmedia.images.read import SUFFIXES

KINDS = {"image": ("pictures", SUFFIXES), "audio": ("sounds", sounds.SUFFIXES)}
PART = 64  # inputs at a time
LONGEST_PATH = 1_000  # characters; a longer text names no file
SECONDS = 600.0  # of sounds at a time


def lines(text: str) -> list[str]:
    """The text itself, or the lines of the file that it names."""
    path = Path(text)
    if not (text and len(text) < LONGEST_PATH and path.is_file()):
        return [text]
    found = [line for _, line in lines_of(path)]
    if not found:
        raise DataError(f"{path}: no line with a text")
    return found


def files(path: Path, kind: tuple[str, frozenset[str]]) -> list[Path]:
    """The file, or the files of that kind of a folder in the order of their names; others are counted."""
    if not path.is_dir():
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        return [path]
    there = sorted(p for p in path.iterdir() if not p.is_dir() and not p.name.startswith("."))
    name, suffixes = kind
    found = [file for file in there if file.suffix.lower() in suffixes]
    if not found:
        raise DataError(f"{path}: this folder has no {name} ({', '.join(sorted(suffixes))})")
    if len(found) < len(there):
        print(f"{len(there) - len(found)} other files in {path} passed over", file=sys.stderr)
    return found


def in_parts(inputs: Sequence[Any], medium: str) -> Iterator[list[Any]]:
    """At most `PART` inputs at a time, of sounds at most `SECONDS` where they are several."""
    part: list[Any] = []
    total = 0.0
    for path in inputs:
        seconds = _seconds(path) if medium == "audio" else 0.0
        if part and (len(part) == PART or total + seconds > SECONDS):
            yield part
            part, total = [], 0.0
        part.append(path)
        total += seconds
    yield part


def _seconds(path: Path) -> float:
    try:
        return sounds.audio_info(path).seconds
    except DataError:
        return 0.0  # told when it is read
