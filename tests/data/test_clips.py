"""What every source of sound files does, shown on LJSpeech's layout and on Common Voice's."""

import os

import pytest
from clip_sets import clips, common_voice, ljspeech, sizes, tone, transcripts, write

from crossmedia.data.sources.clips import split_by_text
from crossmedia.data.sources.common_voice import CommonVoice
from crossmedia.data.sources.ljspeech import LJSpeech
from crossmedia.errors import DataError

TEN = [f"C-{number:02}|Text {number}.|Text {number}." for number in range(10)]


def only(source) -> str:
    (line,) = source.faults
    assert len(line) <= 240 and "\n" not in line
    return line


def samples(source):
    parts = [source.split(split) for split in source.splits]
    return {part[index].id: part[index] for part in parts for index in range(len(part))}


def test_a_sample_has_the_files_own_rate_and_all_that_the_list_says(tmp_path):
    ljspeech(tmp_path, "A-01|Go.|Go.", "A-02|Stay.|Stay.")
    tone(tmp_path / "wavs/A-02.wav", seconds=0.2, rate=22050, channels=2)
    found = samples(LJSpeech(str(tmp_path)))
    assert found["A-01"].waveform.shape == (800,) and found["A-01"].sample_rate == 8000
    assert found["A-02"].waveform.shape == (4410,) and found["A-02"].sample_rate == 22050
    assert found["A-02"].transcript == "Stay." and found["A-02"].label is None


def test_lengths_are_seconds_in_the_order_of_the_samples(tmp_path):
    ljspeech(tmp_path, *TEN)
    for number in range(10):
        tone(tmp_path / f"wavs/C-{number:02}.wav", seconds=(number + 1) / 100)
    source = LJSpeech(str(tmp_path))
    for split in map(source.split, source.splits):
        seconds = [len(split[index].waveform) / 8000 for index in range(len(split))]
        assert split.lengths() == pytest.approx(seconds)
        assert split.texts() == [split[index].transcript for index in range(len(split))]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.unlink(), "metadata.csv:4: no clip 'C-03.wav'. Nearest: 'C-0"),
        (lambda path: path.write_bytes(b""), "C-03.wav: zero bytes. "),
        (lambda path: path.write_bytes(b"<html>404</html>" * 9), "C-03.wav: not an audio file that can be"),
        (lambda path: (path.unlink(), path.mkdir()), "C-03.wav: a folder, not a clip"),
        (lambda path: tone(path, 61, 1000), "C-03.wav: 61 s, at most 60 s are read. Cut it"),
    ],
    ids=["missing", "empty", "text", "folder", "long"],
)
def test_a_clip_that_cannot_be_used_is_told_in_one_line_and_left_out(tmp_path, make, said):
    ljspeech(tmp_path, *TEN)
    make(tmp_path / "wavs/C-03.wav")
    source = LJSpeech(str(tmp_path))
    assert said in only(source) and only(source).endswith(", or data.on_error=skip")
    assert set(clips(source)) == {line[:4] for line in TEN} - {"C-03"}


@pytest.mark.parametrize("text", ["", "  ", "\u00ad", "a\0b", "a" * 20_000])
def test_a_text_that_is_none_is_told_with_its_line(tmp_path, text):
    ljspeech(tmp_path, *TEN)
    write(tmp_path / "metadata.csv", *TEN[:4], f"C-04|{text}|{text}", *TEN[5:])
    source = LJSpeech(str(tmp_path))
    assert only(source).startswith(f"{tmp_path}/metadata.csv:5: 'C-04.wav': ")
    assert "transcript" in only(source) and len(clips(source)) == 9


@pytest.mark.parametrize("name", ["../secret", "/etc/secret", "a/../../secret"])
def test_a_path_out_of_the_folder_is_refused(tmp_path, name):
    tone(tmp_path / "secret.wav")
    ljspeech(tmp_path / "set", *TEN)
    write(tmp_path / "set/metadata.csv", *TEN, f"{name}|Text.|Text.")
    source = LJSpeech(str(tmp_path / "set"))
    assert f"metadata.csv:11: '{name}.wav': leads out of the folder" in only(source)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    secret = tone(tmp_path / "secret.wav")
    ljspeech(tmp_path / "set", *TEN)
    (tmp_path / "set/wavs/C-05.wav").unlink()
    (tmp_path / "set/wavs/C-05.wav").symlink_to(secret)
    assert "'C-05.wav' is a link out of the folder" in only(LJSpeech(str(tmp_path / "set")))


def test_an_id_that_stands_twice_is_told_and_the_first_stays(tmp_path):
    ljspeech(tmp_path, "A-01|One.|One.", "A-01|Two.|Two.")
    source = LJSpeech(str(tmp_path))
    assert only(source).startswith(f"{tmp_path}/metadata.csv:2: 'A-01.wav': named twice, remove one")
    assert transcripts(source) == {"A-01": "One."}


def test_a_clip_of_two_lists_stays_in_the_first(tmp_path):
    common_voice(tmp_path, train=[("a", "One."), ("a", "Two.")], dev=[("b", "x")], test=[("c", "y")])
    write(
        tmp_path / "test.tsv",
        "client_id\tpath\tsentence",
        "a\ttrain-0.wav\tOne.",
        "c\ttest-0.wav\ty",
    )
    source = CommonVoice(str(tmp_path))
    assert "test.tsv:2: 'train-0.wav': in train too, remove it from one. Mend it" in only(source)
    assert sizes(source) == [2, 1, 1]


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["link", "hard link"])
def test_a_clip_of_two_splits_under_two_names_stays_in_one(tmp_path, link):
    common_voice(tmp_path, train=[("a", "One.")], dev=[("b", "x")], test=[("c", "y")])
    (tmp_path / "clips/test-0.wav").unlink()
    link(tmp_path / "clips/train-0.wav", tmp_path / "clips/test-0.wav")
    source = CommonVoice(str(tmp_path))
    assert "'test-0.wav': test has the same file as train ('train-0.wav'). Remove it" in only(source)


def test_where_no_clip_is_there_one_line_says_so(tmp_path):
    write(tmp_path / "metadata.csv", *TEN)
    with pytest.raises(DataError) as caught:
        LJSpeech(str(tmp_path))
    (line,) = caught.value.lines
    assert "metadata.csv:1: no clip 'C-00.wav', nor any other of the 10. Expected metadata.csv" in line


def test_a_clip_without_a_line_is_passed_over_and_said(tmp_path):
    tone(ljspeech(tmp_path, *TEN) / "wavs/D-01.wav")
    source = LJSpeech(str(tmp_path))
    assert not source.faults and "1 clips without text passed over: D-01.wav" in source.notes


def test_another_spelling_of_a_path_names_the_same_clip(tmp_path):
    ljspeech(tmp_path, "./A-01|Go.|Go.", "A-02|Stay.|Stay.")
    assert "passed over" not in " ".join(LJSpeech(str(tmp_path)).notes)


def test_a_clip_that_changed_since_it_was_listed_is_told_as_it_is_read(tmp_path):
    ljspeech(tmp_path, "A-01|Go.|Go.")
    source = LJSpeech(str(tmp_path))
    split = source.split(clips(source)["A-01"][0])
    tone(tmp_path / "wavs/A-01.wav", seconds=0.2)
    with pytest.raises(DataError, match=r"A-01.wav: 0.200 s, the list says 0.100 s"):
        split[0]


def test_the_fingerprint_is_of_the_data_not_of_the_place(tmp_path):
    one = LJSpeech(str(ljspeech(tmp_path / "one", *TEN))).fingerprint()
    assert LJSpeech(str(ljspeech(tmp_path / "two", *reversed(TEN)))).fingerprint() == one
    write(tmp_path / "two/metadata.csv", *TEN[:9], "C-09|Text nine.|Text nine.")
    assert LJSpeech(str(tmp_path / "two")).fingerprint() != one


def test_samples_come_in_order_of_their_ids_whatever_the_order_of_the_list(tmp_path):
    one, two = LJSpeech(str(ljspeech(tmp_path, *TEN))), LJSpeech(str(ljspeech(tmp_path, *reversed(TEN))))
    assert list(clips(one)) == list(clips(two)) and one.split("train").texts() == two.split("train").texts()


def test_the_same_words_are_never_in_two_splits():
    texts = {str(number): ("Thank you." if number % 3 else f"Number {number}") for number in range(300)}
    places = split_by_text(texts)
    assert len({places[name] for name, text in texts.items() if text == "Thank you."}) == 1
    spellings = {str(number): "Don’t stop!" if number % 2 else "don't stop" for number in range(9)}
    assert len(set(split_by_text(spellings).values())) == 1


def test_a_text_of_no_words_has_a_split_of_its_own():
    places = split_by_text({str(number): "-" * (number + 1) for number in range(100)})
    assert set(places.values()) == {"train", "val", "test"}


def test_a_split_that_is_not_there_lists_those_that_are(tmp_path):
    with pytest.raises(DataError, match="no split 'dev'. Splits: train, val, test"):
        LJSpeech(str(ljspeech(tmp_path, *TEN))).split("dev")


def test_a_missing_folder_tells_what_is_expected(tmp_path):
    with pytest.raises(DataError, match="set: no such folder. Expected metadata.csv with lines"):
        LJSpeech(str(tmp_path / "set"))
    with pytest.raises(DataError, match="metadata.csv: no such file. Expected metadata.csv with lines"):
        LJSpeech(str(tmp_path))
