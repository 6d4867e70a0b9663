import pytest
from clip_sets import clips, librispeech, sizes, tone, write

from crossmedia.data.sources.librispeech import LibriSpeech
from crossmedia.errors import DataError


def filled(root):
    for speaker, folder in enumerate(["train-clean-100", "train-other-500", "dev-clean", "test-clean"]):
        librispeech(root, folder, speaker)
    return root


def test_folders_are_splits_and_transcripts_stay_as_written(tmp_path):
    source = LibriSpeech(str(filled(tmp_path)))
    assert source.splits == ("train", "val", "test") and sizes(source) == [4, 2, 2]
    assert not source.faults and not source.notes
    sample = source.split("test")[1]
    assert (sample.id, sample.transcript, sample.speaker) == ("3-7-0001", "GO ON", "3")


def test_the_other_sets_are_splits_of_their_own(tmp_path):
    librispeech(filled(tmp_path), "test-other", 9)
    source = LibriSpeech(str(tmp_path))
    assert source.splits == ("train", "val", "test", "test_other") and len(source.split("test_other")) == 2


def test_the_small_set_for_tests_of_code_has_the_layout_too(tmp_path):
    librispeech(tmp_path, "train-clean-5", 1)
    librispeech(tmp_path, "dev-clean-2", 2)
    source = LibriSpeech(str(tmp_path))
    assert source.notes == ["no test-clean folder for test: a tenth of the speakers of training, by hash"]
    assert len(source.split("val")) == 2


def test_without_dev_and_test_a_tenth_of_the_speakers_is_theirs(tmp_path):
    for speaker in range(40):
        librispeech(tmp_path, "train-clean-100", speaker)
    source = LibriSpeech(str(tmp_path))
    places = {}
    for split, clip in clips(source).values():
        assert places.setdefault(clip.speaker, split) == split
    assert set(places.values()) == {"train", "val", "test"} and len(source.notes) == 2


def test_a_missing_clip_and_a_clip_without_words_are_told(tmp_path):
    chapter = librispeech(filled(tmp_path), "train-clean-100", 5)
    (chapter / "5-7-0001.flac").unlink()
    tone(chapter / "5-7-0002.flac")
    source = LibriSpeech(str(tmp_path))
    (line,) = source.faults
    path = "train-clean-100/5/7/5-7-0001.flac"
    assert line.startswith(f"{chapter}/5-7.trans.txt:2: no clip {path!r}. Nearest: '5-7-000")
    assert source.notes == ["1 clips without transcript passed over: 5-7-0002.flac"]


def test_a_chapter_without_transcripts_is_told(tmp_path):
    tone(filled(tmp_path) / "train-clean-100/8/9/8-9-0000.flac")
    (line,) = LibriSpeech(str(tmp_path)).faults
    assert line.startswith(f"{tmp_path}/train-clean-100/8/9/8-9.trans.txt: cannot be read (No such file")


def test_a_line_without_words_is_told(tmp_path):
    chapter = librispeech(filled(tmp_path), "train-clean-100", 5)
    write(chapter / "5-7.trans.txt", "5-7-0000", "5-7-0001 GO")
    (line,) = LibriSpeech(str(tmp_path)).faults
    said = "'5-7-0000': an id, a blank and the words expected. Mend the line, or data.on_error=skip"
    assert line.endswith(f"5-7.trans.txt:1: {said}")


def test_a_folder_without_training_tells_the_layout(tmp_path):
    librispeech(tmp_path, "dev-clean", 1)
    with pytest.raises(DataError, match="no train-\\* folder. Expected train-clean-100/<speaker>"):
        LibriSpeech(str(tmp_path))
