"""dSprites (Matthey et al., 2017): white shapes on black, one for each combination of six factors."""

import hashlib
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from crossmedia.data.batches import Sample
from crossmedia.data.sources.files import choose, need_folder, split_of
from crossmedia.data.sources.text_files import FETCH
from crossmedia.errors import DataError
from crossmedia.images.read import path_text

NAME = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
LAYOUT = f"Expected {NAME}"
SIDE = 64  # pixels
SHAPE = 1  # the column of `latents_classes` that says which shape it is
_TOGETHER = 4096  # pictures that are unpacked at once: 16 MB
_MOST = 4_000_000  # pictures; a packed file of a few kB can announce any number


class DSprites:
    """Pictures (1, 64, 64), black and white, labelled by their shape; 80, 10 and 10 % by a hash of the place.

    The 737,280 pictures stay in memory as bits, 0.4 GB. `metadata`, a pickle, is never read.
    """

    fields = frozenset(["image", "label"])
    splits = ("train", "val", "test")
    classes = ("square", "ellipse", "heart")
    scorer = None

    def __init__(self, root: str):
        self.root = need_folder(root, LAYOUT)
        path = self.root / NAME
        self.faults: list[str] = []
        self.notes: list[str] = []
        try:
            with zipfile.ZipFile(path) as archive:
                self._bits = _pictures(archive, path)  # (N, 512) uint8, eight pixels each
                self._labels = _shapes(archive, path, len(self._bits), len(self.classes))  # (N,)
        except FileNotFoundError:
            raise DataError(f"{path_text(path)}: no such file. {LAYOUT}") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise DataError(f"{path_text(path)}: cut short or damaged ({error}). {FETCH}") from None
        except OSError as error:
            raise DataError(f"{path_text(path)}: cannot be read ({error.strerror}). {FETCH}") from None
        places = np.array([split_of(str(place)) for place in range(len(self._bits))])
        self._splits = {
            name: DSpritesSplit(self._bits, self._labels, np.flatnonzero(places == name))
            for name in self.splits
        }

    def split(self, name: str) -> "DSpritesSplit":
        return choose(self._splits, name, self.root)

    def fingerprint(self) -> str:
        digest = hashlib.sha256(self._bits.data)
        digest.update(self._labels.tobytes())
        return digest.hexdigest()


class DSpritesSplit:
    """Some of the pictures; an id is the place in the publisher's order."""

    def __init__(self, bits: np.ndarray, labels: np.ndarray, places: np.ndarray):
        self.bits, self.labels, self.places = bits, labels, places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Sample:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        places = self.places[list(indices)]
        pixels = np.unpackbits(self.bits[places], axis=1).reshape(-1, 1, SIDE, SIDE) * np.uint8(255)
        return [
            Sample(f"dsprites/{place:06d}", image=image, label=label)
            for place, image, label in zip(
                places.tolist(), torch.from_numpy(pixels), self.labels[places].tolist(), strict=True
            )
        ]

    def texts(self) -> list[str]:
        return []


def _pictures(archive: zipfile.ZipFile, path: Path) -> np.ndarray:
    """`imgs` (N, 64, 64) of 0 and 1, as bits (N, 512); the whole array of bytes, 3 GB, is never in memory."""
    with _member(archive, "imgs", path) as file:
        shape, dtype = _header(file, "imgs", path)
        if shape[1:] != (SIDE, SIDE) or dtype != np.uint8 or not 1 <= shape[0] <= _MOST:
            wanted = f"(N, {SIDE}, {SIDE}) uint8, N from 1 to {_MOST}"
            raise DataError(f"{path_text(path)}: imgs is {shape} {dtype}, {wanted} expected. {FETCH}")
        parts = []
        for start in range(0, shape[0], _TOGETHER):
            count = min(_TOGETHER, shape[0] - start)
            data = file.read(count * SIDE**2)
            if len(data) < count * SIDE**2:
                raise DataError(f"{path_text(path)}: imgs ends after {start} pictures of {shape[0]}. {FETCH}")
            pixels = np.frombuffer(data, np.uint8).reshape(count, -1)
            if pixels.max() > 1:
                raise DataError(f"{path_text(path)}: imgs has pixels other than 0 and 1. {FETCH}")
            parts.append(np.packbits(pixels, axis=1))
    return np.concatenate(parts)


def _shapes(archive: zipfile.ZipFile, path: Path, number: int, classes: int) -> np.ndarray:
    """Which shape each picture has, (N,), from `latents_classes` (N, 6)."""
    with _member(archive, "latents_classes", path) as file:
        shape, dtype = _header(file, "latents_classes", path)
        if len(shape) != 2 or shape[0] != number or shape[1] <= SHAPE or dtype != np.int64:
            wanted = f"({number}, 6) int64 expected"
            raise DataError(f"{path_text(path)}: latents_classes is {shape} {dtype}, {wanted}. {FETCH}")
        data = file.read(8 * number * shape[1])
    if len(data) < 8 * number * shape[1]:
        raise DataError(f"{path_text(path)}: latents_classes ends after {len(data)} bytes. {FETCH}")
    labels = np.frombuffer(data, np.int64).reshape(shape)[:, SHAPE].copy()
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        fault = f"shape {labels[wrong[0]]} of picture {wrong[0]}, {classes} are known"
        raise DataError(f"{path_text(path)}: {fault}. {FETCH}")
    return labels


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> IO[bytes]:
    try:
        return archive.open(f"{name}.npy")
    except KeyError:
        raise DataError(f"{path_text(path)}: no {name} in it. {LAYOUT}") from None


def _header(file: IO[bytes], name: str, path: Path) -> tuple[tuple[int, ...], Any]:
    """Shape and type of an array, by row, that follows in the file; numpy's format, without pickles."""
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, by_column, dtype = read[version](file)
    except (ValueError, KeyError):
        raise DataError(f"{path_text(path)}: {name} is no array of numpy's. {FETCH}") from None
    if by_column:
        raise DataError(f"{path_text(path)}: {name} is stored by column. {FETCH}")
    return shape, dtype
