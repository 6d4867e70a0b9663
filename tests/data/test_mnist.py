import numpy as np
import pytest
from picture_files import idx, mnist

from crossmedia.data.sources.mnist import MNIST
from crossmedia.errors import DataError


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("suffix", ["-idx", ".idx"])
def test_plain_and_gzipped_files_give_the_same_pictures(tmp_path, suffix, packed):
    source = MNIST(str(mnist(tmp_path, suffix, packed)))
    assert [len(source.split(split)) for split in source.splits] == [30, 10, 10]
    sample = source.split("test")[3]
    assert sample.id == "test/00003" and sample.label == 3
    assert sample.image.shape == (1, 28, 28) and sample.image.unique().tolist() == [60]


def test_val_is_one_in_ten_of_each_class_of_training_and_said(tmp_path):
    source = MNIST(str(mnist(tmp_path)))
    assert sorted(sample.label for sample in source.split("val")) == list(range(10))
    ids = {sample.id for split in ("train", "val") for sample in source.split(split)}
    assert ids == {f"train/{number:05d}" for number in range(40)}
    assert source.notes == ["val: 10 of the training pictures, one in ten of each class"]


def test_the_fingerprint_sees_one_pixel(tmp_path):
    before = MNIST(str(mnist(tmp_path))).fingerprint()
    assert MNIST(str(mnist(tmp_path, packed=True))).fingerprint() == before
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\7")
    assert MNIST(str(tmp_path)).fingerprint() != before


def test_classes_of_another_set_may_be_named(tmp_path):
    source = MNIST(str(mnist(tmp_path)), classes=[f"garment {number}" for number in range(10)])
    assert source.classes[9] == "garment 9"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("train-images-idx3-ubyte", lambda data: b"", "zero bytes"),
        ("train-images-idx3-ubyte", lambda data: data[:1000], "cut short after 1000 bytes"),
        ("train-images-idx3-ubyte", lambda data: data[:10], "cut short after 10 bytes"),
        ("train-images-idx3-ubyte", lambda data: data + b"x", "more bytes than the 31360 announced"),
        (
            "train-images-idx3-ubyte",
            lambda data: b"<htm" + data[4:],
            "starts with 3c68746d, 00000803 expected",
        ),
        ("train-images-idx3-ubyte", lambda data: data[:4] + b"\xff" * 12, "bytes announced, at most"),
        ("t10k-labels-idx1-ubyte", lambda data: idx(np.zeros(9, np.uint8)), "9 labels for 10 pictures"),
        ("t10k-labels-idx1-ubyte", lambda data: data[:-1] + b"\x0a", "label 10 of picture 9, 10 classes"),
    ],
)
def test_a_broken_file_is_named(tmp_path, name, change, said):
    path = mnist(tmp_path) / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=f"{path}: .*{said}"):
        MNIST(str(tmp_path))


@pytest.mark.parametrize("damage", [lambda data: data[:60], lambda data: b"\0" * 100])
def test_a_broken_archive_is_named(tmp_path, damage):
    path = mnist(tmp_path, packed=True) / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=f"{path}: cut short or damaged"):
        MNIST(str(tmp_path))


def test_missing_files_tell_the_layout(tmp_path):
    with pytest.raises(
        DataError, match="train-images-idx3-ubyte: no such file, nor with .gz. Expected train-im"
    ):
        MNIST(str(tmp_path))
    with pytest.raises(DataError, match="no such folder. Expected train-images"):
        MNIST(str(tmp_path / "set"))
