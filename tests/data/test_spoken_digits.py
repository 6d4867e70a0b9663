import numpy as np
import pytest
import torch

from crossmedia.audio import corpus
from crossmedia.audio.voices import CASTS
from crossmedia.data.sources.spoken_digits import WORDS, SpokenDigits
from crossmedia.errors import DataError

SIZES = {"num_train": 30, "num_val": 10, "num_test": 20}


def test_a_sample_has_a_sound_a_word_its_label_and_a_voice_of_its_split():
    source = SpokenDigits(**SIZES)
    for name in source.splits:
        for index, sample in enumerate(source.split(name)):
            assert sample.id == f"{name}-{index}" and sample.sample_rate == 16_000
            assert sample.transcript == source.classes[sample.label] == WORDS[index % 10]
            assert sample.speaker in CASTS[name].voices
            assert sample.waveform.dtype == torch.float32 and 0.2 < len(sample.waveform) / 16_000 < 0.9
            assert 0.1 < sample.waveform.abs().max() <= 1 and sample.waveform.std() > 0.02
            has = {field for field, value in sample._asdict().items() if value not in (None, ())}
            assert has - {"id"} == source.fields


def test_splits_have_the_lengths_asked_for_and_every_digit_equally_often():
    source = SpokenDigits(num_train=997)
    assert [len(source.split(name)) for name in source.splits] == [997, 500, 1_000]
    counts = np.unique(source.split("train").texts(), return_counts=True)[1]
    assert len(counts) == 10 and counts.max() - counts.min() == 1


def test_no_word_is_said_twice_in_the_same_way():
    source = SpokenDigits(num_train=13_440, num_val=2_400, num_test=2_400)
    for name in source.splits:
        said = source.split(name).corpus.utterances
        assert len({*said}) == len(said)
    with pytest.raises(ValueError, match="^num_train 13441: must be at most 13440$"):
        SpokenDigits(num_train=13_441)


def test_a_longer_split_begins_with_the_shorter_one_and_a_seed_makes_another():
    short, long, other = (
        SpokenDigits(num_train=number, seed=seed).split("train").corpus.utterances
        for number, seed in ((100, 0), (1_000, 0), (100, 1))
    )
    assert long[:100] == short != other


def test_who_speaks_and_how_tells_nothing_of_the_digit():
    said = SpokenDigits(num_train=6_000).split("train").corpus.utterances
    for part in ("voice", "rate", "pitch"):
        heard: dict = {}
        for utterance in said[::2] + said[1::2]:
            heard.setdefault(getattr(utterance, part), []).append(utterance.text)
        for words in heard.values():
            assert max(map(words.count, WORDS)) < len(words) / 10 + 5 * (len(words) / 10) ** 0.5


def test_lengths_are_the_seconds_of_the_sounds(monkeypatch):
    split = SpokenDigits(**SIZES).split("test")
    seconds = [len(sample.waveform) / 16_000 for sample in split]
    monkeypatch.setattr(np, "fromfile", None)
    assert split.lengths() == seconds


def test_the_fingerprint_tells_other_data_apart(monkeypatch):
    changes = [{}, {"sample_rate": 8_000}, {"seed": 1}, {"num_train": 31}]
    sources = [SpokenDigits(**{**SIZES, **change}) for change in changes]
    assert len({source.fingerprint() for source in sources}) == len(changes)
    monkeypatch.setattr(corpus, "speak", lambda *_: pytest.fail("spoken"))
    assert SpokenDigits(**SIZES).fingerprint() == sources[0].fingerprint()


def spectra(split):
    """Each sound's loudness in 20 bands and 8 parts of its time, (N, 160)."""
    found = []
    for sample in split:
        frames = sample.waveform.unfold(0, 400, 160) * torch.hann_window(400)  # (T, 400)
        bands = torch.fft.rfft(frames).abs()[:, 1:].unflatten(1, (20, 10)).mean(-1)  # (T, 20)
        levels = torch.nn.functional.interpolate(torch.log(bands + 1e-3).T[None], 8)  # (1, 20, 8)
        found.append(levels.flatten() - levels.mean())
    return torch.stack(found)


def test_the_mean_spectra_of_training_tell_most_words_of_voices_never_heard():
    source = SpokenDigits(num_train=200, num_val=10, num_test=50)
    means = spectra(source.split("train")).unflatten(0, (-1, 10)).mean(0)  # (10, 160): labels take turns
    guess = torch.cdist(spectra(source.split("test")), means).argmin(1)
    assert (guess == torch.arange(50) % 10).float().mean() > 0.6


def test_a_bad_argument_and_an_unknown_split_are_named():
    with pytest.raises(ValueError, match="^num_val 0: must be at least 1$"):
        SpokenDigits(num_val=0)
    with pytest.raises(DataError, match="spoken_digits: no split 'dev'. Splits: train, val, test"):
        SpokenDigits(**SIZES).split("dev")
