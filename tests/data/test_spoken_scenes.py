import numpy as np
import pytest
import torch

from crossmedia.audio import corpus
from crossmedia.audio.voices import CASTS
from crossmedia.data.sources.scenes import Scenes
from crossmedia.data.sources.spoken_scenes import SpokenScenes
from crossmedia.errors import DataError
from crossmedia.text.grammar import scene_of

SIZES = {"num_train": 12, "num_val": 4, "num_test": 4}


def silent(*_):
    pytest.fail("spoken")


def utterances(number, name="train", **changes):
    return SpokenScenes(num_train=number, **changes).split(name).corpus.utterances


def test_a_sample_has_the_sound_of_one_of_its_captions():
    source = SpokenScenes(**SIZES)
    for name in source.splits:
        for index, sample in enumerate(source.split(name)):
            assert sample.id == f"{name}-{index}" and sample.image is None and sample.sample_rate == 16_000
            assert sample.transcript in sample.captions and sample.speaker in CASTS[name].voices
            assert sample.waveform.dtype == torch.float32 and sample.waveform.ndim == 1
            assert 0.1 < sample.waveform.abs().max() <= 1 and sample.waveform.std() > 0.02


def test_captions_and_objects_are_those_of_the_scenes():
    split, scenes = (source(num_train=12).split("train") for source in (SpokenScenes, Scenes))
    for index in (5, 0, -1):
        sample, scene = split[index], scenes[index]
        assert (sample.captions, sample.id) == (scene.captions, scene.id)
        assert torch.equal(sample.objects, scene.objects)
    assert split.texts() == scenes.texts()


def test_fields_tell_what_a_sample_has():
    for changes in ({}, {"image_size": 32}, {"max_objects": 1}):
        source = SpokenScenes(**SIZES, **changes)
        sample = source.split("val")[0]
        has = {field for field, value in sample._asdict().items() if value is not None and field != "id"}
        assert source.fields == has
    assert source.classes == Scenes(max_objects=1).classes


def test_pictures_come_where_their_size_is_given():
    samples = SpokenScenes(image_size=32, **SIZES).split("train").__getitems__([3, 1])
    scenes = Scenes(image_size=32).split("train").__getitems__([3, 1])
    assert all(torch.equal(sample.image, scene.image) for sample, scene in zip(samples, scenes, strict=True))
    assert all(sample.waveform is not None for sample in samples)


def test_a_longer_split_begins_with_the_shorter_one():
    short, long = (SpokenScenes(num_train=count).split("train") for count in (6, 12))
    for one, other in zip(short, long, strict=False):
        assert torch.equal(one.waveform, other.waveform) and one.transcript == other.transcript


def test_lengths_are_the_seconds_of_the_sounds(monkeypatch):
    split = SpokenScenes(**SIZES).split("train")
    seconds = [len(sample.waveform) / 16_000 for sample in split]
    monkeypatch.setattr(np, "fromfile", None)
    assert split.lengths() == seconds and len(split) == 12


def test_a_longer_text_takes_longer():
    split = SpokenScenes(num_train=60).split("train")
    work = [len(said.text) / said.rate for said in split.corpus.utterances]
    assert np.corrcoef(work, split.lengths())[0, 1] > 0.9


def test_nothing_is_spoken_before_a_sound_is_asked_for(monkeypatch):
    monkeypatch.setattr(corpus, "speak", silent)
    split = SpokenScenes(num_train=300, seed=7).split("train")
    assert len(split.texts()) == 5 * len(split)


def test_splits_and_seeds_say_other_things():
    said = [utterances(20, name, num_test=20) for name in ("train", "test", "test_composition")]
    said.append(utterances(20, seed=1))
    assert len({tuple(utterance.text for utterance in part) for part in said}) == 4


def test_every_caption_voice_rate_and_pitch_is_drawn_equally_often():
    source = SpokenScenes(num_train=4_000)
    said, scenes = source.split("train").corpus.utterances, Scenes().split("train").texts()
    places = [scenes[5 * row : 5 * row + 5].index(utterance.text) for row, utterance in enumerate(said)]
    for values, kinds in ((places, 5), *((part, None) for part in list(zip(*said, strict=True))[1:])):
        counts = np.unique(values, return_counts=True)[1]
        expected = len(said) / (kinds or len(counts))
        assert abs(counts - expected).max() < 5 * expected**0.5
    assert {utterance.voice for utterance in said} == {*CASTS["train"].voices}


@pytest.mark.parametrize("part", ["voice", "rate", "pitch"])
def test_who_speaks_and_how_tells_nothing_of_what_is_said(part):
    said = utterances(8_000, max_objects=1)
    shapes = [scene_of(utterance.text).things[0].shape for utterance in said]
    hints = [getattr(utterance, part) for utterance in said]
    guess = {}
    for hint in {*hints}:  # from one half, the best guess by the hint alone
        heard = [shape for shape, other in zip(shapes[::2], hints[::2], strict=True) if other == hint]
        guess[hint] = max({*heard}, key=heard.count)
    right = np.mean([guess[hint] == shape for hint, shape in zip(hints[1::2], shapes[1::2], strict=True)])
    assert right < 1 / 8 + 0.02


def test_the_fingerprint_tells_other_data_apart(monkeypatch):
    changes = [{}, {"image_size": 16}, {"sample_rate": 8_000}, {"seed": 1}, {"num_train": 11}]
    sources = [SpokenScenes(**{**SIZES, **change}) for change in changes]
    assert len({source.fingerprint() for source in sources}) == len(changes)
    monkeypatch.setattr(corpus, "speak", silent)
    assert SpokenScenes(**SIZES).fingerprint() == sources[0].fingerprint()


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("sample_rate", 0, "between 1000 and 384000"),
        ("image_size", 0, "at least 16"),
        ("num_test", 0, "at least 1"),
        ("max_objects", 4, "between 1 and 3"),
    ],
)
def test_a_bad_argument_is_named_with_what_is_allowed(name, value, allowed):
    with pytest.raises(ValueError, match=f"^{name} {value}: must be {allowed}$"):
        SpokenScenes(**{name: value})


def test_an_unknown_split_and_a_place_past_the_end_are_refused():
    source = SpokenScenes(**SIZES)
    with pytest.raises(DataError, match="no split dev"):
        source.split("dev")
    with pytest.raises(IndexError):
        source.split("val")[4]
