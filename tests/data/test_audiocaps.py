import pytest
from clip_sets import audiocaps, captions, clips, sizes, tone

from crossmedia.data.sources.audiocaps import AudioCaps
from crossmedia.errors import DataError


def test_lines_of_one_clip_are_its_captions(tmp_path):
    rows = ["2,test,30,A dog is barking", '3,test,30,"A dog, far away, barks"']
    source = AudioCaps(str(audiocaps(tmp_path, test=rows)))
    assert sizes(source) == [1, 1, 1] and not source.faults
    expected = ("A dog barks", "A dog is barking", "A dog, far away, barks")
    assert captions(source)["test_30"] == expected
    assert source.split("test")[0].captions == expected


def test_both_forms_of_names_are_found_and_said(tmp_path):
    for name in ("audio/-aB_cdEfgH0.wav", "train/zz_0.wav", "yy.wav"):
        tone(tmp_path / name)
    rows = ["7,-aB_cdEfgH0,20,Rain", "8,zz,0,Wind", "9,yy,5,Snow"]
    source = AudioCaps(str(audiocaps(tmp_path, train=rows)))
    assert not source.faults and set(clips(source)) >= {"-aB_cdEfgH0_20", "zz_0", "yy_5"}
    assert source.notes == [
        "4 clips named <youtube_id>_<start_time>.wav",
        "2 clips named <youtube_id>.wav",
    ]


def test_a_whole_video_does_not_serve_two_of_its_parts(tmp_path):
    tone(tmp_path / "audio/vid.wav")
    tone(tmp_path / "audio/vid_60.wav")
    source = AudioCaps(str(audiocaps(tmp_path, train=["7,vid,30,Rain", "8,vid,60,Wind"])))
    (line,) = source.faults
    assert "train.csv:3: no clip 'vid_30.wav'" in line
    assert captions(source)["vid_60"] == ("Wind",) and "vid_30" not in captions(source)


def test_a_clip_that_vanished_is_told_with_its_line_and_left_out(tmp_path):
    source = AudioCaps(str(audiocaps(tmp_path, train=["7,goneVideo00,30,Rain"])))
    (line,) = source.faults
    assert line == (f"{tmp_path}/train.csv:3: no clip 'goneVideo00_30.wav'. Mend it, or data.on_error=skip")
    assert sizes(source) == [1, 1, 1]


def test_a_clip_of_two_splits_stays_in_one(tmp_path):
    source = AudioCaps(str(audiocaps(tmp_path, test=["7,train,30,A dog barks again"])))
    (line,) = source.faults
    assert "test.csv:3: 'train_30.wav': in train too, remove it from one" in line
    assert sizes(source) == [1, 1, 1]


def test_an_empty_caption_is_told(tmp_path):
    source = AudioCaps(str(audiocaps(tmp_path, train=["7,train,30,"])))
    (line,) = source.faults
    assert "'train_30.wav': empty caption" in line and captions(source)["train_30"] == ("A dog barks",)


def test_a_missing_list_tells_the_layout(tmp_path):
    (audiocaps(tmp_path) / "val.csv").unlink()
    with pytest.raises(DataError, match="val.csv: no such file. Expected train.csv, val.csv and test.csv"):
        AudioCaps(str(tmp_path))
