import os
from pathlib import Path

import pytest
from caption_sets import captions, pictures, write

from crossmedia.data.sources.captions import Captions
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP


def kaggle(root: Path, *lines: str, names: tuple[str, ...] = ("f1.jpg", "f2.jpg")) -> Captions:
    pictures(root / "Images", *names)
    write(root / "captions.txt", "image,caption", *lines)
    return Captions(str(root))


def test_a_csv_caption_is_cut_at_no_comma_and_joined_over_lines(tmp_path):
    source = kaggle(
        tmp_path,
        'f1.jpg,"A dog , wet , runs ."',
        "f1.jpg,A man in a red , torn coat .",
        'f2.jpg,"He says ""stop"" ."',
        'f2.jpg,"Two lines',
        'of text ."',
    )
    assert not source.faults
    assert captions(source) == {
        "f1.jpg": ("A dog , wet , runs .", "A man in a red , torn coat ."),
        "f2.jpg": ('He says "stop" .', "Two lines of text ."),
    }


def test_a_quoted_file_name_may_hold_a_comma(tmp_path):
    source = kaggle(tmp_path, '"rain,_soft.jpg",Rain .', names=("rain,_soft.jpg",))
    assert captions(source) == {"rain,_soft.jpg": ("Rain .",)}


def test_an_open_quote_costs_its_own_line_only(tmp_path):
    source = kaggle(
        tmp_path, 'f1.jpg,"Wait , said the boy .', "f1.jpg,Nobody came .", 'f2.jpg,"He is 6"" tall"'
    )
    assert captions(source) == {"f1.jpg": ("Nobody came .",), "f2.jpg": ('He is 6" tall',)}
    (line,) = source.faults
    assert line.startswith(f"{tmp_path}/captions.txt:2: 'f1.jpg,\"Wait , said the boy .': a quote without")


def test_an_open_quote_does_not_run_to_a_quote_of_another_line(tmp_path):
    source = kaggle(tmp_path, 'f1.jpg,"Wait , said he .', 'f2.jpg,He said stop"', "f1.jpg,Then .")
    assert captions(source) == {"f1.jpg": ("Then .",), "f2.jpg": ('He said stop"',)}
    assert len(source.faults) == 1


def test_a_plain_quote_inside_an_unquoted_caption_stays(tmp_path):
    source = kaggle(tmp_path, 'f1.jpg,A board of 6" .', "f2.jpg,Next .")
    assert captions(source)["f1.jpg"] == ('A board of 6" .',) and not source.faults


@pytest.mark.parametrize(
    "text", ["null", "NA", "nan", "None", "true", "007", "1e5", "-", "N/A", "<unk> & <b>"]
)
def test_words_that_look_like_values_stay_text(tmp_path, text):
    assert captions(kaggle(tmp_path, f"f1.jpg,{text}"))["f1.jpg"] == (text,)


@pytest.mark.parametrize("letter", ["\u2028", "\x85", "\x0c"])
def test_only_a_line_feed_ends_a_line(tmp_path, letter):
    source = kaggle(tmp_path, f"f1.jpg,A dog{letter}runs .")
    assert captions(source) == {"f1.jpg": ("A dog runs .",)}


def test_windows_line_ends_and_a_byte_order_mark_are_not_text(tmp_path):
    pictures(tmp_path / "Images", "f1.jpg")
    (tmp_path / "captions.txt").write_bytes(b"\xef\xbb\xbfimage,caption\r\nf1.jpg,A dog .\r\n")
    source = Captions(str(tmp_path))
    assert captions(source) == {"f1.jpg": ("A dog .",)} and not source.faults


def test_a_line_in_another_encoding_is_named_and_left_out(tmp_path):
    pictures(tmp_path / "Images", "f1.jpg")
    (tmp_path / "captions.txt").write_bytes(b"image,caption\nf1.jpg,A caf\xe9 .\nf1.jpg,A dog .\n")
    source = Captions(str(tmp_path))
    assert source.faults == [
        f"{tmp_path}/captions.txt:2: not UTF-8 (byte 0xe9 at column 13). Save the file as UTF-8"
        ", or data.on_error=skip"
    ]
    assert captions(source) == {"f1.jpg": ("A dog .",)}


@pytest.mark.parametrize(
    ("caption", "said"),
    [
        ("", "empty caption"),
        ("   ", "empty caption"),
        ('" "', "empty caption"),
        ("A\0dog", "the caption holds a NUL character"),
        pytest.param("a" * 10_000_000, "a caption of 10000000 characters, at most 10000", id="10 MB"),
    ],
)
def test_an_unusable_caption_is_named_by_its_line(tmp_path, caption, said):
    source = kaggle(tmp_path, "f2.jpg,A cat .", f"f1.jpg,{caption}", "f1.jpg,A dog .")
    assert source.faults == [f"{tmp_path}/captions.txt:3: 'f1.jpg': {said}. Mend it, or data.on_error=skip"]
    assert captions(source) == {"f1.jpg": ("A dog .",), "f2.jpg": ("A cat .",)}


def test_a_line_without_a_caption_column_is_a_fault(tmp_path):
    source = kaggle(tmp_path, "f1.jpg", "f1.jpg,A dog .")
    assert source.faults == [
        f"{tmp_path}/captions.txt:2: 'f1.jpg': no comma, image,caption expected. Mend the line{SKIP}"
    ]


def test_a_caption_for_an_absent_picture_is_named_once_with_the_nearest(tmp_path):
    source = kaggle(tmp_path, "f1.jpg,A dog .", " f2.jpg,A cat .", " f2.jpg,The cat .")
    assert source.faults == [
        f"{tmp_path}/captions.txt:3: no picture ' f2.jpg'. Nearest: 'f2.jpg'. Mend it, or data.on_error=skip"
    ]
    assert captions(source) == {"f1.jpg": ("A dog .",)}


def test_a_picture_that_nothing_names_is_told_where_another_folder_has_its_name(tmp_path):
    pictures(tmp_path / "Images/a", "1.jpg")
    pictures(tmp_path / "Images/b", "1.jpg", "2.jpg")
    source = kaggle(tmp_path, "a/1.jpg,A dog .", "b/2.jpg,A cat .", names=())
    assert source.notes[-1] == "1 pictures without captions passed over: 1.jpg"


def test_names_with_blanks_are_found_as_they_are(tmp_path):
    source = kaggle(tmp_path, " harbour wind.jpg,Wind .", names=(" harbour wind.jpg",))
    assert captions(source) == {" harbour wind.jpg": ("Wind .",)} and not source.faults


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/secret.jpg", "a/../../secret.jpg"])
def test_a_path_out_of_the_folder_is_refused_even_where_it_exists(tmp_path, name):
    pictures(tmp_path, "secret.jpg")
    source = kaggle(tmp_path / "set", "f1.jpg,A dog .", f"{name},A secret .")
    (line,) = source.faults
    assert line == (
        f"{tmp_path}/set/captions.txt:3: {name!r}: leads out of the folder. Mend it, or data.on_error=skip"
    )
    assert set(captions(source)) == {"f1.jpg"}


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    pictures(tmp_path, "secret.jpg")
    pictures(tmp_path / "set/Images")
    (tmp_path / "set/Images/f3.jpg").symlink_to(tmp_path / "secret.jpg")
    source = kaggle(tmp_path / "set", "f1.jpg,A dog .", "f3.jpg,A secret .")
    (line,) = source.faults
    assert line.startswith(f"{tmp_path}/set/captions.txt:3: 'f3.jpg' is a link out of the folder. Put")
    assert set(captions(source)) == {"f1.jpg"}


def test_the_picture_folder_may_be_a_link(tmp_path):
    pictures(tmp_path / "disk", "f1.jpg")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/Images").symlink_to(tmp_path / "disk")
    source = kaggle(tmp_path / "set", "f1.jpg,A dog .", names=())
    assert set(captions(source)) == {"f1.jpg"} and not source.faults


def test_broken_picture_files_are_faults(tmp_path):
    pictures(tmp_path / "Images")
    (tmp_path / "Images/f3.jpg").touch()
    (tmp_path / "Images/f4.jpg").symlink_to("gone.jpg")
    source = kaggle(tmp_path, "f1.jpg,A dog .", "f3.jpg,Nothing .", "f4.jpg,Gone .")
    assert [line.split(". ")[0] for line in source.faults] == [
        f"{tmp_path}/Images/f3.jpg: zero bytes",
        f"{tmp_path}/Images/f4.jpg: a link to gone.jpg, which cannot be reached",
    ]


def test_a_picture_cut_short_is_named_when_asked_for(tmp_path):
    source = kaggle(tmp_path, "f1.jpg,A dog .", names=("f1.jpg",))
    path = tmp_path / "Images/f1.jpg"
    path.write_bytes(path.read_bytes()[:50])
    (split,) = [source.split(name) for name in source.splits if len(source.split(name))]
    with pytest.raises(DataError, match=f"{path}: cut short after 50 bytes"):
        split[0]


def test_pictures_that_no_caption_names_are_said(tmp_path):
    source = kaggle(tmp_path, "f1.jpg,A dog .")
    assert source.notes[-1] == "1 pictures without captions passed over: f2.jpg"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "captions.txt: zero bytes"),
        (b"image,caption\n", "a caption list without captions"),
        (b"image,text\nf1.jpg,A dog\n", ":1: the header is 'image,text', image,caption expected"),
        ("image,caption\n".encode("utf-16"), "UTF-16. Save the file as UTF-8"),
        (b"image,caption\nf9.jpg,A dog\n", ":2: no picture 'f9.jpg', nor any other of the 1"),
    ],
)
def test_a_list_without_any_use_is_named(tmp_path, data, said):
    pictures(tmp_path / "Images", "f1.jpg")
    (tmp_path / "captions.txt").write_bytes(data)
    with pytest.raises(DataError, match=said):
        Captions(str(tmp_path))


def test_no_list_and_no_folder_tell_the_layout(tmp_path):
    with pytest.raises(DataError, match="no caption list. Expected Images/ beside Flickr8k.token"):
        Captions(str(tmp_path))
    with pytest.raises(DataError, match="no such folder. Expected Images/"):
        Captions(str(tmp_path / "set"))


def test_two_lists_of_one_kind_are_refused(tmp_path):
    kaggle(tmp_path, "f1.jpg,A dog .")
    os.makedirs(tmp_path / "annotations")
    write(tmp_path / "annotations/captions.txt", "image,caption", "f1.jpg,A cat .")
    with pytest.raises(DataError, match=r"2 caption lists \(captions.txt, captions.txt\). Keep one"):
        Captions(str(tmp_path))


def test_the_hash_split_depends_on_the_name_alone(tmp_path):
    names = tuple(f"{number}.jpg" for number in range(60))
    first = kaggle(tmp_path / "one", *(f"{name},A ." for name in names), names=names)
    second = kaggle(tmp_path / "other", *(f"{name},B ." for name in reversed(names[:30])), names=names[:30])
    ids = {split: {e.id for e in first.split(split).entries} for split in first.splits}
    assert len(ids["train"]) > 35 and min(len(part) for part in ids.values()) > 1
    for split in second.splits:
        assert {e.id for e in second.split(split).entries} == ids[split] & set(names[:30])


def test_the_fingerprint_is_of_captions_and_sizes_not_of_the_place(tmp_path):
    one = kaggle(tmp_path / "one", "f1.jpg,A dog .").fingerprint()
    assert kaggle(tmp_path / "two", "f1.jpg,A dog .").fingerprint() == one
    assert kaggle(tmp_path / "three", "f1.jpg,A dog !").fingerprint() != one
