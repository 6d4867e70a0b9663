import pytest
from clip_sets import prompts, tone

from crossmedia.audio.voices import CASTS
from crossmedia.data.sources.audio_folder import AudioFolder
from crossmedia.data.sources.prompts import Prompts
from crossmedia.data.sources.spoken_texts import SpokenTexts

LINES = [f"a{number}: Prompt {word}." for number, word in enumerate(["one", "two", "three", "four"] * 10)]


@pytest.fixture
def source(tmp_path):
    folder, texts = prompts(tmp_path, *LINES, "beep: !")
    return Prompts(folder, texts)


def test_each_training_text_is_spoken_by_training_s_voices_and_val_and_test_stay_real(source):
    spoken = SpokenTexts(source, voices=3, sample_rate=8_000)
    train = spoken.split("train")
    texts = [text for text in source.split("train").texts() if text != "!"]
    assert texts and sorted(train.texts()) == sorted(texts * 3)
    assert len(train) == len(train.lengths()) == 3 * len(texts)
    for index in range(0, len(train), 17):
        sample = train[index]
        assert sample.id == f"train-{index}" and sample.transcript == train.texts()[index]
        assert sample.sample_rate == 8_000 and sample.speaker in CASTS["train"].voices
        assert len(sample.waveform) / 8_000 == pytest.approx(train.lengths()[index])
    assert len({train[index].speaker for index in range(0, len(train), 5)}) > 1
    for name in ("val", "test"):
        assert spoken.split(name) is source.split(name)


def test_the_fingerprint_tells_other_voices_and_other_sources_apart(source, tmp_path):
    folder, texts = prompts(tmp_path / "other", *LINES[:-1])
    made = [
        SpokenTexts(source, 2),
        SpokenTexts(source, 2, seed=1),
        SpokenTexts(source, 1),
        SpokenTexts(Prompts(folder, texts), 2),
    ]
    assert len({spoken.fingerprint() for spoken in made}) == len(made)
    assert SpokenTexts(source, 2).fingerprint() == made[0].fingerprint()


def test_a_source_without_transcripts_is_refused(tmp_path):
    for name in ("train", "val", "test"):
        tone(tmp_path / name / "dog" / "a.wav")
    with pytest.raises(ValueError, match="source AudioFolder: must be one with transcripts"):
        SpokenTexts(AudioFolder(str(tmp_path)))
