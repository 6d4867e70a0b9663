"""Reads a pickle of plain values and byte arrays, and calls nothing that the file names."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from crossmedia.data.sources.text_files import FETCH, read_bytes
from crossmedia.errors import DataError, SecurityError
from crossmedia.images.read import path_text


def load(path: Path) -> Any:
    """The pickled value; an array of bytes comes as an object with `array` (uint8).

    Raises `SecurityError` where the file asks for another class or function, `DataError` where it is damaged.
    """
    data = io.BytesIO(read_bytes(path))
    try:
        return _Inert(data, path).load()
    except SecurityError:
        raise
    except Exception as error:  # a broken pickle can raise anything
        reason = str(error)[:80] or type(error).__name__
        raise DataError(f"{path_text(path)}: cut short or damaged ({reason}). {FETCH}") from None


class _Inert(pickle.Unpickler):
    def __init__(self, file: Any, path: Path):
        super().__init__(file, encoding="latin1")  # each byte of Python 2's strings one character
        self._path = path
        self._parts = _stand_ins()

    def find_class(self, module: str, name: str) -> Any:
        part = self._parts.get((module, name))
        if part is None:
            asked = f"asks for {f'{module}.{name}'[:60]}, of which a data set has no need"
            raise SecurityError(f"{path_text(self._path)}: {asked}. Do not use this file")
        return part


def _stand_ins() -> dict[tuple[str, str], Callable[..., Any]]:
    """What stands for numpy's own functions: new for each file, since a pickle may set attributes on them."""

    class Dtype:
        def __init__(self, code: str, *_: Any):
            self.code = code

        def __setstate__(self, state: Any) -> None:
            pass  # byte order and the like: bytes have none

    class Array:
        array: np.ndarray

        def __setstate__(self, state: Any) -> None:
            _, shape, dtype, by_column, data = state
            if dtype.code != "u1" or by_column:
                raise ValueError("an array of other values than bytes")
            raw = data.encode("latin1") if isinstance(data, str) else data
            self.array = np.frombuffer(raw, np.uint8).reshape(shape)

    def reconstruct(*_: Any) -> Array:
        return Array()

    def encode(text: str, *_: Any) -> bytes:
        return text.encode("latin1")

    return {
        ("numpy.core.multiarray", "_reconstruct"): reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): reconstruct,
        ("numpy", "ndarray"): Array,
        ("numpy", "dtype"): Dtype,
        ("_codecs", "encode"): encode,
    }
