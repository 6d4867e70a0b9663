"""Picture files that a data set may hold by mistake, one a row, and the sources that may meet them."""

import functools
import io
import json
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from made import filled, letters
from picture_files import chunk, png
from PIL import Image

from crossmedia.data.sources.captions import Captions
from crossmedia.data.sources.image_folder import ImageFolder
from crossmedia.data.sources.stamps import Stamps
from crossmedia.data.views import CaptionView, LabelView

NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


class Row(NamedTuple):
    """`said` is part of the line that names the file; None: a picture that is read, of that `colour`."""

    name: str
    make: Callable[[Path], Any]
    said: str | None = None
    colour: tuple[int, ...] | None = None


def packed(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def holding(data: Callable[[], bytes]) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(data())


def of(image: Image.Image, kind: str = "PNG", **options: Any) -> Callable[[Path], Any]:
    return holding(lambda: packed(image, kind, **options))


def half(kind: str) -> Callable[[Path], Any]:
    data = packed(Image.fromarray(NOISE), kind)
    return holding(lambda: data[: len(data) // 2])


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def wrong_checksum() -> bytes:
    data = packed(Image.fromarray(NOISE))
    return flipped(data, data.index(b"IEND") - 5)  # the last byte of the pixels' own


def flipped_jpeg() -> bytes:
    data = packed(Image.fromarray(NOISE), "JPEG")
    return flipped(data, len(data) // 2)


@functools.cache
def zeros(count: int, lead: bytes = b"") -> bytes:
    """So many million zero bytes, compressed."""
    pack = zlib.compressobj(9)
    return pack.compress(lead) + b"".join(pack.compress(bytes(10**6)) for _ in range(count)) + pack.flush()


def huge(side: int) -> bytes:
    """A whole black and white PNG of that side: its rows are packed a thousand to one."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zeros(side * (1 + -(-side // 8)) // 10**6 + 1))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


RED, WHITE = (255, 0, 0), (255, 255, 255)
ROWS = [
    Row("missing", lambda path: path.parent.mkdir(exist_ok=True), "no "),
    Row("empty", lambda path: path.touch(), "zero bytes"),
    Row("folder", lambda path: path.mkdir(), "a folder, not a picture"),
    Row("link", lambda path: path.symlink_to("gone.png"), "a link to gone.png, which cannot be reached"),
    Row("text", lambda path: path.write_text("<html>404</html>"), "not a picture that can be read (PNG"),
    Row("png cut", half("PNG"), "cut short after 4 666 bytes"),
    Row("jpeg cut", half("JPEG"), "cut short after 1 234 bytes"),
    Row("checksum", holding(wrong_checksum), "damaged (broken PNG file"),
    Row("no side", holding(lambda: png(0, 5, b"\0")), "a side of 0 pixels"),
    Row("169 MP", holding(lambda: huge(13_000)), "13000 x 13000 pixels, at most 80 million are read"),
    Row("400 MP", holding(lambda: huge(20_000)), "too many pixels, at most 80 million are read"),
    Row("strip", of(Image.new("RGB", (10_000, 1), "red")), "10000 x 1 pixels, sides of at most 100 to 1"),
    Row(
        "long text",
        holding(lambda: png(1, 1, b"\0\0", extra=chunk(b"zTXt", b"k\0\0" + zeros(100)))),
        "damaged (Decompressed data too large",
    ),
    Row("jpeg flipped", holding(flipped_jpeg)),  # only the hash of an index could tell
    Row(
        "frames",
        of(Image.new("RGB", (4, 4), "red"), "GIF", save_all=True, append_images=[Image.new("RGB", (4, 4))]),
        colour=RED,
    ),
    Row("16 bit", of(Image.fromarray(np.full((4, 4), 128 * 257, np.uint16))), colour=(128, 128, 128)),
    Row("cmyk", of(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG"), colour=RED),
    Row("alpha", of(Image.new("RGBA", (4, 4), (0, 0, 255, 0))), colour=WHITE),
    Row("palette", of(Image.new("P", (4, 4)), transparency=0), colour=WHITE),
    Row("small", of(Image.new("RGB", (1, 1), "red")), colour=RED),
]
BROKEN = [row for row in ROWS if row.said]


def image_folder(root: Path, rows: Sequence[Row]) -> tuple[ImageFolder, dict[str, Row]]:
    for split in ("train", "val", "test"):
        for name in ("ant", "bee"):
            good(root / split / name / "good.png")
    # A list can name a missing file, a folder cannot.
    made = {row.name: root / "train" / "ant" / f"{row.name}.png" for row in rows if row.name != "missing"}
    where = put(rows, made)
    return ImageFolder(str(root)), where


def captions(root: Path, rows: Sequence[Row]) -> tuple[Captions, dict[str, Row]]:
    listed = [(f"{split}.png", split) for split in ("train", "val", "test")]
    for name, _ in listed:
        good(root / "Images" / name)
    listed += [(f"{row.name}.png", "train") for row in rows]
    images = [{"filename": name, "split": split, "sentences": [{"raw": "a thing"}]} for name, split in listed]
    (root / "dataset.json").write_text(json.dumps({"images": images}))
    where = put(rows, {row.name: root / "Images" / f"{row.name}.png" for row in rows})
    return Captions(str(root)), where


def stamps(root: Path, rows: Sequence[Row]) -> tuple[Stamps, dict[str, Row]]:
    filled(root)
    names = {row.name: f"row{letters(place)}" for place, row in enumerate(rows) if row.name != "missing"}
    for name in names.values():
        (root / "animals" / f"{name}.txt").write_text(f"A {name}.\n")
    where = put(rows, {row: root / "animals" / f"{name}.png" for row, name in names.items()})
    return Stamps(str(root)), where


def good(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), "blue").save(path)


def put(rows: Sequence[Row], paths: dict[str, Path]) -> dict[str, Row]:
    """Make the rows' files; a part of the line that names each file -> its row."""
    where = {}
    for row in rows:
        if row.name in paths:
            row.make(paths[row.name])
            missing = row.name == "missing"
            where[f"'{paths[row.name].name}'" if missing else f"{paths[row.name]}: "] = row
    return where


SOURCES = {  # what builds it, and what reads it
    "image_folder": (image_folder, LabelView),
    "captions": (captions, CaptionView),
    "stamps": (stamps, CaptionView),
}
