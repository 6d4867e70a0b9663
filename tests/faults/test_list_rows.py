"""Every bad list of data is one line that names the file and the line, before anything is trained."""

import os

import numpy as np
import pytest
from list_formats import FORMATS, listed
from made import TINY
from picture_rows import good, image_folder

from crossmedia import run
from crossmedia.data.module import DataModule
from crossmedia.data.sources.captions import Captions
from crossmedia.data.sources.cifar10 import CIFAR10
from crossmedia.data.sources.image_folder import ImageFolder
from crossmedia.data.sources.mnist import read_idx
from crossmedia.data.sources.text_files import read_bytes
from crossmedia.data.views import LabelView
from crossmedia.errors import DataError
from crossmedia.images.transforms import ImageTransform
from crossmedia.terminal import explained


def refusal(call, *given) -> str:
    with pytest.raises(DataError) as caught:
        call(*given)
    (line,) = caught.value.lines
    assert len(line) <= 240 and "\n" not in line
    return line


def only(source) -> str:
    (line,) = source.faults
    assert len(line) <= 240 and "\n" not in line
    return line


def rewritten(root, form, data: bytes):
    """The list of that format, holding something else."""
    path = next(root.rglob(listed(root, form).split(":")[0]))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_list_is_named(tmp_path, form):
    path = rewritten(tmp_path, form, b"")
    assert refusal(Captions, str(tmp_path)) == f"{path}: zero bytes. Fetch the file again"


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("kaggle", b"image,caption\n"),
        ("flickr30k", b"image_name| comment_number| comment\n"),
        ("coco", b'{"images": [], "annotations": []}'),
        ("karpathy", b'{"images": []}'),
    ],
)
def test_a_list_of_a_header_alone_is_told(tmp_path, form, data):
    rewritten(tmp_path, form, data)
    assert refusal(Captions, str(tmp_path)) == f"{tmp_path}: a caption list without captions"


@pytest.mark.parametrize(
    ("form", "data", "said"),
    [
        ("kaggle", b"image\none.png\n", ":1: the header is 'image', image,caption expected"),
        ("flickr30k", b"image_name| comment\n", ":1: the header is 'image_name| comment'"),
        ("coco", b'{"images": [],\n"annotations": [}', ":2: broken JSON ("),
        ("karpathy", b'{"images": [\n{"filename": "one.png",}]}', ":2: broken JSON ("),
        ("coco", b'{"images": {}, "annotations": []}', ": no list 'images' in it"),
        ("karpathy", b'{"images": 7}', ": no list 'images' in it"),
        ("coco", b'{"images": [7], "annotations": []}', ": picture number 1: without id or file_name"),
        ("karpathy", b'{"images": [7]}', ": picture number 1: no filename"),
        (
            "coco",
            b'{"images": [{"id": "a\\nb", "file_name": 7}], "annotations": []}',
            ": picture a\\nb: without",
        ),
    ],
)
def test_a_column_that_is_missing_broken_or_of_another_type_is_told(tmp_path, form, data, said):
    path = rewritten(tmp_path, form, data)
    assert refusal(Captions, str(tmp_path)).startswith(f"{path}{said}")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["../secret.png", "/etc/secret.png", "a/../../../secret.png"])
def test_a_path_out_of_the_folder_is_refused(tmp_path, form, name):
    good(tmp_path / "secret.png")
    where = listed(tmp_path / "set", form, name=name)
    source = Captions(str(tmp_path / "set"))
    assert where in only(source) and f"{name!r}: leads out of the folder" in only(source)


@pytest.mark.parametrize("form", FORMATS)
def test_a_link_out_of_the_folder_is_refused(tmp_path, form):
    good(tmp_path / "secret.png")
    where = listed(tmp_path / "set", form, name="four.png")
    (tmp_path / "set/Images/four.png").symlink_to(tmp_path / "secret.png")
    source = Captions(str(tmp_path / "set"))
    assert where in only(source) and "'four.png' is a link out of the folder" in only(source)


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["link", "hard link"])
def test_a_picture_of_two_splits_under_two_names_stays_in_one(tmp_path, link):
    where = listed(tmp_path, "karpathy", name="z.png")  # in train
    (tmp_path / "Images/two.png").rename(tmp_path / "Images/z.png")  # val's
    link(tmp_path / "Images/z.png", tmp_path / "Images/two.png")
    source = Captions(str(tmp_path))
    said = "train has the same file as val ('two.png'). Remove it from one, or data.on_error=skip"
    assert only(source) == f"{tmp_path}/{where}'z.png': {said}"
    assert [len(source.split(split)) for split in source.splits] == [1, 1, 1]


def test_a_picture_of_two_splits_in_two_spellings_stays_in_one(tmp_path):
    listed(tmp_path, "karpathy", name="./three.png")
    source = Captions(str(tmp_path))
    assert "'three.png': test has the same file as train ('./three.png')" in only(source)


def test_a_linked_picture_of_two_split_folders_stays_in_one(tmp_path):
    image_folder(tmp_path, [])
    path = tmp_path / "test/bee/good.png"
    path.unlink()
    path.symlink_to(tmp_path / "train/bee/good.png")
    source = ImageFolder(str(tmp_path))
    assert only(source).startswith(f"{path}: test has the same file as train ('train/bee/good.png'). Remove")
    assert [len(source.split(split)) for split in source.splits] == [2, 2, 1]


def test_a_linked_picture_of_one_split_counts_twice(tmp_path):
    image_folder(tmp_path, [])
    (tmp_path / "train/bee/again.png").symlink_to(tmp_path / "train/bee/good.png")
    source = ImageFolder(str(tmp_path))
    assert not source.faults and len(source.split("train")) == 3


def test_very_long_names_leave_a_line_short(tmp_path):
    root = tmp_path / "set"
    for name in ("a" * 200, "b" * 200):
        good(root / "train" / name / "good.png")
        good(root / "val" / name / "good.png")
    good(root / "val" / "dog" / "good.png")
    assert len(only(ImageFolder(str(root)))) <= 240


@pytest.mark.parametrize("shape", [(0, 28, 28), (9, 0, 28), (9, 28, 0)])
def test_an_idx_file_without_pixels_is_told(tmp_path, shape):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(b"\0\0\x08\x03" + np.array(shape, ">u4").tobytes())
    assert refusal(read_idx, path, 3).startswith(
        f"{path}: {list(shape)} bytes announced, at least 1 expected"
    )


def test_a_list_of_classes_without_names_is_told(tmp_path):
    (tmp_path / "data_batch_1.bin").touch()
    (tmp_path / "batches.meta.txt").write_text("\n\n")
    assert refusal(CIFAR10, str(tmp_path)).startswith(f"{tmp_path}/batches.meta.txt: no class names in it")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    path = tmp_path / "captions.txt"
    os.mkfifo(path)
    assert refusal(read_bytes, path) == f"{path}: not a regular file. Fetch the file again"
    with pytest.raises(DataError, match="not a regular file"):
        Captions(str(tmp_path))


def test_a_split_without_samples_is_told_before_the_training(tmp_path):
    source, _ = image_folder(tmp_path, [])
    for name in ("ant", "bee"):
        (tmp_path / f"test/{name}/good.png").unlink()
    data = DataModule(ImageFolder(str(tmp_path)), LabelView(), ImageTransform(8))
    assert refusal(data.learn) == "test: this split has no samples. Add some"
    meta = DataModule(source, LabelView(), ImageTransform(8)).learn()
    data.learn(meta)  # to score another split, as evaluate does
    assert len(data.split("val")) == 2
    assert refusal(data.loader, "test") == "test: this split has no samples. Add some"


def test_fewer_samples_than_a_batch_end_a_run_with_3_and_the_size_that_fits(tmp_path, capsys):
    image_folder(tmp_path / "set", [])
    words = ["data=image_folder", "model=classification_cnn", *TINY, "data.num_workers=0"]
    words += ["data.batch_size=3", f"data.source.root={tmp_path}/set", f"out_dir={tmp_path}/out"]
    assert explained(lambda: run.train(words)) == 3
    assert capsys.readouterr().err == (
        "data: train: 2 samples do not fill one batch of 3. Use data.batch_size=2 or less\n"
    )
