"""A grid through the steps of a training: which of them are kept, which are shown, and their sheets."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from crossmedia.errors import CheckpointError, brief
from crossmedia.report.panels import Grid
from crossmedia.typing import mistyped

KEPT = 64  # steps in the run folder
SHOWN = 24  # steps on the page
MOST_VALUES = 10**9  # of the pictures of one panel


@dataclass(frozen=True)
class Reel(Grid):
    """A grid with `through` as it is read back: its own pictures are those of the last step."""

    sheets: dict[int, Path] = field(default_factory=dict)  # step -> file, in the order of the steps


def thinned(steps: Iterable[int], most: int = KEPT) -> list[int]:
    """Ascending steps without those that leave the smallest gap; the first and the last always stay.

    One new step at a time, the gaps of a thousand steps stay within a factor of four of each other.
    """
    kept = list(steps)
    while len(kept) > most:
        kept.pop(min(range(1, len(kept) - 1), key=lambda i: (kept[i + 1] - kept[i - 1], -i)))
    return kept


def spread(steps: Iterable[int], most: int = SHOWN) -> list[int]:
    """At most so many of the ascending steps, evenly over the training; the last always, then the first."""
    found = list(steps)
    if len(found) <= most:
        return found
    first, last = found[0], found[-1]
    ends = [first + (last - first) * i / (most - 1) for i in range(most)] if most > 1 else [last]
    return sorted({min(found, key=lambda step: abs(step - end)) for end in ends})


def sheets(home: Path, frames: object) -> dict[int, Path]:
    """The files of an index's `[step, file]` pairs; ValueError where they are none of its folder."""
    if not isinstance(frames, list) or len(frames) > KEPT:
        raise ValueError(f"frames: is no list of at most {KEPT} steps")
    found: dict[int, Path] = {}
    for frame in frames:
        if not isinstance(frame, list) or len(frame) != 2:
            raise ValueError("frames: each is a step and its file")
        step, name = frame
        if mistyped(step, int) or step <= max(found, default=-1):
            raise ValueError("frames: their steps ascend")
        found[step] = member(home, name)
    return found


def member(home: Path, name: object) -> Path:
    """A media file of the panels: another's, or a link, would put a stranger's picture into the page."""
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError(f"{brief(name)} is no file there")
    path = home / name
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{brief(name)} is no file there")
    return path


def read_sheet(path: Path) -> Image.Image:
    """The pixels of a saved sheet, RGB; ValueError where it is larger than any."""
    with Image.open(path, formats=["PNG"]) as picture:
        if 3 * picture.width * picture.height > MOST_VALUES:
            raise ValueError("larger than any sheet of pictures")
        return picture.convert("RGB")


def frame(path: Path) -> Image.Image:
    """As `read_sheet`, of a step before; CheckpointError where it is damaged."""
    try:
        return read_sheet(path)
    except Exception as error:  # Pillow's own, of a file that we did not write
        raise CheckpointError(f"{path}: damaged ({brief(str(error), 40)}). Delete its folder") from error
