from itertools import product

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from crossmedia.audio.events import EVENTS, LONGEST
from crossmedia.data.sources.scenes_layout import SHARES
from crossmedia.data.sources.sounds_layout import (
    DURATIONS,
    HELD_OUT,
    LENGTHS,
    MARGIN,
    meaning,
    share,
    sound_layouts,
)
from crossmedia.text.sound_grammar import LOUDNESS_WORDS, PHRASES, PITCH_WORDS, paraphrases

ALL = list(SHARES)
KINDS = np.array([list(PHRASES).index(event.kind) for event in EVENTS])
LOUD = np.array([event.loudness == "loud" for event in EVENTS])
HIGH = np.array([event.pitch == "high" for event in EVENTS])
PITCHED = np.array([bool(event.pitch) for event in EVENTS])


def clips(split="train", count=1000, least=1, most=3, seed=0):
    return sound_layouts(seed, split, range(count), least, most)[0]


def live(layout):
    """(B, N): the events that the clips have."""
    return np.arange(layout.events.shape[1]) < layout.counts[:, None]


def contents(layout):
    """Each clip as what sounds when."""
    rows = np.stack((layout.events, layout.starts, layout.durations), -1).tolist()
    return [frozenset(map(tuple, row[:n])) for row, n in zip(rows, layout.counts.tolist(), strict=True)]


@pytest.mark.parametrize("most", [1, 3])
def test_no_scene_is_in_two_splits(most):
    found = [
        set().union(*(contents(clips(split, 3_000, most=most, seed=seed)) for seed in (0, 1)))
        for split in ALL
    ]
    assert sum(map(len, found)) == len(set.union(*found))


def test_without_the_shares_scenes_would_meet():
    other = set(contents(clips(count=6_000, most=1, seed=1)))
    assert len(other & set(contents(clips(count=6_000, most=1)))) > 2


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_split_holds_only_scenes_of_its_own_shares(split):
    layout = clips(split)
    found = share(layout.events, layout.starts, layout.durations, layout.counts)
    assert set(found.tolist()) == set(SHARES[split])


@pytest.mark.parametrize("most", [1, 3])
def test_every_clip_of_test_composition_has_a_held_out_event_and_no_other_split_has_one(most):
    for split in ALL:
        layout = clips(split, most=most)
        held_out = (HELD_OUT[layout.events] & live(layout)).any(1)
        assert held_out.all() if split == "test_composition" else not held_out.any()


def test_a_held_out_event_is_at_every_place_equally_often():
    layout = clips("test_composition", 4_000, least=3)
    counts = HELD_OUT[layout.events].sum(0)
    assert np.abs(counts - counts.mean()).max() < 5 * counts.mean() ** 0.5


def test_each_kind_with_a_pitch_misses_another_pair_of_pitch_and_loudness():
    out = [event for event, held_out in zip(EVENTS, HELD_OUT, strict=True) if held_out]
    missed = [(event.pitch, event.loudness) for event in out]
    assert sorted(missed) == sorted(product(PITCH_WORDS, LOUDNESS_WORDS))
    assert len({event.kind for event in out}) == len(out)


def test_kinds_and_the_events_of_a_kind_are_equally_frequent_in_training():
    layout = clips(count=12_000, most=1)
    counts = np.bincount(layout.events[:, 0], minlength=len(EVENTS))
    for kind in range(len(PHRASES)):
        among = (kind == KINDS) & ~HELD_OUT
        assert abs(counts[among].sum() - 2_000) < 5 * 2_000**0.5
        expected = counts[among].mean()
        assert np.abs(counts[among] - expected).max() < 5 * expected**0.5
    assert not counts[HELD_OUT].any()


@pytest.mark.parametrize("split", ALL)
def test_events_keep_off_the_ends_and_off_each_other(split):
    layout = clips(split, least=3)
    assert layout.starts.min() >= MARGIN
    assert (np.diff(layout.starts, axis=1) >= LONGEST + MARGIN).all()
    assert (layout.starts[:, -1] + LONGEST + MARGIN <= layout.lengths).all()


def test_lengths_and_durations_lie_between_their_limits_and_words_have_none():
    layout = clips(count=3_000)
    assert (layout.lengths.min(), layout.lengths.max()) == pytest.approx(LENGTHS, abs=5)
    timed = layout.durations[live(layout) & (layout.durations > 0)]
    assert (timed.min(), timed.max()) == DURATIONS
    words = np.array([bool(event.word) for event in EVENTS])[layout.events]
    assert np.array_equal(words[live(layout)], layout.durations[live(layout)] == 0)


def test_the_events_of_a_clip_differ():
    layout = clips(least=3, count=3_000)
    assert (np.diff(np.sort(layout.events, axis=1), axis=1) > 0).all()


def test_the_meaning_has_the_events_in_the_order_of_time():
    layout = clips(least=2)
    for row in range(50):
        order = np.argsort(layout.starts[row, : layout.counts[row]])
        assert meaning(layout, row) == tuple(EVENTS[layout.events[row, place]] for place in order)


def test_counts_are_drawn_between_least_and_most():
    counts = np.bincount(clips(count=6_000).counts, minlength=4)
    assert counts[0] == 0 and np.abs(counts[1:] - 2_000).max() < 5 * 2_000**0.5


def chance(cue, answer):
    """A linear probe's accuracy on unseen clips, in standard errors above the commonest answer's."""
    cut = len(answer) // 2
    cue = (cue - cue.mean(0)) / cue.std(0)
    probe = LogisticRegression().fit(cue[:cut], answer[:cut])
    share = np.bincount(answer[cut:]).max() / cut
    return (probe.score(cue[cut:], answer[cut:]) - share) / (share * (1 - share) / cut) ** 0.5


def cues(layout):
    """What must not tell anything: the ground, the length, where events begin and how far apart."""
    starts = layout.starts[:, :2]
    return np.column_stack(
        (layout.grounds, layout.lengths, starts, starts**2, np.diff(starts), layout.lengths - starts[:, 1])
    ).astype(float)


@pytest.mark.parametrize("answer", [KINDS, LOUD.astype(int)])
@pytest.mark.parametrize("place", [0, 1])
def test_ground_length_and_places_tell_nothing_of_an_event(answer, place):
    layout = clips(count=6_000, least=2, most=2)
    assert chance(cues(layout), answer[layout.events[:, place]]) < 3


def test_ground_length_and_places_tell_nothing_of_the_pitch():
    layout = clips(count=8_000, least=2, most=2)
    pitched = PITCHED[layout.events[:, 0]]
    assert chance(cues(layout)[pitched], HIGH[layout.events[pitched, 0]].astype(int)) < 3


def test_ground_and_length_tell_nothing_of_the_number_of_events():
    layout = clips(count=6_000)
    assert chance(np.column_stack((layout.grounds, layout.lengths)).astype(float), layout.counts) < 3


def test_an_event_tells_nothing_of_the_next_ones_loudness_or_pitch():
    layout = clips(count=6_000, least=2, most=2)
    first = np.eye(len(PHRASES))[KINDS[layout.events[:, 0]]]
    cue = np.column_stack((first[:, 1:], LOUD[layout.events[:, 0]]))
    assert chance(cue.astype(float), LOUD[layout.events[:, 1]].astype(int)) < 3


def test_over_all_kinds_the_pitch_tells_nothing_of_the_loudness():
    layout = clips(count=12_000, most=1)
    pitched = PITCHED[layout.events[:, 0]]
    events = layout.events[pitched, 0]
    assert chance(HIGH[events].astype(float)[:, None], LOUD[events].astype(int)) < 3


def test_the_probe_finds_a_cue_that_is_there():
    layout = clips(count=2_000, least=2, most=2)
    late = (layout.starts[:, 0] > 700).astype(int)
    assert chance(cues(layout), late) > 20


def test_captions_order_tells_nothing_of_what_sounds_first():
    layout, words = sound_layouts(0, "train", range(3_000), 2, 2)
    turned = [
        caption.find(" after ") + caption.find(" follows ") > -2
        for caption in (paraphrases(meaning(layout, row), draw)[0] for row, draw in enumerate(words))
    ]
    kinds = KINDS[layout.events[:, 0]]
    assert chance(np.array(turned, float)[:, None], kinds) < 3
