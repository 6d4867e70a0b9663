"""The files of what was generated: pictures as PNG, one by one or on one sheet, sounds as WAV."""

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crossmedia.errors import ConfigError, SystemFault
from crossmedia.folder import write_whole
from crossmedia.images.read import MAX_PIXELS
from crossmedia.report.store import png


def write_sheet(images: Iterator[Tensor], count: int, path: Path) -> Path:
    """All pictures on one, in rows and columns that are nearly as many; black fills the last row."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = torch.empty(0)
    for place, image in enumerate(images):
        height, width = image.shape[1:]
        if not place:
            if rows * height * columns * width > MAX_PIXELS:
                fault = f"{count} pictures on one sheet are more than {MAX_PIXELS // 10**6} million pixels"
                raise ConfigError(f"generate: {fault}. Give a folder with --out")
            _make(path.parent)
            sheet = torch.zeros(3, rows * height, columns * width, dtype=torch.uint8)
        top, left = place // columns * height, place % columns * width
        sheet[:, top : top + height, left : left + width] = image.cpu()
    write_whole(path, png(sheet))
    return path


def write_each(
    outputs: Iterator[tuple[int, Any]],
    home: Path,
    names: list[str],
    replace: bool,
    encode: Callable[[Tensor], bytes],
) -> Iterator[tuple[int, Path]]:
    """A file an output, by the name at its place; gives place and path once it is written."""
    _make(home)
    there = set() if replace else {path.name for path in home.iterdir()}
    if taken := next((name for name in names if name in there), None):
        raise ConfigError(f"--out={home}: {taken} is there already. Remove it, or give another folder")
    for place, output in outputs:
        path = home / names[place]
        write_whole(path, encode(output))
        yield place, path


def _make(folder: Path) -> None:
    """The folder, before hours are spent on what it is to hold."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemFault(f"{folder}: {error.strerror}. Choose another place with --out") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SystemFault(f"{folder}: not to be written. Choose another place with --out")
