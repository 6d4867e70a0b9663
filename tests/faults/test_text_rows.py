"""Every bad caption is one line that names its file and place, from each format of a caption list."""

from typing import Any

import pytest
from list_formats import FORMATS, PICTURES, listed
from made import filled

from crossmedia.data.module import DataModule
from crossmedia.data.sources.captions import Captions
from crossmedia.data.sources.stamps import Stamps
from crossmedia.data.views import CaptionView
from crossmedia.images.transforms import ImageTransform
from crossmedia.text.normalise import words
from crossmedia.text.tokenizer import WordTokenizer

JSON = ("coco", "karpathy")
TEXTS: dict[str, tuple[Any, str]] = {  # row -> the caption, and what is said of it
    "empty": ("", "empty caption"),
    "blanks only": (" \u3000 ", "empty caption"),
    "empty after normalising": ("\u00ad\u200b\u2060", "empty caption"),
    "a mark of order and nothing else": ("\ufeff", "empty caption"),
    "NUL": ("A\0dog", "the caption holds a NUL character"),
    "10 MB": ("a" * 10**7, "a caption of 1000000"),
}
VALUES: dict[str, tuple[Any, str]] = {  # what only JSON can hold
    "null": (None, "the caption is null, text expected"),
    "number": (7, "the caption is 7, text expected"),
    "lone surrogate": ("half \ud83d", "half a character (a lone surrogate)"),
}
CASES = [(row, form) for row in TEXTS for form in FORMATS] + [(row, form) for row in VALUES for form in JSON]


def kept(source: Captions) -> dict[str, tuple[str, ...]]:
    parts = [source.split(split) for split in source.splits]
    return {entry.id.rpartition("/")[2]: entry.captions for part in parts for entry in part.entries}


def only(source: Captions | Stamps) -> str:
    (line,) = source.faults
    assert len(line) <= 240 and "\n" not in line
    return line


@pytest.mark.parametrize(("row", "form"), CASES)
def test_a_bad_caption_is_told_and_no_other_is_lost(tmp_path, row, form):
    caption, said = (TEXTS | VALUES)[row]
    where = listed(tmp_path, form, caption=caption)
    source = Captions(str(tmp_path))
    line = only(source)
    assert where in line and said in line and line.endswith(". Mend it, or data.on_error=skip")
    assert kept(source) == dict.fromkeys(PICTURES, ("A dog .",))


@pytest.mark.parametrize("form", ["kaggle", "flickr30k", "flickr8k"])
@pytest.mark.parametrize("raw", [b"caf\xe9", b"half \xed\xa0\xbd"], ids=["bad UTF-8", "lone surrogate"])
def test_a_line_of_other_bytes_is_told_by_its_byte(tmp_path, form, raw):
    name, number, _ = listed(tmp_path, form, caption="CAPTION").split(":")
    path = tmp_path / name
    path.write_bytes(path.read_bytes().replace(b"CAPTION", raw))
    source = Captions(str(tmp_path))
    assert only(source).startswith(f"{path}:{number}: not UTF-8 (byte 0xe")
    assert kept(source) == dict.fromkeys(PICTURES, ("A dog .",))


@pytest.mark.parametrize("form", FORMATS)
def test_a_byte_order_mark_before_a_list_is_no_text(tmp_path, form):
    listed(tmp_path, form)
    before = Captions(str(tmp_path)).fingerprint()
    for path in (path for path in tmp_path.rglob("*.*") if path.suffix in (".txt", ".csv", ".json")):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    source = Captions(str(tmp_path))
    assert not source.faults and source.fingerprint() == before


@pytest.mark.parametrize("form", FORMATS)
def test_a_caption_for_an_absent_picture_is_told_with_the_nearest_name(tmp_path, form):
    where = listed(tmp_path, form, name="ones.png")
    source = Captions(str(tmp_path))
    assert where in only(source) and "ones.png'. Nearest: 'one.png'" in only(source)
    assert kept(source) == dict.fromkeys(PICTURES, ("A dog .",))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["a" * 300, "a" * 5000 + "/one.png", "a/" * 5000 + "one.png"])
def test_a_name_longer_than_any_path_is_told(tmp_path, form, name):
    where = listed(tmp_path, form, name=name)
    source = Captions(str(tmp_path))
    assert where in only(source) and "no picture 'a" in only(source)


def test_a_minus_sign_is_the_sign_of_its_number():
    assert words("\u22127 degrees") == words("-7 degrees") == ("-7", "degrees")


@pytest.mark.parametrize("form", JSON)
def test_a_tab_or_line_break_inside_a_caption_is_a_blank(tmp_path, form):
    listed(tmp_path, form, caption="A pig\tin \n mud .")
    assert kept(Captions(str(tmp_path)))["one.png"] == ("A dog .", "A pig in mud .")


def test_a_line_break_inside_a_row_of_tabs_makes_a_row_that_is_told(tmp_path):
    listed(tmp_path, "flickr8k", caption="A pig\nin mud .")
    source = Captions(str(tmp_path))
    expected = (
        "'in mud .': picture#number, a tab and the caption expected. Mend the line, or data.on_error=skip"
    )
    assert only(source) == f"{tmp_path}/Flickr8k.token.txt:5: {expected}"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\xc2\xad\n", "1: empty caption"),
        (b"A\0frog.\n", "1: the caption holds a NUL character"),
        (b"a" * 10**7, "1: a caption of 10000000 characters, at most 10000"),
        (b"caf\xe9\n", "1: not UTF-8"),
    ],
    ids=["empty after normalising", "NUL", "10 MB", "bad UTF-8"],
)
def test_a_bad_caption_of_a_stamp_is_told_by_its_line(tmp_path, raw, said):
    filled(tmp_path)
    (tmp_path / "animals/aa.txt").write_bytes(raw)
    source = Stamps(str(tmp_path))
    assert only(source) == f"{tmp_path}/animals/aa.txt:{said}. Mend the line, or data.on_error=skip"
    assert sum(len(source.split(split)) for split in source.splits) == 29


def test_a_text_of_a_stamp_that_cannot_be_read_is_told(tmp_path):
    path = filled(tmp_path) / "animals/aa.txt"
    path.unlink()
    path.symlink_to("gone.txt")
    assert only(Stamps(str(tmp_path))).startswith(f"{path}: cannot be read (No such file or directory)")


def test_skip_trains_on_what_is_left_of_a_pictures_captions(tmp_path):
    listed(tmp_path, "karpathy", caption=None)
    data = DataModule(
        Captions(str(tmp_path)),
        CaptionView(),
        ImageTransform(8),
        WordTokenizer(),
        batch_size=1,
        on_error="skip",
    )
    data.learn()
    assert len(data.skipped) == 1 and data.meta.tokenizer.vocab == (".", "a", "dog")
    assert [batch.references for batch in data.loader("train", train=True)] == [[("A dog .",)]]
