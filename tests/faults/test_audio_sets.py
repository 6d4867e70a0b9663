"""Bad sound files of a set: all of them told at once, or left out and listed."""

import pytest
from audio_rows import ROWS
from sounds import save

from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.module import DataModule
from crossmedia.data.sources.audio_folder import AudioFolder
from crossmedia.data.views import LabelView
from crossmedia.errors import DataError


def module(source, **more):
    data = DataModule(
        source, LabelView(medium="waveform"), audio=AudioTransform(), **{"batch_size": 1, **more}
    )
    data.learn()
    return data


def test_stop_names_a_bad_file_and_skip_leaves_it_out(tmp_path):
    bad = [row for row in ROWS if row.said and row.name not in ("missing", "folder", "link")]
    for split in ("train", "val", "test"):
        for name in ("beep/a.wav", "beep/b.wav", "other/a.wav"):
            (tmp_path / split / name).parent.mkdir(parents=True, exist_ok=True)
            save(tmp_path / split / name)
    for number, row in enumerate(bad):
        row.make(tmp_path / "train" / "beep" / f"bad{number}.wav")
    source = AudioFolder(str(tmp_path))
    listed = len(source.faults)
    with pytest.raises(DataError) as raised:
        module(source)
    assert len(raised.value.lines) == listed > 0
    data = module(AudioFolder(str(tmp_path)), on_error="skip", batch_size=1)
    assert len(data.skipped) == len(bad) and len(data.split("train")) == 3
    assert all("bad" in line and "\n" not in line and len(line) <= 240 for line in data.skipped)
    assert data.split("train").lengths() == [1.0, 1.0, 1.0]
