import pytest
import torch

from crossmedia.audio import corpus, events
from crossmedia.audio.events import EVENTS, LONGEST, PEAKS, TAKES, samples
from crossmedia.audio.voices import CASTS
from crossmedia.data.sources import sound_scenes
from crossmedia.data.sources.sound_scenes import SoundScenes
from crossmedia.errors import DataError
from crossmedia.metrics.sounds import EventAccuracy
from crossmedia.text.grammar import CAPTIONS
from crossmedia.text.sound_grammar import WORDS, sounds_of


def same(first, second):
    plain = [sample._replace(waveform=None) for sample in (first, second)]
    return torch.equal(first.waveform, second.waveform) and plain[0] == plain[1]


def test_a_sample_has_a_sound_of_two_to_four_seconds_and_five_captions():
    source = SoundScenes()
    for name in source.splits:
        sample = source.split(name)[3]
        assert sample.id == f"{name}-3" and sample.sample_rate == 16_000
        assert sample.waveform.dtype == torch.float32 and 2 <= len(sample.waveform) / 16_000 <= 4
        assert len(set(sample.captions)) == CAPTIONS
        has = {
            field
            for field, value in sample._asdict().items()
            if not (value is None or field == "captions" and not value)
        }
        assert has == source.fields | {"id"}


def test_a_sample_is_the_same_alone_or_among_others_in_any_order():
    split = SoundScenes().split("train")
    many = dict(zip([7, 3, 900, 3], split.__getitems__([7, 3, 900, 3]), strict=True))
    assert all(same(split[index], sample) for index, sample in many.items())


def test_a_longer_split_begins_with_the_shorter_one():
    short, long = (SoundScenes(num_train=count).split("train") for count in (10, 2_000))
    assert all(map(same, short, long.__getitems__(range(10))))
    assert long.texts()[: len(short.texts())] == short.texts()


def test_splits_have_the_lengths_asked_for():
    source = SoundScenes(num_train=7, num_val=5, num_test=3)
    lengths = {name: len(source.split(name)) for name in source.splits}
    assert lengths == {"train": 7, "val": 5, "test": 3, "test_composition": 3}
    assert SoundScenes(held_out=False).splits == ("train", "val", "test")


def test_seeds_and_splits_make_other_scenes():
    sources = [SoundScenes(num_train=50, num_val=50, num_test=50, seed=seed) for seed in (0, 1)]
    texts = [source.split(name).texts() for source in sources for name in source.splits]
    assert len(set(map(tuple, texts))) == 8


def test_texts_are_the_captions_of_the_samples_and_lengths_the_seconds_of_their_sounds(monkeypatch):
    split = SoundScenes(num_val=40).split("val")
    captions = [caption for sample in split for caption in sample.captions]
    seconds = [len(sample.waveform) / 16_000 for sample in split]
    monkeypatch.setattr(sound_scenes, "render", None)
    assert split.texts() == captions and split.lengths() == seconds


def test_all_captions_of_a_sample_mean_the_same():
    for sample in SoundScenes().split("test_composition").__getitems__(range(60)):
        assert None is not sounds_of(sample.captions[0]) and len(set(map(sounds_of, sample.captions))) == 1


def test_no_sound_leaves_the_range_and_each_is_as_loud_as_its_loudest_event():
    for sample in SoundScenes().split("train").__getitems__(range(100)):
        loud = any(event.loudness == "loud" for event in sounds_of(sample.captions[0]))
        peak = float(sample.waveform.abs().max())
        assert 0.7 * PEAKS["loud"][0] < peak < 1 if loud else peak < 2 * PEAKS["quiet"][1]


def test_each_word_is_said_in_many_ways_by_the_voices_of_the_split():
    source = SoundScenes()
    speakers = {}
    for name in ("train", "val", "test"):
        said = source.split(name).corpus.utterances
        assert len(said) == len(set(said)) == len(WORDS) * TAKES
        assert [utterance.text for utterance in said[::TAKES]] == list(WORDS)
        assert {utterance.voice for utterance in said} <= {*CASTS[name].voices}
        speakers[name] = {utterance.voice.partition("+")[2] for utterance in said}
    assert not speakers["train"] & (speakers["val"] | speakers["test"])


@pytest.mark.parametrize("name", ["train", "val", "test"])
def test_every_word_has_room_in_its_event(name):
    spoken = SoundScenes().split(name).spoken
    assert spoken.shape == (len(WORDS) * TAKES, samples(LONGEST, 16_000))
    assert not spoken[:, -80:].any()  # none was cut
    assert (spoken.abs().amax(1) > 0.5).all()
    assert ((spoken != 0).sum(1) > 0.15 * 16_000).all()


def test_nothing_is_spoken_before_a_sound_is_asked_for(monkeypatch):
    monkeypatch.setattr(corpus, "speak", lambda *_: pytest.fail("spoken"))
    split = SoundScenes(num_train=300).split("train")
    assert len(split.texts()) == 5 * len(split) == 5 * len(split.lengths())


def test_indices_past_the_end_are_refused():
    split = SoundScenes(num_val=4).split("val")
    assert same(split[-1], split[3]) and len(list(split)) == 4 and split.__getitems__([]) == []
    with pytest.raises(IndexError):
        split[4]


def test_an_unknown_split_names_those_that_are():
    with pytest.raises(DataError, match="no split 'dev'. Splits: train, val, test, test_composition"):
        SoundScenes().split("dev")


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("sample_rate", 8_000, "at least 16000"),
        ("num_train", 0, "at least 1"),
        ("min_events", 0, "between 1 and 3"),
        ("max_events", 4, "between 1 and 3"),
        ("seed", -1, "between 0 and 4294967295"),
    ],
)
def test_a_bad_argument_is_named_with_what_is_allowed(name, value, allowed):
    with pytest.raises(ValueError, match=f"^{name} {value}: must be {allowed}$"):
        SoundScenes(**{name: value})


def test_more_events_at_least_than_at_most_are_refused():
    with pytest.raises(ValueError, match="max_events 2: must be at least min_events, 3"):
        SoundScenes(min_events=3, max_events=2)


def test_numbers_of_events_are_as_asked_for():
    for count in (1, 2, 3):
        source = SoundScenes(num_train=100, min_events=count, max_events=count)
        meanings = map(sounds_of, source.split("train").texts())
        assert {len(meaning) for meaning in meanings} == {count}


def test_the_fingerprint_tells_other_data_apart():
    others = [{}, {"num_test": 10}, {"min_events": 2}, {"max_events": 2}, {"seed": 1}, {"held_out": False}]
    assert len({SoundScenes(**other).fingerprint() for other in others}) == len(others)
    assert SoundScenes().fingerprint() == SoundScenes(seed=0).fingerprint()


def test_where_a_word_is_cut_is_in_the_fingerprint():
    assert events.HEARD in sound_scenes._LOOK


def test_the_scorer_reads_what_the_source_tells():
    source = SoundScenes(num_val=20)
    assert isinstance(source.scorer, EventAccuracy)
    for sample in source.split("val"):
        assert source.scorer.score(sample.captions[1], sample.captions) == 1


def test_every_event_is_heard_in_training():
    captions = SoundScenes(num_train=3_000).split("train").texts()[::CAPTIONS]
    assert len({event for caption in captions for event in sounds_of(caption)}) == len(EVENTS) - 4
