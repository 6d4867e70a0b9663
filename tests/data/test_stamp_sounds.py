import os
from pathlib import Path

import pytest
from clip_sets import captions, clips, shared, sizes, spoken, tone, transcripts, write
from made import letters

from crossmedia.data.sources.stamp_sounds import LANGUAGES, StampSounds, StampSpeech
from crossmedia.errors import DataError

INSTALLED = Path("/usr/share/tuxpaint/stamps")


def filled(root: Path, number: int = 20) -> Path:
    for place in range(number):
        name = letters(place)
        spoken(root, f"animals/{name}", f"A {name}.", fr=f"Un {name}.", es=f"El {name}.")
    return root


def heard(root: Path, category: str, number: int, hertz: int = 300) -> Path:
    """Stamps with a sound each."""
    for place in range(number):
        name = f"{category}/{letters(place)}"
        write(root / f"{name}.txt", f"The {name}.", f"de.utf8=Das {name}.")
        tone(root / f"{name}.ogg", hertz=hertz + 10 * place)
    return root


def test_a_recording_has_language_and_the_caption_in_it(tmp_path):
    source = StampSpeech(str(filled(tmp_path)), ["fr", "es"])
    assert source.classes == ("fr", "es") and sum(sizes(source)) == 40
    assert not source.faults and not source.notes
    found = {name: (clip.label, clip.transcript) for name, (_, clip) in clips(source).items()}
    assert found["animals/ab_desc_fr.ogg"] == (0, "Un ab.")
    assert found["animals/ab_desc_es.ogg"] == (1, "El ab.")
    sample = source.split("test")[0]
    assert sample.sample_rate == 8000 and len(sample.waveform) == 800 and sample.captions == ()


def test_each_category_is_split_80_10_10_and_a_stamp_stays_whole(tmp_path):
    source = StampSpeech(str(filled(tmp_path)), ["fr", "es"])
    assert sizes(source) == [32, 4, 4]
    places = {name.split("_")[0]: set() for name in clips(source)}
    for name, (split, _) in clips(source).items():
        places[name.split("_")[0]].add(split)
    assert all(len(found) == 1 for found in places.values())


def test_fewer_languages_move_no_recording(tmp_path):
    both = clips(StampSpeech(str(filled(tmp_path)), ["fr", "es"]))
    alone = clips(StampSpeech(str(tmp_path), ["es"]))
    assert all(both[name][0] == split for name, (split, _) in alone.items()) and len(alone) == 20


def test_a_suffix_that_stands_twice_is_read(tmp_path):
    path = filled(tmp_path) / "animals/ab_desc_fr.ogg"
    path.rename(tmp_path / "animals/ab_desc_fr.ogg.ogg")
    source = StampSpeech(str(tmp_path), ["fr"])
    assert transcripts(source)["animals/ab_desc_fr.ogg.ogg"] == "Un ab."


def test_the_english_recording_has_no_code_in_its_name(tmp_path):
    tone(filled(tmp_path) / "animals/ab_desc.ogg")
    assert transcripts(StampSpeech(str(tmp_path), ["en"])) == {"animals/ab_desc.ogg": "A ab."}


def test_the_sound_of_a_thing_is_no_speech(tmp_path):
    tone(filled(tmp_path) / "animals/ab.ogg")
    assert "animals/ab.ogg" not in clips(StampSpeech(str(tmp_path), ["fr"]))


def test_no_text_and_no_recording_is_in_two_splits(tmp_path):
    for place in range(40):
        name = letters(place)
        spoken(tmp_path, f"animals/{name}", f"A {name}.", fr=f"Une {name[0]}.", es=f"El {name}!")
    source = StampSpeech(str(tmp_path), ["fr", "es"])
    assert not shared(source)
    for place in range(40):  # one recording for all
        path = tmp_path / f"animals/{letters(place)}_desc_es.ogg"
        path.write_bytes((tmp_path / "animals/aa_desc_es.ogg").read_bytes())
    assert sizes(StampSpeech(str(tmp_path), ["es"])) == [40, 0, 0]


def test_a_recording_without_its_caption_is_left_out_and_counted(tmp_path):
    filled(tmp_path)
    write(tmp_path / "animals/ab.txt", "A ab.", "es.utf8=")
    (tmp_path / "animals/ac.txt").unlink()
    source = StampSpeech(str(tmp_path), ["fr", "es"])
    assert sum(sizes(source)) == 36 and not source.faults
    said = "recordings without a caption in their language left out: 2 es, 2 fr"
    assert source.notes == [said]


def test_broken_texts_and_recordings_are_faults(tmp_path):
    filled(tmp_path)
    (tmp_path / "animals/aa.txt").write_bytes(b"")
    (tmp_path / "animals/ab.txt").write_bytes(b"A ab.\nfr.utf8=Gr\xfcn.\nes.utf8=El ab.\n")
    (tmp_path / "animals/ac_desc_fr.ogg").write_bytes(b"")
    source = StampSpeech(str(tmp_path), ["fr", "es"])
    assert [line.split(". ")[0] for line in source.faults] == [
        f"{tmp_path}/animals/aa.txt: zero bytes",
        f"{tmp_path}/animals/ab.txt:2: not UTF-8",
        f"{tmp_path}/animals/ac_desc_fr.ogg: zero bytes",
    ]
    assert sum(sizes(source)) == 36


def test_an_unknown_language_lists_those_there_are(tmp_path):
    with pytest.raises(DataError, match="language xx: no recording in it. Known: es, fr"):
        StampSpeech(str(filled(tmp_path)), ["fr", "xx"])
    for languages in ([], ["fr", "fr"]):
        with pytest.raises(ValueError, match=r"languages \[.*\]: must be one or more, each once"):
            StampSpeech(str(tmp_path), languages)


def test_a_missing_folder_tells_how_to_install(tmp_path):
    for source in (StampSpeech, StampSounds):
        with pytest.raises(DataError, match="no such folder. .*apt-get install tuxpaint-stamps-default"):
            source(str(tmp_path / "set"))
        with pytest.raises(DataError, match="no clips. .*apt-get install tuxpaint-stamps-default"):
            source(str(tmp_path))


def test_a_sound_has_caption_and_category(tmp_path):
    source = StampSounds(str(heard(heard(tmp_path, "animals", 20), "vehicles", 12, hertz=900)))
    assert source.classes == ("animals", "vehicles") and sizes(source) == [24, 4, 4]
    assert source.fields == {"waveform", "sample_rate", "captions", "label"} and not source.notes
    assert captions(source)["vehicles/ab.ogg"] == ("The vehicles/ab.",)
    assert clips(source)["vehicles/ab.ogg"][1].label == 1
    german = StampSounds(str(tmp_path), "de")
    assert captions(german)["animals/aa.ogg"] == ("Das animals/aa.",)
    assert all(clips(german)[name][0] == place for name, (place, _) in clips(source).items())


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_caption_of_a_sound_is_in_two_splits_whatever_the_language(tmp_path, language):
    for place in range(40):
        name = letters(place)
        write(tmp_path / f"animals/{name}.txt", f"The {name}.", f"de.utf8=Das {name[0]}.")
        tone(tmp_path / f"animals/{name}.ogg", hertz=300 + 10 * place)
    source = StampSounds(str(tmp_path), language)
    assert not shared(source) and sizes(source) == [40, 0, 0]  # two German captions, of 26 and 14 sounds


def test_a_pipe_among_the_sounds_is_told_without_waiting_for_it(tmp_path):
    (heard(tmp_path, "animals", 12) / "animals/aa.ogg").unlink()
    os.mkfifo(tmp_path / "animals/aa.ogg")
    source = StampSounds(str(tmp_path))
    (line,) = source.faults
    assert line.startswith(f"{tmp_path}/animals/aa.ogg: not a regular file") and sum(sizes(source)) == 11


def test_a_language_or_a_size_that_no_sound_meets_is_told_with_what_there_is(tmp_path):
    heard(heard(tmp_path, "animals", 12), "space", 3, hertz=900)
    with pytest.raises(DataError, match="^language xx: no sound has a caption in it. Known: de, en$"):
        StampSounds(str(tmp_path), "xx")
    with pytest.raises(DataError, match="^min_clips 13: the largest category has 12 sounds. Use 12 or less$"):
        StampSounds(str(tmp_path), min_clips=13)
    assert sum(sizes(StampSounds(str(tmp_path), "xx", needs=["label"]))) == 12
    assert sum(sizes(StampSounds(str(tmp_path), min_clips=13, needs=["captions"]))) == 15


def test_speech_and_names_in_other_languages_are_no_sounds_of_things(tmp_path):
    heard(tmp_path, "symbols", 10)
    spoken(tmp_path, "symbols/aa", "The symbols/aa.", fr="Le a.")
    tone(tmp_path / "symbols/aa_de.ogg")
    source = StampSounds(str(tmp_path))
    assert sum(sizes(source)) == 10 and source.notes == ["1 sounds that are no stamp's passed over"]


def test_a_sound_without_what_is_needed_is_left_out_and_counted(tmp_path):
    heard(heard(tmp_path, "animals", 12), "space", 3, hertz=900)
    tone(tmp_path / "animals/zz.ogg", hertz=2000)
    write(tmp_path / "animals/zz.txt", "")
    source = StampSounds(str(tmp_path))
    assert source.notes == [
        "1 sounds without a caption in en left out",
        "3 sounds without a label left out (categories of fewer than 10 sounds: space)",
    ]
    assert sum(sizes(source)) == 12
    assert sum(sizes(StampSounds(str(tmp_path), needs=["label"]))) == 13
    assert sum(sizes(StampSounds(str(tmp_path), needs=["captions"]))) == 15
    assert StampSounds(str(tmp_path), min_clips=3).classes == ("animals", "space")


def test_wrong_values_are_named(tmp_path):
    with pytest.raises(ValueError, match="min_clips 0: must be at least 1"):
        StampSounds(str(tmp_path), min_clips=0)
    with pytest.raises(ValueError, match=r"needs \['text'\]: must be some of captions, label"):
        StampSounds(str(tmp_path), needs=["text"])


@pytest.mark.slow
@pytest.mark.skipif(not INSTALLED.is_dir(), reason="apt-get install tuxpaint-stamps-default")
def test_the_installed_recordings_of_eight_languages_have_no_text_in_two_splits():
    source = StampSpeech()
    assert source.classes == LANGUAGES and sum(sizes(source)) > 6800
    assert not source.faults and not shared(source) and min(sizes(source)) > 700


@pytest.mark.skipif(not INSTALLED.is_dir(), reason="apt-get install tuxpaint-stamps-default")
def test_the_installed_sounds_have_no_caption_in_two_splits():
    source = StampSounds(needs=["captions"])
    assert sum(sizes(source)) == 135 and not source.faults and not shared(source)
    assert source.classes == ("animals", "household", "seasonal", "symbols")
    for split in map(source.split, source.splits):
        assert len(split[0].waveform) / split[0].sample_rate == pytest.approx(split.lengths()[0])
