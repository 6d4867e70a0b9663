from pathlib import Path

import pytest
from made import filled, letters, stamp

from crossmedia.data.sources.stamps import Stamps
from crossmedia.errors import DataError

INSTALLED = Path("/usr/share/tuxpaint/stamps")


def found(source: Stamps) -> dict[str, tuple]:
    """Stamp -> split, captions and label."""
    parts = {split: source.split(split).entries for split in source.splits}
    return {e.id: (split, e.captions, e.label) for split, part in parts.items() for e in part}


def test_a_stamp_has_picture_caption_and_category(tmp_path):
    filled(filled(tmp_path), "food")
    source = Stamps(str(tmp_path))
    assert source.classes == ("animals", "food") and source.fields == {"image", "captions", "label"}
    assert found(source)["food/ab.png"][1:] == (("The ab of food.",), 1)
    assert not source.faults and not source.notes
    sample = source.split("train")[0]
    assert sample.image.shape[0] == 3 and sample.image.min() == 255  # transparent, on white


def test_the_background_shows_through(tmp_path):
    sample = Stamps(str(filled(tmp_path)), background="blue").split("train")[0]
    assert sample.image[:, 0, 0].tolist() == [0, 0, 255]


def test_captions_come_in_the_asked_language(tmp_path):
    stamp(filled(tmp_path), "animals/frog", "A frog.", "pt_BR.utf8=Um sapo.", "ca@valencia.utf8=Una granota ")
    for language, text in (("de", "Das aa of animals."), ("en", "The aa of animals.")):
        assert found(Stamps(str(tmp_path), language))["animals/aa.png"][1] == (text,)
    assert found(Stamps(str(tmp_path), "pt_BR"))["animals/frog.png"][1] == ("Um sapo.",)
    assert found(Stamps(str(tmp_path), "ca@valencia"))["animals/frog.png"][1] == ("Una granota",)


def test_every_language_and_need_has_the_same_split(tmp_path):
    stamp(filled(tmp_path), "animals/frog", "A frog.")
    split = {name: values[0] for name, values in found(Stamps(str(tmp_path), needs=[])).items()}
    for source in (
        Stamps(str(tmp_path)),
        Stamps(str(tmp_path), "de"),
        Stamps(str(tmp_path), needs=["label"]),
    ):
        assert all(split[name] == values[0] for name, values in found(source).items())


def test_each_category_is_split_80_10_10(tmp_path):
    filled(filled(tmp_path), "food", 12)
    places = found(Stamps(str(tmp_path)))
    for category, sizes in (("animals", (24, 3, 3)), ("food", (8, 2, 2))):
        splits = [split for name, (split, *_) in places.items() if name.startswith(category)]
        assert tuple(splits.count(split) for split in ("train", "val", "test")) == sizes


def test_a_stamp_without_the_caption_is_left_out_and_counted(tmp_path):
    filled(tmp_path)
    stamp(tmp_path, "animals/plain")
    stamp(tmp_path, "animals/english", "Only English.", "de.utf8=  ")
    source = Stamps(str(tmp_path), "de")
    assert len(found(source)) == 30
    assert source.notes == ["2 stamps without a caption in de left out"]
    assert found(Stamps(str(tmp_path), "de", needs=["label"]))["animals/plain.png"][1:] == ((), 0)


def test_a_stamp_of_a_rare_category_is_left_out_and_counted(tmp_path):
    filled(filled(tmp_path), "space", 9)
    source = Stamps(str(tmp_path))
    assert source.classes == ("animals",) and len(found(source)) == 30
    assert source.notes == ["9 stamps without a label left out (categories of fewer than 10 stamps: space)"]
    everything = Stamps(str(tmp_path), needs=["captions"])
    assert everything.fields == {"image", "captions"} and found(everything)["space/aa.png"][2] is None
    assert Stamps(str(tmp_path), min_pictures=9).classes == ("animals", "space")


@pytest.mark.parametrize(
    "relatives",
    [
        {"animals/frog": ("A frog.",), "animals/frog-1": ("One frog.",), "animals/frog-green": ("Green.",)},
        {"animals/bus": ("A bus.",), "animals/bus_mirror": ()},
        {"animals/cep": ("A mushroom.",), "animals/cep2": ("Another.",)},
        {"animals/light_01_red": ("Red.",), "animals/light_03_green": ("Green.",)},
        {"animals/fly": ("A fly.",), "animals/insects/bluebottle": ("A  FLY.",)},
        {"animals/one": ("The letter a.",), "animals/two": ("the letter A.",), "animals/two_mirror": ()},
    ],
)
def test_relatives_share_a_split(tmp_path, relatives):
    filled(tmp_path)
    for number, (name, lines) in enumerate(relatives.items()):
        stamp(tmp_path, name, *lines, size=(90 + number, 3))
    for trial in range(8):  # others' hashes move the room that a family finds
        stamp(tmp_path, f"animals/x{letters(trial)}", f"Filler {trial}.", size=(100 + trial, 3))
        places = found(Stamps(str(tmp_path), needs=[]))
        assert len({places[f"{name}.png"][0] for name in relatives}) == 1


def test_equal_pictures_of_two_categories_share_a_split(tmp_path):
    filled(filled(tmp_path), "people")
    for category in ("animals", "people"):
        stamp(tmp_path, f"{category}/twin", f"In {category}.", size=(70, 70))
    places = found(Stamps(str(tmp_path)))
    assert places["animals/twin.png"][0] == places["people/twin.png"][0]


def test_names_that_begin_with_a_digit_are_no_relatives(tmp_path):
    for number in range(20):
        stamp(tmp_path, f"symbols/{number}", f"Number {number}.", size=(2 + number, 2))
    assert {split for split, *_ in found(Stamps(str(tmp_path))).values()} == {"train", "val", "test"}


def test_svg_stamps_are_passed_over_and_counted(tmp_path):
    filled(tmp_path)
    for name in ("aa", "drawn"):
        (tmp_path / f"animals/{name}.svg").write_text("<svg/>")
    source = Stamps(str(tmp_path))
    assert source.notes == ["2 SVG stamps passed over, 1 of them without a PNG beside"]


def test_a_line_of_other_bytes_is_a_fault_only_in_its_own_language(tmp_path):
    filled(tmp_path)
    (tmp_path / "animals/aa.txt").write_bytes(b"A aa.\nfr.utf8=Un aa.\nde.utf8=Gr\xfcn.\n")
    assert not Stamps(str(tmp_path)).faults
    source = Stamps(str(tmp_path), "de")
    assert source.faults == [f"{tmp_path}/animals/aa.txt:3: not UTF-8. Mend the line, or data.on_error=skip"]
    assert "animals/aa.png" not in found(source)


def test_odd_characters_and_marks_do_not_break_a_caption(tmp_path):
    filled(tmp_path)
    text = "\ufeff– It’s “one”…\r\nfr.utf8=«\u00a0Un\u00a0»\r\n"
    (tmp_path / "animals/aa.txt").write_bytes(text.encode())
    assert found(Stamps(str(tmp_path)))["animals/aa.png"][1] == ("– It’s “one”…",)
    assert found(Stamps(str(tmp_path), "fr"))["animals/aa.png"][1] == ("«\u00a0Un\u00a0»",)


def test_an_empty_first_line_is_no_caption_and_moves_no_other(tmp_path):
    filled(tmp_path)
    (tmp_path / "animals/aa.txt").write_text("\nde.utf8=Ein aa.\n")
    assert "animals/aa.png" not in found(Stamps(str(tmp_path)))
    assert found(Stamps(str(tmp_path), "de"))["animals/aa.png"][1] == ("Ein aa.",)


def test_broken_members_are_faults(tmp_path):
    filled(tmp_path)
    (tmp_path / "animals/aa.png").write_bytes(b"")
    (tmp_path / "animals/ab.txt").write_bytes(b"")
    source = Stamps(str(tmp_path))
    assert [line.split(". ")[0] for line in source.faults] == [
        f"{tmp_path}/animals/aa.png: zero bytes",
        f"{tmp_path}/animals/ab.txt: zero bytes",
    ]
    path = tmp_path / found(source).popitem()[0]
    path.write_bytes(path.read_bytes()[:40])
    split = Stamps(str(tmp_path)).split(found(source)[str(path.relative_to(tmp_path))][0])
    with pytest.raises(DataError, match=f"{path}: cut short after 40 bytes"):
        split[len(split) - 1]


def test_an_unknown_language_lists_those_there_are(tmp_path):
    with pytest.raises(DataError, match="language xx: no stamp has a caption in it. Known: de, en"):
        Stamps(str(filled(tmp_path)), "xx")


def test_a_missing_folder_tells_how_to_install(tmp_path):
    with pytest.raises(DataError, match="set: no such folder. .*apt-get install tuxpaint-stamps-default"):
        Stamps(str(tmp_path / "set"))
    with pytest.raises(DataError, match="no PNG stamp in it. .*apt-get install tuxpaint-stamps-default"):
        Stamps(str(tmp_path))


def test_wrong_values_are_named(tmp_path):
    with pytest.raises(ValueError, match="min_pictures 0: must be at least 1"):
        Stamps(str(tmp_path), min_pictures=0)
    with pytest.raises(ValueError, match=r"needs \['text'\]: must be some of captions, label"):
        Stamps(str(tmp_path), needs=["text"])


def test_the_fingerprint_is_of_the_data_not_of_the_place(tmp_path):
    one = Stamps(str(filled(tmp_path / "one"))).fingerprint()
    assert Stamps(str(filled(tmp_path / "other"))).fingerprint() == one
    assert Stamps(str(tmp_path / "one"), "de").fingerprint() != one


@pytest.mark.skipif(not INSTALLED.is_dir(), reason="apt-get install tuxpaint-stamps-default")
def test_the_installed_stamps_have_no_caption_in_two_splits():
    source = Stamps()
    texts = {split: {text.casefold() for text in source.split(split).texts()} for split in source.splits}
    assert not source.faults and len(source.classes) == 12
    assert min(len(source.split(split)) for split in source.splits) > 70
    assert not (
        texts["train"] & texts["test"] or texts["train"] & texts["val"] or texts["val"] & texts["test"]
    )
