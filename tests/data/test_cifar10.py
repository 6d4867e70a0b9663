import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from crossmedia.data.sources.cifar10 import CIFAR10
from crossmedia.errors import DataError, SecurityError

CLASSES = [f"class {number}" for number in range(10)]
BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
LABELS = np.arange(10, dtype=np.uint8)


def pixels(batch: int) -> np.ndarray:
    """(10, 3072): red from the label, green from the batch, blue a ramp along the rows."""
    red = np.repeat(LABELS[:, None] * 20, 1024, axis=1)
    green = np.full((10, 1024), batch * 30, dtype=np.uint8)
    blue = np.tile((np.arange(1024) // 32).astype(np.uint8), (10, 1))
    return np.concatenate([red, green, blue], axis=1)


def binary(root: Path) -> Path:
    folder = root / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "batches.meta.txt").write_text("\n".join(CLASSES) + "\n\n")
    for batch, name in enumerate(BATCHES):
        records = np.concatenate([LABELS[:, None], pixels(batch)], axis=1)
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    return folder


def pickled(root: Path) -> Path:
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": CLASSES, "num_vis": 3072}, protocol=2))
    for batch, name in enumerate(BATCHES):
        found = {
            "data": pixels(batch),
            "labels": LABELS.tolist(),
            "batch_label": b"one",
            "filenames": ["a.png"],
        }
        (folder / name).write_bytes(pickle.dumps(found, protocol=2))
    return folder


def test_the_binary_version_gives_pictures_red_first(tmp_path):
    binary(tmp_path)
    source = CIFAR10(str(tmp_path))
    assert source.classes == tuple(CLASSES)
    assert [len(source.split(split)) for split in source.splits] == [40, 10, 10]
    sample = source.split("test")[4]
    assert sample.id == "test/00004" and sample.label == 4
    assert sample.image.shape == (3, 32, 32)
    assert sample.image[0].unique().tolist() == [80] and sample.image[1].unique().tolist() == [150]
    assert sample.image[2, :, 0].tolist() == list(range(32))


def test_val_is_one_in_ten_of_each_class_and_said(tmp_path):
    source = CIFAR10(str(binary(tmp_path)))
    assert sorted(sample.label for sample in source.split("val")) == list(range(10))
    assert source.notes == ["val: 10 of the training pictures, one in ten of each class"]


def test_pythons_version_gives_the_same_data(tmp_path):
    for root in ("one", "other"):
        (tmp_path / root).mkdir()
    theirs, ours = CIFAR10(str(pickled(tmp_path / "one"))), CIFAR10(str(binary(tmp_path / "other")))
    assert theirs.classes == ours.classes and theirs.fingerprint() == ours.fingerprint()


def test_a_pickle_as_python_2_wrote_it_is_read(tmp_path):
    folder = pickled(tmp_path)
    raw = pixels(0).tobytes()
    python_2 = (  # protocol 2 with byte strings (T) and numpy's old module name
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\nM\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
        b"K\x00tb\x89T"
        + len(raw).to_bytes(4, "little")
        + raw
        + b"tbU\x06labels](K\x00K\x01K\x02K\x03K\x04K\x05"
        b"K\x06K\x07K\x08K\teu."
    )
    before = CIFAR10(str(tmp_path)).fingerprint()
    (folder / "data_batch_1").write_bytes(python_2)
    assert CIFAR10(str(tmp_path)).fingerprint() == before


class Call:
    """Pickles to a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


@pytest.mark.parametrize(
    ("call", "asked"),
    [
        (lambda target: Call(os.system, f"touch {target}"), "posix.system"),
        (lambda target: Call(eval, f"open({str(target)!r}, 'w')"), "__builtin__.eval"),
        (lambda target: Call(getattr, target.name, "upper"), "__builtin__.getattr"),
        (lambda target: Call(open, str(target), "w"), "open"),
        (lambda target: np.array([Call(os.mkdir, str(target))], dtype=object), "mkdir"),
        (lambda target: Path(target), "pathlib"),
    ],
)
def test_a_pickle_that_asks_for_code_is_refused_and_runs_nothing(tmp_path, call, asked):
    folder, target = pickled(tmp_path), tmp_path / "canary"
    (folder / "data_batch_3").write_bytes(pickle.dumps({"data": call(target), "labels": []}, protocol=2))
    with pytest.raises(
        SecurityError, match=f"data_batch_3: asks for .*{asked}.*, of which a data set has no need"
    ):
        CIFAR10(str(tmp_path))
    assert not target.exists()


@pytest.mark.parametrize(
    "found",
    [
        [1, 2],
        {"data": pixels(0)},
        {"labels": [1]},
        {"data": pixels(0), "labels": [1, 2]},
        {"data": pixels(0), "labels": ["a"] * 10},
    ],
)
def test_a_pickle_of_something_else_is_named(tmp_path, found):
    path = pickled(tmp_path) / "test_batch"
    path.write_bytes(pickle.dumps(found, protocol=2))
    with pytest.raises(DataError, match=f"{path}: no dictionary of data"):
        CIFAR10(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("data_batch_2.bin", lambda data: b"", "zero bytes"),
        ("data_batch_2.bin", lambda data: data[:-5], "30725 bytes, not a multiple of 3073: cut short"),
        ("data_batch_2.bin", lambda data: data[:-3073], "9 pictures, 10 in another batch: cut short"),
        ("test_batch.bin", lambda data: b"\x0b" + data[1:], "label 11 of picture 0, 10 classes are known"),
        ("batches.meta.txt", lambda data: b"caf\xe9\n", "not UTF-8 .*UTF-8$"),
    ],
)
def test_a_broken_binary_file_is_named(tmp_path, name, change, said):
    path = binary(tmp_path) / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=f"{path.stem}.*{said}"):
        CIFAR10(str(tmp_path))


@pytest.mark.parametrize("keep", [0, 1, 100, 10_000])
def test_a_pickle_cut_short_is_named(tmp_path, keep):
    path = pickled(tmp_path) / "data_batch_5"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=f"{path}: (zero bytes|cut short or damaged)"):
        CIFAR10(str(tmp_path))


def test_missing_batches_tell_the_layout(tmp_path):
    with pytest.raises(DataError, match="no data_batch_1 in it. Expected cifar-10-batches-bin/"):
        CIFAR10(str(tmp_path))
    (binary(tmp_path) / "data_batch_4.bin").unlink()
    with pytest.raises(DataError, match="data_batch_4.bin: cannot be read"):
        CIFAR10(str(tmp_path))
