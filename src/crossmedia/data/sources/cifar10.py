"""CIFAR-10 (Krizhevsky, 2009): the publisher's binary files, or those for Python read without trust."""

from pathlib import Path

import numpy as np
import torch

from crossmedia.data.sources import inert_pickle
from crossmedia.data.sources.arrays import ArraySplit, Pictures, fingerprint, stratified
from crossmedia.data.sources.files import choose, need_folder
from crossmedia.data.sources.text_files import FETCH, lines_of, read_bytes
from crossmedia.errors import DataError
from crossmedia.images.read import path_text

LAYOUT = "Expected cifar-10-batches-bin/ (data_batch_1.bin …) or cifar-10-batches-py/ (data_batch_1 …)"
_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32


class CIFAR10:
    """Colour pictures (3, 32, 32) of ten classes; `val` is one in ten of each class of the five batches."""

    fields = frozenset(["image", "label"])
    splits = ("train", "val", "test")
    scorer = None

    def __init__(self, root: str):
        self.root = need_folder(root, LAYOUT)
        self.faults: list[str] = []
        folder, suffix = self._folder()
        read = _binary if suffix else _pickled
        self.classes = _class_names(folder, binary=bool(suffix))
        batches = {
            name: read(folder / f"{name}{suffix}", len(self.classes)) for name in (*_TRAIN, "test_batch")
        }
        self._check_sizes(folder, batches)
        train = Pictures(
            *(torch.cat(parts) for parts in zip(*(batches[name] for name in _TRAIN), strict=True))
        )
        places = stratified(train.labels, {"val": 10})
        self.notes = [f"val: {len(places['val'])} of the training pictures, one in ten of each class"]
        self._splits = {
            "train": ArraySplit("train", train, places["train"]),
            "val": ArraySplit("train", train, places["val"]),
            "test": ArraySplit("test", batches["test_batch"]),
        }

    def split(self, name: str) -> ArraySplit:
        return choose(self._splits, name, self.root)

    def fingerprint(self) -> str:
        return fingerprint(self._splits)

    def _folder(self) -> tuple[Path, str]:
        """Where the batches are, and their suffix; the binary version is preferred."""
        for name, suffix in (("cifar-10-batches-bin", ".bin"), ("cifar-10-batches-py", "")):
            for folder in (self.root / name, self.root):
                if (folder / f"{_TRAIN[0]}{suffix}").is_file():
                    return folder, suffix
        raise DataError(f"{path_text(self.root)}: no {_TRAIN[0]} in it. {LAYOUT}")

    def _check_sizes(self, folder: Path, batches: dict[str, Pictures]) -> None:
        """Every batch has as many pictures as the first: a file cut between two of them is found only so."""
        counts = {name: len(pictures.labels) for name, pictures in batches.items()}
        most = max(counts.values())
        for name, count in counts.items():
            if count != most:
                fault = f"{count} pictures, {most} in another batch"
                raise DataError(f"{path_text(folder / name)}: {fault}: cut short. {FETCH}")


def _binary(path: Path, classes: int) -> Pictures:
    """Records of one byte of label and 3,072 of pixels, red first."""
    data = read_bytes(path)
    if len(data) % (1 + _PIXELS):
        raise DataError(
            f"{path_text(path)}: {len(data)} bytes, not a multiple of {1 + _PIXELS}: cut short. {FETCH}"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, 1 + _PIXELS)
    return _checked(path, records[:, 1:], records[:, 0].astype(np.int64), classes)


def _pickled(path: Path, classes: int) -> Pictures:
    found = inert_pickle.load(path)
    found = found if isinstance(found, dict) else {}
    data, labels = getattr(found.get("data"), "array", None), found.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, int) for label in labels):
        labels = []
    if data is None or data.shape != (len(labels), _PIXELS):
        fault = f"no dictionary of data (N, {_PIXELS}) and N labels"
        raise DataError(f"{path_text(path)}: {fault}. {FETCH}")
    return _checked(path, data, np.array(labels, dtype=np.int64), classes)


def _checked(path: Path, pixels: np.ndarray, labels: np.ndarray, classes: int) -> Pictures:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        fault = f"label {labels[wrong[0]]} of picture {wrong[0]}, {classes} classes are known"
        raise DataError(f"{path_text(path)}: {fault}. {FETCH}")
    return Pictures(torch.from_numpy(pixels.copy()).reshape(-1, *_SHAPE), torch.from_numpy(labels))


def _class_names(folder: Path, binary: bool) -> tuple[str, ...]:
    path = folder / ("batches.meta.txt" if binary else "batches.meta")
    if binary:
        names = [line for _, line in lines_of(path)]
        if not names:
            raise DataError(f"{path_text(path)}: no class names in it. {FETCH}")
        return tuple(names)
    found = inert_pickle.load(path)
    names = found.get("label_names") if isinstance(found, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path_text(path)}: no label_names in it. {FETCH}")
    return tuple(names)
