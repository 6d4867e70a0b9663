from pathlib import Path

import pytest
from PIL import Image

from crossmedia.data.sources.image_folder import ImageFolder
from crossmedia.errors import DataError

COLOURS = {"ant": "red", "bee": "green", "cat": "blue", "dog": "white"}


def picture(path: Path, colour: str = "red") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (2, 2), colour).save(path, format="PNG")
    return path


def fill(root: Path, split: str, classes: list[str], number: int = 2) -> None:
    for name in classes:
        for index in range(number):
            picture(root / split / name / f"{index}.png", COLOURS.get(name, "red"))


def whole(root: Path) -> Path:
    for split in ("train", "val", "test"):
        fill(root, split, ["ant", "bee", "cat"])
    return root


def labels(source: ImageFolder, split: str) -> dict[str, int]:
    part = source.split(split)
    return {part[index].id: part[index].label for index in range(len(part))}


def test_folders_give_splits_classes_and_pictures(tmp_path):
    source = ImageFolder(str(whole(tmp_path)))
    assert source.classes == ("ant", "bee", "cat") and not source.faults and not source.notes
    assert labels(source, "val") == {
        "val/ant/0.png": 0,
        "val/ant/1.png": 0,
        "val/bee/0.png": 1,
        "val/bee/1.png": 1,
        "val/cat/0.png": 2,
        "val/cat/1.png": 2,
    }
    assert source.split("test")[2].image[:, 0, 0].tolist() == [0, 128, 0]


def test_class_numbers_come_from_training_where_val_lacks_a_class(tmp_path):
    fill(tmp_path, "train", ["ant", "bee", "cat"])
    fill(tmp_path, "val", ["bee", "cat"])
    fill(tmp_path, "test", ["bee", "cat", "dog"])
    before = ImageFolder(str(tmp_path))
    (tmp_path / "val" / "ant").mkdir()
    for source in (before, ImageFolder(str(tmp_path))):
        assert set(labels(source, "val").items()) >= {("val/bee/0.png", 1), ("val/cat/1.png", 2)}
        assert len(source.split("test")) == 4
        (line,) = source.faults
        said = "class unknown to training (ant, bee, cat). Add it to train, or data.on_error=skip"
        assert line == f"{tmp_path}/test/dog: {said}"


def test_hidden_and_foreign_members_are_passed_over_and_said_once(tmp_path):
    picture(tmp_path / "train/cat/1.JPG")
    picture(tmp_path / "train/dog/1.jpeg")
    picture(tmp_path / "train/.ipynb_checkpoints/1-checkpoint.jpg")
    for name in ("__MACOSX/._1.jpg", "cat/.DS_Store", "cat/Thumbs.db", "readme.txt", "cat/._1.JPG"):
        (tmp_path / "train" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "train" / name).write_bytes(b"abcd")
    fill(tmp_path, "val", ["cat"])
    fill(tmp_path, "test", ["cat"])
    source = ImageFolder(str(tmp_path))
    assert source.classes == ("cat", "dog")
    assert labels(source, "train") == {"train/cat/1.JPG": 0, "train/dog/1.jpeg": 1}
    (note,) = source.notes
    assert note == (
        "passed over 6 that are no data: train/.ipynb_checkpoints, train/__MACOSX, train/cat/.DS_Store, "
        "train/cat/._1.JPG, train/cat/Thumbs.db and 1 more"
    )


def test_class_names_are_text(tmp_path):
    names = ["007", "1e5", "NA", "a&b<c>", "nan", "null", "true"]
    for split in ("train", "val", "test"):
        fill(tmp_path, split, names, number=1)
    assert ImageFolder(str(tmp_path)).classes == tuple(names)


def test_an_empty_class_folder_of_training_is_no_class_and_is_said(tmp_path):
    (whole(tmp_path) / "train" / "aaa").mkdir()
    source = ImageFolder(str(tmp_path))
    assert source.classes == ("ant", "bee", "cat")
    assert source.notes == ["class folders without pictures: aaa"]


def test_class_folders_alone_are_split_by_hash(tmp_path):
    fill(tmp_path, "", ["ant", "bee"], number=100)
    source = ImageFolder(str(tmp_path))
    sizes = {split: len(source.split(split)) for split in source.splits}
    assert sum(sizes.values()) == 200 and 140 <= sizes["train"] <= 180 and min(sizes.values()) >= 8
    assert source.notes == [
        f"no val folder: {sizes['val']} pictures of train, a tenth by hash of the path",
        f"no test folder: {sizes['test']} pictures of train, a tenth by hash of the path",
    ]


def test_a_new_picture_moves_no_other_to_another_split(tmp_path):
    fill(tmp_path, "", ["ant"], number=40)
    before = set(labels(ImageFolder(str(tmp_path)), "val"))
    picture(tmp_path / "ant" / "0a.png")
    assert set(labels(ImageFolder(str(tmp_path)), "val")) - {"ant/0a.png"} == before


def test_only_the_missing_split_is_taken_from_training(tmp_path):
    fill(tmp_path, "train", ["ant", "bee"], number=40)
    fill(tmp_path, "val", ["ant", "bee"])
    source = ImageFolder(str(tmp_path))
    assert len(source.split("val")) == 4
    assert len(source.split("train")) + len(source.split("test")) == 80
    assert 0 < len(source.split("test")) < 20


def test_validation_is_val_by_another_name(tmp_path):
    whole(tmp_path)
    (tmp_path / "val").rename(tmp_path / "validation")
    source = ImageFolder(str(tmp_path))
    assert len(source.split("val")) == 6 and not source.notes


def test_two_folders_for_val_are_refused(tmp_path):
    fill(whole(tmp_path), "valid", ["ant"])
    with pytest.raises(DataError, match=r"2 folders for val \(val, valid, validation\)"):
        ImageFolder(str(tmp_path))


def test_pictures_in_sub_folders_of_a_class_count(tmp_path):
    picture(whole(tmp_path) / "train/ant/deep/er/9.png")
    assert labels(ImageFolder(str(tmp_path)), "train")["train/ant/deep/er/9.png"] == 0


def test_a_link_in_a_circle_ends(tmp_path):
    (whole(tmp_path) / "train/ant/again").symlink_to(tmp_path / "train/ant")
    source = ImageFolder(str(tmp_path))
    assert len(source.split("train")) == 6
    assert source.notes == ["passed over 1 that are no data: train/ant/again"]


def test_unusable_files_are_faults_and_left_out(tmp_path):
    ant = whole(tmp_path) / "train/ant"
    (ant / "2.png").touch()
    (ant / "3.png").symlink_to("gone.png")
    (ant / "4.png").mkdir()
    source = ImageFolder(str(tmp_path))
    assert [line.split(". ")[0] for line in source.faults] == [
        f"{ant}/2.png: zero bytes",
        f"{ant}/3.png: a link to gone.png, which cannot be reached",
        f"{ant}/4.png: a folder, not a picture",
    ]
    assert len(source.split("train")) == 6


def test_a_file_that_cannot_be_decoded_is_named_when_asked_for(tmp_path):
    path = whole(tmp_path) / "train/ant/0.png"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=f"{path}: cut short after 40 bytes"):
        ImageFolder(str(tmp_path)).split("train")[0]


def test_the_background_shows_through(tmp_path):
    whole(tmp_path)
    Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(tmp_path / "train/ant/0.png")
    sample = ImageFolder(str(tmp_path), background="lime").split("train")[0]
    assert sample.image[:, 0, 0].tolist() == [0, 255, 0]


def test_the_fingerprint_is_of_the_data_not_of_the_place(tmp_path):
    one, other = whole(tmp_path / "one"), whole(tmp_path / "other")
    same = ImageFolder(str(one)).fingerprint()
    assert ImageFolder(str(other)).fingerprint() == same
    (other / "train/ant/0.png").rename(other / "train/bee/7.png")
    assert ImageFolder(str(other)).fingerprint() != same


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: None, r"no such folder. Expected train/<class>/<picture>"),
        (lambda root: root.mkdir(), "no class folder with pictures. Expected train/"),
        (lambda root: picture(root / "1.png"), "no class folder with pictures"),
        (lambda root: picture(root / "val/ant/1.png"), "val but no train folder"),
    ],
)
def test_another_layout_is_told_what_is_expected(tmp_path, make, said):
    make(tmp_path / "set")
    with pytest.raises(DataError, match=said):
        ImageFolder(str(tmp_path / "set"))


def test_an_unknown_split_lists_the_splits(tmp_path):
    with pytest.raises(DataError, match="no split 'dev'. Splits: train, val, test"):
        ImageFolder(str(whole(tmp_path))).split("dev")
