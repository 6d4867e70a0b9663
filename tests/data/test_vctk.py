import pytest
from clip_sets import clips, shared, sizes, tone, vctk, write

from crossmedia.data.sources.vctk import VCTK
from crossmedia.errors import DataError


def test_clips_have_transcript_and_speaker(tmp_path):
    vctk(tmp_path, {"p225_001": "Please call Stella.", "p226_002": "Ask her to bring these things."})
    source = VCTK(str(tmp_path))
    assert not source.faults and source.notes[-1] == "2 speakers" and sum(sizes(source)) == 2
    split, clip = clips(source)["p226_002"]
    sample = source.split(split)[source.split(split).entries.index(clip)]
    assert (sample.transcript, sample.speaker) == ("Ask her to bring these things.", "p226")
    assert sample.waveform.shape == (800,)


def test_speakers_without_transcripts_or_without_the_first_microphone_are_told_and_left_out(tmp_path):
    vctk(tmp_path, {"p901_001": "Please call Stella."})
    tone(tmp_path / "wav48_silence_trimmed/p902/p902_001_mic1.flac")
    tone(tmp_path / "wav48_silence_trimmed/p901/._p901_001_mic1.flac")
    vctk(tmp_path, {"p903_001": "Please call Stella."}, mic=2)
    source = VCTK(str(tmp_path))
    cure = "Remove them, or data.on_error=skip"
    assert source.faults == [
        f"{tmp_path}/wav48_silence_trimmed/p902: 1 clip without transcript (p902_001). {cure}",
        f"{tmp_path}/txt/p903: 1 transcript without mic1 clip (p903_001). {cure}",
    ]
    assert list(clips(source)) == ["p901_001"] and source.notes[-1] == "1 speakers"


def test_a_text_that_many_read_is_in_one_split_and_every_split_has_some(tmp_path):
    texts = {f"p{speaker}_{number:03}": f"Sentence {number}." for speaker in range(3) for number in range(40)}
    source = VCTK(str(vctk(tmp_path, texts)))
    assert min(sizes(source)) > 0 and not shared(source)


def test_an_empty_transcript_is_told(tmp_path):
    vctk(tmp_path, {"p225_001": "Please call Stella.", "p225_002": " "})
    source = VCTK(str(tmp_path))
    (line,) = source.faults
    assert line.startswith(f"{tmp_path}/txt/p225/p225_002.txt: 'p225/p225_002_mic1.flac': empty transcript")
    write(tmp_path / "txt/p225/p225_002.txt").write_bytes(b"")
    (line,) = VCTK(str(tmp_path)).faults
    assert line.startswith(f"{tmp_path}/txt/p225/p225_002.txt: zero bytes")


def test_a_missing_folder_tells_the_layout(tmp_path):
    with pytest.raises(DataError, match="wav48_silence_trimmed: no such folder. Expected txt/<speaker>"):
        VCTK(str(tmp_path))
