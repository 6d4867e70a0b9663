import pytest
from clip_sets import clips, sizes, tone, write

from crossmedia.data.sources.audio_folder import AudioFolder
from crossmedia.errors import DataError


def fill(root, split, classes, number=2):
    for name in classes:
        for index in range(number):
            tone(root / split / name / f"{index}.wav")


def labels(source, split):
    return {clip.id: clip.label for clip in source.split(split).entries}


def test_folders_give_splits_classes_and_sounds(tmp_path):
    for split in ("train", "val", "test"):
        fill(tmp_path, split, ["bark", "meow"])
    tone(tmp_path / "train/bark/b.flac", rate=22050)
    source = AudioFolder(str(tmp_path))
    assert source.classes == ("bark", "meow") and sizes(source) == [5, 4, 4]
    assert not source.faults and not source.notes
    sample = source.split("train")[2]
    assert (sample.id, sample.label, sample.sample_rate) == ("train/bark/b.flac", 0, 22050)
    assert source.split("train").lengths() == pytest.approx([0.1] * 5) and not source.split("val").texts()


def test_every_format_keeps_its_own_rate(tmp_path):
    rates = {"a.wav": 32000, "b.wav": 16000, "c.flac": 22050, "d.mp3": 8000, "e.ogg": 48000}
    for name, rate in rates.items():
        tone(tmp_path / "train/hum" / name, seconds=1, rate=rate)
    for split in ("val", "test"):
        fill(tmp_path, split, ["hum"])
    split = AudioFolder(str(tmp_path)).split("train")
    for index in reversed(range(5)):
        sample = split[index]
        assert sample.sample_rate == rates[sample.id.rpartition("/")[2]]
        assert len(sample.waveform) == sample.sample_rate
    assert split.lengths() == pytest.approx([1.0] * 5)


def test_class_names_are_text(tmp_path):
    names = ["007", "1e5", "NA", "a&b<c>", "nan", "null", "true"]
    for split in ("train", "val", "test"):
        fill(tmp_path, split, names, number=1)
    assert AudioFolder(str(tmp_path)).classes == tuple(names)


def test_class_numbers_come_from_training_where_val_lacks_a_class(tmp_path):
    fill(tmp_path, "train", ["ant", "bee", "cat"])
    fill(tmp_path, "val", ["bee", "cat"])
    fill(tmp_path, "test", ["bee", "cat", "dog"])
    before = AudioFolder(str(tmp_path))
    (tmp_path / "val/ant").mkdir()
    for source in (before, AudioFolder(str(tmp_path))):
        assert set(labels(source, "val").items()) >= {("val/bee/0.wav", 1), ("val/cat/1.wav", 2)}
        (line,) = source.faults
        said = "class unknown to training (ant, bee, cat). Add it to train, or data.on_error=skip"
        assert line == f"{tmp_path}/test/dog: {said}"


def test_hidden_and_foreign_members_are_passed_over_and_said_once(tmp_path):
    for split in ("train", "val", "test"):
        fill(tmp_path, split, ["cat"])
    tone(tmp_path / "train/cat/3.WAV")
    for name in (".ipynb_checkpoints/1.wav", "__MACOSX/._1.wav", "cat/.DS_Store", "cat/cover.jpg"):
        write(tmp_path / "train" / name, "text")
    source = AudioFolder(str(tmp_path))
    assert source.classes == ("cat",) and "train/cat/3.WAV" in clips(source)
    (note,) = source.notes
    assert note.startswith("passed over 4 that are no data: train/.ipynb_checkpoints, train/__MACOSX")


def test_class_folders_alone_are_split_by_hash(tmp_path):
    fill(tmp_path, "", ["ant", "bee"], number=60)
    source = AudioFolder(str(tmp_path))
    assert sum(sizes(source)) == 120 and min(sizes(source)) > 2
    count = sizes(source)[1]
    assert source.notes[0] == f"no val folder: {count} clips of train, a tenth by hash of the path"


def test_unusable_files_are_faults_and_left_out(tmp_path):
    for split in ("train", "val", "test"):
        fill(tmp_path, split, ["ant"])
    ant = tmp_path / "train/ant"
    (ant / "2.wav").touch()
    write(ant / "3.wav", "<html>404 not found</html>" * 3)
    tone(ant / "4.wav", seconds=61, rate=1000)
    source = AudioFolder(str(tmp_path))
    assert [line.split(". ")[0] for line in source.faults[::2]] == [
        f"{ant}/2.wav: zero bytes",
        f"{ant}/4.wav: 61 s, at most 60 s are read",
    ]
    assert source.faults[1].startswith(f"{ant}/3.wav: not an audio file that can be read")
    assert sizes(source) == [2, 2, 2]


def test_a_folder_without_sounds_tells_the_layout(tmp_path):
    write(tmp_path / "train/cat/1.jpg", "text")
    with pytest.raises(DataError, match="no class folder with clips. Expected train/<class>/<clip>"):
        AudioFolder(str(tmp_path))


@pytest.mark.parametrize("number", range(3, 12))
def test_a_few_files_fill_every_split(tmp_path, number):
    for index in range(number):
        tone(tmp_path / "beep" / f"{index}.wav")
    assert min(sizes(AudioFolder(str(tmp_path)))) > 0
