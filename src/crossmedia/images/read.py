"""Reads one picture file into a tensor, or says in one line why it cannot be read."""

import errno
import os
import stat
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import ExifTags, Image, ImageColor, UnidentifiedImageError
from torch import Tensor

from crossmedia.errors import DataError

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
SUFFIXES = frozenset(".png .jpg .jpeg .gif .webp .bmp .tif .tiff .ppm .pgm".split())
MAX_PIXELS = 80_000_000  # 240 MB as RGB; a few kB of PNG can ask for gigabytes
MAX_ASPECT = 100  # of the longer side to the shorter: at 64 pixels the shorter one is less than a pixel
SKIP = ", or data.on_error=skip"  # how a fault ends that a data set can leave out

_ENDS = {b"\x89PNG": b"IEND", b"\xff\xd8": b"\xff\xd9", b"GIF8": b";"}  # how a whole file of this head ends
_TAIL = 16  # bytes; a PNG's last chunk takes 12
_UPRIGHT = {  # EXIF orientation -> what turns the picture upright (CIPA DC-008, table 6)
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Characters that break a line or colour a terminal.
_UNSEEN = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def read_image(path: str | Path, background: str = "white") -> Tensor:
    """The picture as a person sees it: upright, first frame, transparency over `background`.

    Returns uint8 (1, H, W) for grey and (3, H, W) for colour. The file's content tells its format, not its
    suffix. Raises `DataError` naming the file.
    """
    colour(background)
    size = file_size(path)
    try:
        with warnings.catch_warnings(), open(path, "rb") as file:
            warnings.simplefilter("ignore")  # Pillow warns of what is refused or mended here
            return to_tensor(_decode(file), background)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # a broken file makes Pillow raise anything, from SyntaxError to struct.error
        raise DataError(f"{path_text(path)}: {_reason(path, size, error)}{SKIP}") from error


def to_tensor(image: Image.Image, background: str = "white") -> Tensor:
    """A decoded picture as `read_image` gives it."""
    turn = _UPRIGHT.get(_orientation(image))
    if image.mode == "F" or image.mode.startswith("I"):
        image = _eight_bit(image)
    if image.has_transparency_data:
        canvas = Image.new("RGBA", image.size, colour(background))
        canvas.alpha_composite(image.convert("RGBA"))
        image = canvas
    image = image.convert("L" if image.mode in ("1", "L") else "RGB")
    pixels = np.asarray(image if turn is None else image.transpose(turn))  # (H, W) or (H, W, 3)
    planes = pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1)  # (C, H, W)
    return torch.from_numpy(planes.copy())  # torch's own copy would wake all its threads


def file_size(path: str | Path, kind: str = "picture") -> int:
    """Bytes of a file of that kind; `DataError` where it is missing, empty, a folder, a dead link."""
    cure = "Remove it"
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        cure = "Mend the path"
        if os.path.islink(path):
            target = path_text(os.readlink(path))
            fault = f"a link to {'…' * (len(target) > 50)}{target[-50:]}, which cannot be reached"
        elif isinstance(error, FileNotFoundError):
            fault = "no such file"
        else:
            fault = f"cannot be read ({getattr(error, 'strerror', None) or error})".lower()
    else:
        if stat.S_ISDIR(status.st_mode):
            fault = f"a folder, not a {kind}"
        elif not stat.S_ISREG(status.st_mode):
            fault = "not a regular file"  # opening a pipe would wait for ever
        elif status.st_size == 0:
            fault = "zero bytes"
        else:
            return status.st_size
    raise DataError(f"{path_text(path)}: {fault}. {cure}{SKIP}")


def colour(background: str) -> tuple[int, ...]:
    """Red, green and blue (0-255) of a colour's name or #rrggbb."""
    try:
        return ImageColor.getrgb(background)[:3]
    except (ValueError, AttributeError, TypeError):
        raise ValueError(f"background {background!r}: must be a colour's name or #rrggbb") from None


def path_text(path: str | Path) -> str:
    """A path as one line of UTF-8 text in every locale, whatever bytes its name holds."""
    return os.fsencode(path).decode("utf-8", "backslashreplace").translate(_UNSEEN)


class _Refused(Exception):
    """A whole picture that is not read, and why."""


def _decode(file: BinaryIO) -> Image.Image:
    image = Image.open(file, formats=FORMATS)
    size = f"{image.width} x {image.height} pixels"
    if image.width * image.height > MAX_PIXELS:
        raise _Refused(f"{size}, at most {MAX_PIXELS // 10**6} million are read. Make it smaller")
    if max(image.size) > MAX_ASPECT * min(image.size):
        raise _Refused(f"{size}, sides of at most {MAX_ASPECT} to 1 are read. Crop it")
    if image.format == "PNG":
        image.verify()  # decoding passes over the checksums of the pixel data
        image = Image.open(file, formats=FORMATS)
    image.load()
    return image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken EXIF block says nothing about the pixels, which are whole
        return 1


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey in 8 bits: 65,535 = 255 x 257."""
    values = np.asarray(image)
    if not (image.mode.startswith("I;16") or image.format in ("PNG", "PPM")):
        raise ValueError(f"{values.dtype} values, 8 or 16 bits are read")
    grey = Image.fromarray(((values.astype(np.int32) + 128) // 257).astype(np.uint8))
    if "transparency" in image.info:
        grey.putalpha(Image.fromarray((values != image.info["transparency"]).astype(np.uint8) * 255))
    return grey


def unread(error: OSError) -> str:
    """What the system says against reading a file, and what to do."""
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    cure = "Mend its rights" if error.errno in (errno.EACCES, errno.EPERM) else "See to its disk"
    return f"cannot be read ({reason}). {cure}"


def _reason(path: str | Path, size: int, error: Exception) -> str:
    """What is wrong with the file, and what to do."""
    if isinstance(error, _Refused):
        return str(error)
    if isinstance(error, Image.DecompressionBombError):  # Pillow's own limit does not tell the sides
        return f"too many pixels, at most {MAX_PIXELS // 10**6} million are read. Make it smaller"
    if isinstance(error, OSError) and error.errno:  # of opening it; Pillow's have no number
        return unread(error)
    with open(path, "rb") as file:
        head = file.read(_TAIL)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    if head.startswith(b"\x1f\x8b"):
        return "packed by gzip. Unpack it"
    end = next((end for magic, end in _ENDS.items() if head.startswith(magic)), None)
    lost = head.startswith(b"RIFF") and size < 8 + int.from_bytes(head[4:8], "little")  # a WebP's own length
    if lost or (end is not None and end not in tail) or "truncated" in str(error).lower():
        return f"cut short after {size:,} bytes".replace(",", " ") + ". Remove it"
    if not isinstance(error, UnidentifiedImageError):
        return f"damaged ({str(error)[:80] or type(error).__name__}). Remove it"
    if end is None:
        return f"not a picture that can be read ({', '.join(FORMATS)}). Remove it"
    return "damaged: its header cannot be read or gives a side of 0 pixels. Remove it"
