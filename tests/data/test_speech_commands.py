import pytest
from clip_sets import clips, sizes, speech_commands, tone, write

from crossmedia.data.sources.speech_commands import SpeechCommands
from crossmedia.errors import DataError


def test_the_lists_make_val_and_test_and_the_rest_is_training(tmp_path):
    source = SpeechCommands(str(speech_commands(tmp_path)))
    assert source.classes == ("no", "yes") and sizes(source) == [4, 2, 2] and not source.faults
    sample = source.split("test")[1]
    assert (sample.id, sample.label, sample.speaker) == ("yes/00000003_nohash_0.wav", 1, "00000003")


def test_background_noise_is_no_word_and_said(tmp_path):
    tone(speech_commands(tmp_path) / "_background_noise_/pink_noise.wav")
    for name in ("README.md", "LICENSE", ".DS_Store", "no/._1_nohash_0.wav", ".cache/1_nohash_0.wav"):
        write(tmp_path / name, "text")
    source = SpeechCommands(str(tmp_path))
    assert source.classes == ("no", "yes") and sum(sizes(source)) == 8
    assert source.notes == ["folders that are no words left out: _background_noise_"]


def test_words_are_text(tmp_path):
    words = ("007", "NA", "nan", "null")
    assert SpeechCommands(str(speech_commands(tmp_path, words))).classes == words


def test_a_listed_clip_that_is_not_there_is_told(tmp_path):
    speech_commands(tmp_path)
    (tmp_path / "no/00000002_nohash_0.wav").unlink()
    (line,) = SpeechCommands(str(tmp_path)).faults
    said = "validation_list.txt:2: 'no/00000002_nohash_0.wav': no such clip. Mend it, or data.on_error=skip"
    assert line == f"{tmp_path}/{said}"


def test_a_clip_in_both_lists_is_told_and_stays_in_val(tmp_path):
    speech_commands(tmp_path)
    write(tmp_path / "testing_list.txt", "yes/00000003_nohash_0.wav", "no/00000002_nohash_0.wav")
    source = SpeechCommands(str(tmp_path))
    (line,) = source.faults
    assert "testing_list.txt:2: 'no/00000002_nohash_0.wav': in validation_list.txt too" in line
    assert clips(source)["no/00000002_nohash_0.wav"][0] == "val"


def test_a_word_that_training_lacks_is_told(tmp_path):
    tone(speech_commands(tmp_path) / "up/00000003_nohash_0.wav")
    write(tmp_path / "testing_list.txt", "up/00000003_nohash_0.wav")
    source = SpeechCommands(str(tmp_path))
    assert source.faults == [
        f"{tmp_path}/up: word unknown to training (no, yes). Remove it, or data.on_error=skip"
    ]
    assert source.classes == ("no", "yes") and sizes(source) == [6, 2, 0]


def test_a_broken_clip_is_told(tmp_path):
    path = speech_commands(tmp_path) / "no/00000001_nohash_0.wav"
    path.write_bytes(b"")
    source = SpeechCommands(str(tmp_path))
    assert source.faults == [f"{path}: zero bytes. Remove it, or data.on_error=skip"]
    assert sizes(source) == [3, 2, 2]


def test_missing_lists_and_missing_words_tell_the_layout(tmp_path):
    tone(tmp_path / "yes/00000000_nohash_0.wav")
    with pytest.raises(DataError, match="validation_list.txt: no such file. Expected <word>/<speaker>"):
        SpeechCommands(str(tmp_path))
    for name in ("validation_list.txt", "testing_list.txt"):
        write(tmp_path / name, "yes/00000000_nohash_0.wav")
    with pytest.raises(DataError, match="no word with clips to train on. Expected <word>"):
        SpeechCommands(str(tmp_path))
