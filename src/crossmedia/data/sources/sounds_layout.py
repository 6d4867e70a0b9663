"""What sounds when in a sound scene: every draw a hash of (seed, split, index, number), many at once.

B clips, N = MOST events, K attempts.
"""

from collections.abc import Sequence

import numpy as np

from crossmedia.audio.events import EVENTS, LONGEST, SHADES, SoundLayout
from crossmedia.data.sources.scenes_layout import SHARES, draw_numbers, mix
from crossmedia.text.sound_grammar import PHRASES, Meaning

MOST = 3  # events of one clip
LENGTHS = (2000, 4000)  # ms of a clip, whatever is in it
DURATIONS = (300, LONGEST)  # ms of an event; a word takes its own time
MARGIN = 40  # ms before the first event, between two, and after the last

# Each kind that has a pitch misses one pair of pitch and loudness in train, val and test, each another one:
# over all of them each pitch is as often quiet as loud.
KEPT_APART = {
    "tone": ("low", "quiet"),
    "rise": ("low", "loud"),
    "fall": ("high", "quiet"),
    "clicks": ("high", "loud"),
}
HELD_OUT = np.array([KEPT_APART.get(event.kind) == (event.pitch, event.loudness) for event in EVENTS])
_KINDS = np.array([tuple(PHRASES).index(event.kind) for event in EVENTS])
_WORDLESS = np.array([not event.word for event in EVENTS])
_ROOM = LONGEST + MARGIN  # places are drawn as if every event were the longest: they tell nothing of it
_COUNT, _LENGTH, _GROUND, _NOISE, _WORDS, _SHADE = range(6)  # numbers of the draws; from _SHADE on, shades
_ATTEMPT = _SHADE + MOST * SHADES  # from here on, attempts of 2 N draws


def sound_layouts(
    seed: int, split: str, indices: Sequence[int], min_events: int, max_events: int, held_out: bool = True
) -> tuple[SoundLayout, list[int]]:
    """The clips at these indices, and for each a random number of 64 bits that picks its captions' words.

    Without `held_out` the events are all that there are, in every split.
    """
    start = np.array([seed, list(SHARES).index(split)], np.uint64)
    key = mix(start[:1] + mix(start[1:]))  # (1,)
    keys = mix(key + np.array(indices, np.uint64))  # (B,)
    draws = draw_numbers(keys, np.arange(_ATTEMPT))  # (B, _ATTEMPT)
    counts = _within(draws[:, _COUNT], min_events, max_events)
    lengths = _within(draws[:, _LENGTH], *LENGTHS)
    composition = split == "test_composition"
    options = _options(np.full(len(EVENTS), True) if composition or not held_out else ~HELD_OUT)
    events, starts, durations = _found(keys, counts, lengths, options, SHARES[split], composition)
    shades = (draws >> np.uint64(11)) / 2**53  # in [0, 1)
    layout = SoundLayout(
        counts=counts,
        events=events,
        starts=starts,
        durations=durations,
        lengths=lengths,
        shades=shades[:, _SHADE:].reshape(-1, MOST, SHADES),
        grounds=shades[:, _GROUND],
        seeds=(draws[:, _NOISE] >> np.uint64(1)).astype(np.int64),
    )
    return layout, draws[:, _WORDS].tolist()


def meaning(layout: SoundLayout, row: int) -> Meaning:
    """What one of the clips means."""
    return tuple(EVENTS[number] for number in layout.events[row, : layout.counts[row]].tolist())


def share(events: np.ndarray, starts: np.ndarray, durations: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Which of four shares each clip is in, (B,): a hash of what sounds when."""
    codes = (events * LENGTHS[1] + starts) * LONGEST + durations  # (B, N)
    hashes = np.where(np.arange(MOST) < counts[:, None], mix(codes.astype(np.uint64)), np.uint64(0))
    return mix(hashes.sum(1)) >> np.uint64(62)


def _within(draws: np.ndarray, low: int, high: int) -> np.ndarray:
    return low + (draws % np.uint64(high - low + 1)).astype(np.int64)


def _options(allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The allowed events of each kind, (kinds, most of a kind), and how many they are, (kinds,)."""
    members = [np.flatnonzero(allowed & (_KINDS == kind)) for kind in range(len(PHRASES))]
    numbers = np.array([len(some) for some in members])
    return np.stack([np.resize(some, numbers.max()) for some in members]), numbers


def _found(
    keys: np.ndarray,
    counts: np.ndarray,
    lengths: np.ndarray,
    options: tuple[np.ndarray, np.ndarray],
    shares: Sequence[int],
    composition: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Events, starts and durations, (B, N) each: of each clip the first attempt in which the events differ
    and that its split may have; where `composition`, one of them is held out.
    """
    found = np.zeros((3, len(keys), MOST), np.int64)
    todo, first, tries = np.arange(len(keys)), _ATTEMPT, 16
    while len(todo):
        draws = draw_numbers(keys[todo], first + np.arange(2 * MOST * tries))
        draws = draws.reshape(-1, 2, MOST)  # (B · K, 2, N)
        clips = np.repeat(todo, tries)  # (B · K,)
        live = np.arange(MOST) < counts[clips, None]  # (B · K, N)
        events, durations = _events(draws[:, 0], options)
        starts = _starts(draws[:, 1], live, lengths[clips])
        told = np.where(live, events, -1 - np.arange(MOST))
        fit = (np.diff(np.sort(told, axis=1), axis=1) > 0).all(1)
        fit &= np.isin(share(events, starts, durations, counts[clips]), shares)
        if composition:
            fit &= (HELD_OUT[events] & live).any(1)
        rows, places = np.unique(clips[fit], return_index=True)
        found[:, rows] = np.stack((events, starts, durations))[:, fit][:, places]
        todo, first, tries = np.setdiff1d(todo, rows), first + 2 * MOST * tries, min(2 * tries, 256)
    return found[0], found[1], found[2]


def _events(draws: np.ndarray, options: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Each kind equally often, then each event of it: (…, N) events, and their durations in ms."""
    members, numbers = options
    kinds = (draws % np.uint64(len(numbers))).astype(np.int64)
    rest = (draws // np.uint64(len(numbers)) % np.uint64(2**24)).astype(np.int64)
    events = members[kinds, rest % numbers[kinds]]
    durations = _within(draws >> np.uint64(32), *DURATIONS)
    return events, np.where(_WORDLESS[events], durations, 0)


def _starts(draws: np.ndarray, live: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Places at random in the clip that leave room for the longest events, (…, N) ms, the first one first."""
    free = lengths - MARGIN - live.sum(1) * _ROOM
    spots = (draws % (free[:, None] + 1).astype(np.uint64)).astype(np.int64)
    spots = np.sort(np.where(live, spots, LENGTHS[1]), axis=1)  # those past the count come last
    return np.where(live, MARGIN + spots + np.arange(MOST) * _ROOM, 0)
