from pathlib import Path

import pytest
from caption_sets import captions, pictures, sizes, write

from crossmedia.data.sources.captions import Captions
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP


def flickr8k(root: Path, *lines: str, train=("a.jpg",), dev=("b.jpg",), test=("c.jpg",)) -> Captions:
    pictures(root / "Flicker8k_Dataset", "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    usual = [f"{name}.jpg#{number}\tA {name} {number} ." for name in "abcd" for number in range(2)]
    write(root / "Flickr8k.token.txt", *(lines or usual))
    for name, members in (("train", train), ("dev", dev), ("test", test)):
        write(root / f"Flickr_8k.{name}Images.txt", *members)
    return Captions(str(root))


def test_flickr8k_comes_with_the_publishers_splits(tmp_path):
    source = flickr8k(tmp_path)
    assert not source.faults and sizes(source) == [1, 1, 1]
    sample = source.split("val")[0]
    assert sample.id == "b.jpg" and sample.captions == ("A b 0 .", "A b 1 .")
    assert sample.image.shape == (3, 2, 2) and sample.label is None
    assert source.split("train").texts() == ["A a 0 .", "A a 1 ."]
    assert source.notes == ["1 pictures in no split list left out: d.jpg"]


def test_flickr8k_in_its_archives_own_folders(tmp_path):
    pictures(tmp_path / "Flicker8k_Dataset", "a.jpg")
    write(tmp_path / "Flickr8k_text/Flickr8k.token.txt", "a.jpg#0\tA dog .")
    assert captions(Captions(str(tmp_path))) == {"a.jpg": ("A dog .",)}


def test_a_picture_in_two_split_lists_is_a_fault_and_stays_in_the_first(tmp_path):
    source = flickr8k(tmp_path, test=("c.jpg", "a.jpg"))
    (line,) = source.faults
    said = "'a.jpg' is in the train list too. Remove it from one"
    assert line == f"{tmp_path}/Flickr_8k.testImages.txt:2: {said}{SKIP}"
    assert sizes(source) == [1, 1, 1]


def test_a_listed_picture_without_captions_is_a_fault(tmp_path):
    source = flickr8k(tmp_path, train=("a.jpg", "e.jpg"))
    where = f"{tmp_path}/Flickr_8k.trainImages.txt:2"
    assert source.faults == [f"{where}: 'e.jpg' has no caption in Flickr8k.token.txt. Remove the line{SKIP}"]


def test_one_missing_split_list_is_named(tmp_path):
    flickr8k(tmp_path)
    (tmp_path / "Flickr_8k.devImages.txt").unlink()
    with pytest.raises(DataError, match=r"Flickr_8k.devImages.txt: no such file, the other lists are there"):
        Captions(str(tmp_path))


def test_a_caption_number_that_stands_there_twice_keeps_both_captions(tmp_path):
    source = flickr8k(tmp_path, "a.jpg#0\tOne .", "a.jpg#0\tTwo .", "b.jpg#0\tB", "c.jpg#0\tC")
    assert captions(source)["a.jpg"] == ("One .", "Two .")
    assert "1 caption numbers stand there twice, each caption is kept" in source.notes[0]


def test_a_token_line_without_tab_or_number_is_a_fault(tmp_path):
    source = flickr8k(
        tmp_path, "a.jpg#0 A dog .", "b.jpg\tA cat .", "a.jpg#1\tA dog .", "b.jpg#1\tB", "c.jpg#1\tC"
    )
    assert [line.split(": picture#")[0] for line in source.faults] == [
        f"{tmp_path}/Flickr8k.token.txt:1: 'a.jpg#0 A dog .'",
        f"{tmp_path}/Flickr8k.token.txt:2: 'b.jpg\\tA cat .'",
    ]


def test_a_tab_inside_a_caption_becomes_a_blank(tmp_path):
    source = flickr8k(tmp_path, "a.jpg#0\tA dog\truns .", "b.jpg#0\tB", "c.jpg#0\tC")
    assert captions(source)["a.jpg"] == ("A dog runs .",)


def test_flickr30ks_own_token_file_is_split_by_hash(tmp_path):
    pictures(tmp_path / "flickr30k-images", "1.jpg")
    write(tmp_path / "results_20130124.token", "1.jpg#0\tA man .")
    source = Captions(str(tmp_path))
    assert captions(source) == {"1.jpg": ("A man .",)}
    assert source.notes == [
        "no split in this format: train, val and test by hash of the picture's name (80, 10, 10 %)"
    ]


def test_flickr30ks_broken_row_is_named_and_quotes_are_plain(tmp_path):
    pictures(tmp_path / "flickr30k_images/flickr30k_images", "1.jpg", "2.jpg")
    write(
        tmp_path / "flickr30k_images/results.csv",
        "image_name| comment_number| comment",
        '1.jpg| 0| "Two dogs , one | post .',
        "1.jpg| 4   A dog runs .",
        "2.jpg| 0| A man .",
    )
    source = Captions(str(tmp_path))
    assert captions(source) == {"1.jpg": ('"Two dogs , one | post .',), "2.jpg": ("A man .",)}
    (line,) = source.faults
    where = f"{tmp_path}/flickr30k_images/results.csv:3"
    said = "2 columns, picture| number| caption expected. Mend the line"
    assert line == f"{where}: '1.jpg| 4   A dog runs .': {said}{SKIP}"
