"""MNIST and the sets in its format (Fashion-MNIST, KMNIST): the publisher's idx files, plain or gzipped."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from crossmedia.data.sources.arrays import ArraySplit, Pictures, fingerprint, stratified
from crossmedia.data.sources.files import choose, need_folder
from crossmedia.data.sources.text_files import FETCH
from crossmedia.errors import DataError
from crossmedia.images.read import path_text

LAYOUT = (
    "Expected train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-… and t10k-labels-…, or their .gz"
)
_MAX_BYTES = 10**9  # 20 times MNIST; a packed file of a few kB can ask for more


class MNIST:
    """Grey pictures of ten classes; `val` is one in ten of each class of the 60,000 training pictures."""

    fields = frozenset(["image", "label"])
    splits = ("train", "val", "test")
    scorer = None

    def __init__(self, root: str, classes: tuple[str, ...] = tuple("0123456789")):
        self.root = need_folder(root, LAYOUT)
        self.classes = tuple(classes)
        self.faults: list[str] = []
        train, test = self._pictures("train"), self._pictures("t10k")
        places = stratified(train.labels, {"val": 10})
        self.notes = [f"val: {len(places['val'])} of the training pictures, one in ten of each class"]
        self._splits = {
            "train": ArraySplit("train", train, places["train"]),
            "val": ArraySplit("train", train, places["val"]),
            "test": ArraySplit("test", test),
        }

    def split(self, name: str) -> ArraySplit:
        return choose(self._splits, name, self.root)

    def fingerprint(self) -> str:
        return fingerprint(self._splits)

    def _pictures(self, part: str) -> Pictures:
        images = read_idx(self._file(f"{part}-images", 3), 3)
        path = self._file(f"{part}-labels", 1)
        labels = read_idx(path, 1).long()
        if len(images) != len(labels):
            raise DataError(f"{path_text(path)}: {len(labels)} labels for {len(images)} pictures. {FETCH}")
        if len(labels) and int(labels.max()) >= len(self.classes):
            place = int(labels.argmax())
            fault = f"label {int(labels[place])} of picture {place}, {len(self.classes)} classes are known"
            raise DataError(f"{path_text(path)}: {fault}. {FETCH}")
        return Pictures(images[:, None], labels)

    def _file(self, name: str, dims: int) -> Path:
        wanted = f"{name}-idx{dims}-ubyte"
        for stem in (wanted, wanted.replace("-idx", ".idx")):
            for path in (self.root / stem, self.root / f"{stem}.gz"):
                if path.is_file():
                    return path
        raise DataError(f"{path_text(self.root / wanted)}: no such file, nor with .gz. {LAYOUT}")


def read_idx(path: Path, dims: int) -> Tensor:
    """The bytes of an idx file (LeCun et al., 1998) as uint8 of `dims` dimensions, or a `DataError`."""
    name = path_text(path)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            head = file.read(4 + 4 * dims)
            if not head:
                raise DataError(f"{name}: zero bytes. {FETCH}")
            if head[:4] != bytes([0, 0, 8, dims]):
                fault = f"starts with {head[:4].hex()}, {bytes([0, 0, 8, dims]).hex()} expected"
                raise DataError(f"{name}: {fault}: no idx file of {dims} dimensions. {FETCH}")
            shape = [int.from_bytes(head[at : at + 4], "big") for at in range(4, len(head), 4)]
            total = int(np.prod(shape, dtype=object))
            if total > _MAX_BYTES:
                raise DataError(f"{name}: {shape} bytes announced, at most {_MAX_BYTES} are read. {FETCH}")
            data = file.read(total + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{name}: cut short or damaged ({error}). {FETCH}") from None
    if len(head) < 4 + 4 * dims or len(data) < total:
        raise DataError(f"{name}: cut short after {len(head) + len(data)} bytes. {FETCH}")
    if len(data) > total:
        raise DataError(f"{name}: more bytes than the {total} announced. {FETCH}")
    if not total:
        raise DataError(f"{name}: {shape} bytes announced, at least 1 expected. {FETCH}")
    return torch.from_numpy(np.frombuffer(data, np.uint8).copy()).reshape(shape)
