import json
from pathlib import Path

import pytest
from caption_sets import captions, pictures, sizes, write

from crossmedia.data.sources.captions import Captions
from crossmedia.errors import DataError


def coco(root: Path, name: str, images: list, annotations: list) -> None:
    write(root / "annotations" / name, json.dumps({"images": images, "annotations": annotations}))


def karpathy(root: Path, *images: dict) -> Captions:
    write(root / "dataset_coco.json", json.dumps({"images": list(images), "dataset": "coco"}))
    return Captions(str(root))


def test_cocos_train_is_whole_and_its_val_is_halved(tmp_path):
    pictures(tmp_path / "train2017", *(f"{n}.jpg" for n in range(20)))
    pictures(tmp_path / "val2017", *(f"{n}.jpg" for n in range(20, 60)))
    for part, numbers in (("train", range(20)), ("val", range(20, 60))):
        coco(
            tmp_path,
            f"captions_{part}2017.json",
            [{"id": n, "file_name": f"{n}.jpg"} for n in numbers],
            [{"id": n, "image_id": n, "caption": f"Picture {n}.\n"} for n in numbers],
        )
    source = Captions(str(tmp_path))
    train, val, test = sizes(source)
    assert not source.faults and train == 20 and val + test == 40 and min(val, test) > 10
    assert captions(source)["val2017/30.jpg"] == ("Picture 30.",)
    assert source.notes == ["COCO's val is halved into val and test by hash of the picture's name"]


def test_coco_lists_with_gaps_keep_what_is_good_and_name_the_rest(tmp_path):
    pictures(tmp_path / "train2017", "x1.jpg", "x2.jpg")
    coco(
        tmp_path,
        "captions_train2017.json",
        [
            {"id": 1, "file_name": "x1.jpg"},
            {"id": 2, "file_name": "x2.jpg"},
            {"id": 3, "file_name": "x1.jpg"},
        ],
        [
            {"id": 7, "image_id": 1, "caption": "A cup."},
            {"id": 7, "image_id": 1, "caption": "A mug."},
            {"id": 8, "image_id": 99, "caption": "?"},
            {"id": 9, "image_id": 1},
        ],
    )
    source = Captions(str(tmp_path))
    assert captions(source) == {"train2017/x1.jpg": ("A cup.", "A mug.")}
    here = f"{tmp_path}/annotations/captions_train2017.json"
    assert [line.split(". ")[0] for line in source.faults] == [
        f"{here}: annotation 8: picture 99 is not listed",
        f"{here}: annotation 9: no caption",
        f"{here}: picture 2 ('x2.jpg') without captions",
        f"{here}: picture 3 ('x1.jpg') without captions",
    ]
    assert "captions_train2017.json: 1 annotation ids stand there twice; each caption is kept" in source.notes


@pytest.mark.parametrize(
    ("caption", "said"),
    [
        (None, "the caption is null, text expected"),
        (7, "the caption is 7, text expected"),
        (["a"], 'the caption is ["a"], text expected'),
        ("", "empty caption"),
        ("half \ud83d", "the caption holds half a character (a lone surrogate)"),
    ],
)
def test_a_json_caption_that_is_no_text_is_a_fault(tmp_path, caption, said):
    pictures(tmp_path / "train2017", "x1.jpg")
    annotations = [{"id": 1, "image_id": 1, "caption": caption}, {"id": 2, "image_id": 1, "caption": "007"}]
    coco(tmp_path, "captions_train2017.json", [{"id": 1, "file_name": "x1.jpg"}], annotations)
    source = Captions(str(tmp_path))
    (line,) = source.faults
    assert f"annotation 1: 'train2017/x1.jpg': {said}" in line
    assert captions(source) == {"train2017/x1.jpg": ("007",)}


def test_of_two_years_of_coco_the_one_with_pictures_is_read(tmp_path):
    pictures(tmp_path / "train2014", "x.jpg")
    for year in ("2014", "2017"):
        annotation = {"id": 1, "image_id": 1, "caption": year}
        coco(tmp_path, f"captions_train{year}.json", [{"id": 1, "file_name": "x.jpg"}], [annotation])
    assert captions(Captions(str(tmp_path))) == {"train2014/x.jpg": ("2014",)}
    pictures(tmp_path / "train2017", "x.jpg")
    with pytest.raises(DataError, match="lists of 2014, 2017, which share pictures. Keep one year"):
        Captions(str(tmp_path))


def test_karpathys_restval_is_training_and_said(tmp_path):
    pictures(tmp_path / "train2014", "1.jpg", "2.jpg")
    pictures(tmp_path / "val2014", "3.jpg", "4.jpg", "5.jpg", "6.jpg")
    parts = ["train", "train", "restval", "restval", "val", "test"]
    source = karpathy(
        tmp_path,
        *(
            {
                "imgid": number,
                "filepath": "train2014" if part == "train" else "val2014",
                "filename": f"{number}.jpg",
                "split": part,
                "sentences": [{"raw": f"Number {number} ."}, {"raw": "N/A"}],
            }
            for number, part in enumerate(parts, start=1)
        ),
    )
    assert not source.faults and sizes(source) == [4, 1, 1]
    assert source.notes == ["dataset_coco.json: 2 pictures marked restval are in train"]
    assert captions(source)["val2014/3.jpg"] == ("Number 3 .", "N/A")


def test_karpathys_broken_members_are_faults(tmp_path):
    pictures(tmp_path / "images", "1.jpg")
    good = {
        "imgid": 1,
        "filename": "1.jpg",
        "split": "train",
        "sentences": [{"raw": "One ."}, {"tokens": []}],
    }
    source = karpathy(
        tmp_path,
        good,
        {"imgid": 2, "split": "train", "sentences": [{"raw": "Two ."}]},
        good | {"imgid": 3, "split": "dev"},
        good | {"imgid": 4, "sentences": []},
        good | {"imgid": 5, "split": "test", "sentences": [{"raw": "Five ."}, {"raw": "5 ."}]},
    )
    here = f"{tmp_path}/dataset_coco.json: picture"
    assert [line.split(". ")[0] for line in source.faults] == [
        f"{here} 2: no filename",
        f"{here} 3: split dev, one of train, restval, val, test expected",
        f"{here} 4 ('1.jpg') without captions",
        f"{here} 1: '1.jpg': the caption is null, text expected",
        f"{here} 5: '1.jpg': in train too, remove it from one",
    ]
    assert captions(source) == {"1.jpg": ("One .",)}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "zero bytes"),
        (b'{"images": [\n{"id": 1},\n', r":3: broken JSON \("),
        (b'{"images": [\n"\xe9"]}', ":2: not UTF-8"),
        (b"[1]", "a JSON list, an object expected"),
        (b"{}", "no list 'images' in it"),
        (b'{"images": []}', "no list 'annotations' in it"),
        (b'{"images": [], "annotations": []}', "a caption list without captions"),
        (b"[" * 100_000, r"broken JSON \("),
    ],
)
def test_a_broken_json_list_is_named(tmp_path, data, said):
    pictures(tmp_path / "train2017", "x1.jpg")
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/captions_train2017.json").write_bytes(data)
    with pytest.raises(DataError, match=said):
        Captions(str(tmp_path))
