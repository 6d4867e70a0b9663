"""Reads the text files of data sets as UTF-8 in every locale: lines, JSON, or the line that is wrong."""

import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any

from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, path_text

FETCH = "Fetch the file again"
_MAX_BYTES = 10**8  # of a packed text; a few kB can ask for gigabytes


def read_bytes(path: Path) -> bytes:
    """What a file holds; `DataError` where that is nothing or cannot be read."""
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise DataError(f"{path_text(path)}: not a regular file. {FETCH}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path_text(path)}: cannot be read ({error.strerror}). {FETCH}") from None
    if not data:
        raise DataError(f"{path_text(path)}: zero bytes. {FETCH}")
    return data


def utf8_of(path: Path) -> bytes:
    """The bytes of a text, unpacked where gzip packed it, without the mark that some editors put in front.

    UTF-16 is refused.
    """
    data = read_bytes(path)
    if data.startswith(b"\x1f\x8b"):
        data = _unpacked(path, data)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path_text(path)}: UTF-16. Save the file as UTF-8")
    return data.removeprefix(b"\xef\xbb\xbf")


def _unpacked(path: Path, data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            text = file.read(_MAX_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path_text(path)}: cut short or damaged ({error}). {FETCH}") from None
    if len(text) > _MAX_BYTES:
        raise DataError(f"{path_text(path)}: unpacks to more than {_MAX_BYTES} bytes. Unpack it")
    return text


def lines_of(path: Path, faults: list[str] | None = None) -> list[tuple[int, str]]:
    """The lines of a UTF-8 file with their numbers, blank ones left out; a line of other bytes is a fault.

    Without a list of `faults` to leave out it raises `DataError`. Only a line feed ends a line: captions may
    hold the other separators of Unicode.
    """
    data = utf8_of(path)
    lines = []
    for number, raw in enumerate(data.split(b"\n"), start=1):
        try:
            line = raw.removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            byte = f"byte 0x{raw[error.start]:02x} at column {error.start + 1}"
            fault = f"{path_text(path)}:{number}: not UTF-8 ({byte}). Save the file as UTF-8"
            if faults is None:
                raise DataError(fault) from None
            faults.append(f"{fault}{SKIP}")
            continue
        if line.strip():
            lines.append((number, line))
    return lines


def json_of(path: Path) -> dict[str, Any]:
    """The object in a JSON file; `DataError` with the line where it is none."""
    data = utf8_of(path)
    try:
        found = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path_text(path)}:{line}: not UTF-8. Save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        fault = f"broken JSON ({error.msg}, column {error.colno})"
        raise DataError(f"{path_text(path)}:{error.lineno}: {fault}. {FETCH}") from None
    except (RecursionError, ValueError) as error:  # nested too deep; a number of thousands of digits
        raise DataError(f"{path_text(path)}: broken JSON ({str(error)[:80]}). {FETCH}") from None
    if not isinstance(found, dict):
        raise DataError(f"{path_text(path)}: a JSON {type(found).__name__}, an object expected. {FETCH}")
    return found
