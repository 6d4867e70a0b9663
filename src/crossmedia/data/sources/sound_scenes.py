"""Sound scenes: tones, sweeps, clicks, noise and spoken words one after another, with five captions each."""

import functools
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from crossmedia.audio import events
from crossmedia.audio.corpus import Corpus
from crossmedia.audio.events import EVENTS, LEAST_RATE, TAKES, SoundLayout, render, samples
from crossmedia.audio.voices import CASTS
from crossmedia.data.batches import Sample
from crossmedia.data.sources.files import choose, share
from crossmedia.data.sources.scenes_layout import SHARES
from crossmedia.data.sources.sounds_layout import meaning, sound_layouts
from crossmedia.limits import within
from crossmedia.metrics.sounds import EventAccuracy
from crossmedia.text.sound_grammar import WORDS, paraphrases

PROBES = 32  # samples of each split in the fingerprint
_LOOK = (
    events.HERTZ,
    events.PEAKS,
    events.GROUND,
    events.OCTAVES,
    events.MOST_OVERTONE,
    events.GAP,
    events.RING,
    events.FADE,
    events.HEARD,
)


class SoundScenes:
    """Clips of two to four seconds with one to three events: a sample is a pure function of (seed, split,
    index).

    A longer split begins with the shorter one. No scene is in two splits, whatever the seed. Each scene of
    `test_composition`, which is as long as test, has an event whose pitch and loudness no other split has in
    that kind of event; without `held_out` there is no such split. The voices of val and test are never heard
    in training. Words are spoken by espeak-ng when they are first needed, and kept.
    """

    fields = frozenset(["waveform", "sample_rate", "captions"])
    classes: tuple[str, ...] = ()

    def __init__(
        self,
        sample_rate: int = 16_000,
        num_train: int = 8_000,
        num_val: int = 400,
        num_test: int = 1_000,
        min_events: int = 1,
        max_events: int = 3,
        held_out: bool = True,
        seed: int = 0,
    ):
        lengths = {"num_train": num_train, "num_val": num_val, "num_test": num_test}
        within(sample_rate=sample_rate, **lengths, min_events=min_events, max_events=max_events, seed=seed)
        if sample_rate < LEAST_RATE:
            raise ValueError(f"sample_rate {sample_rate}: must be at least {LEAST_RATE}")
        if max_events < min_events:
            raise ValueError(f"max_events {max_events}: must be at least min_events, {min_events}")
        self.sample_rate, self.held_out, self.seed = sample_rate, held_out, seed
        self.min_events, self.max_events = min_events, max_events
        self.splits = tuple(SHARES) if held_out else tuple(SHARES)[:-1]
        self.lengths = dict(zip(SHARES, (*lengths.values(), num_test), strict=True))
        self._splits = {name: SoundSceneSplit(self, name) for name in self.splits}
        self.scorer = EventAccuracy()
        self.faults: list[str] = []
        self.notes: list[str] = []

    def split(self, name: str) -> "SoundSceneSplit":
        return choose(self._splits, name, "sound_scenes")

    def fingerprint(self) -> str:
        """A hash of the sizes, of how events sound, of all words, and of each split's first scenes."""
        numbers: list[Any] = [self.sample_rate, self.lengths, self.min_events, self.max_events, self.seed]
        digest = hashlib.sha256(json.dumps([numbers, self.held_out, EVENTS, _LOOK]).encode())
        for split in self._splits.values():
            layout, words = split.layout(range(min(PROBES, len(split))))
            plain = layout._replace(shades=layout.shades.round(6), grounds=layout.grounds.round(6))
            digest.update(json.dumps([part.tolist() for part in plain]).encode())
            digest.update(json.dumps([split.corpus.fingerprint(), _tell(layout, words)]).encode())
        return digest.hexdigest()


class SoundSceneSplit:
    """One split: `layout` says what sounds when, items add sound and captions; `corpus` has the voices."""

    def __init__(self, source: SoundScenes, name: str):
        self.source, self.name = source, name

    @functools.cached_property
    def corpus(self) -> Corpus:
        """Each word in `TAKES` ways of the split's own voices, whatever the seed."""
        cast = CASTS[self.name]
        ways = [
            sorted(range(cast.ways()), key=lambda way, word=word: share(f"{word}/{way}")) for word in WORDS
        ]
        said = [cast.say(word, way) for word, some in zip(WORDS, ways, strict=True) for way in some[:TAKES]]
        return Corpus(said, self.source.sample_rate)

    @functools.cached_property
    def spoken(self) -> Tensor:
        sounds = (self.corpus[number] for number in range(len(self.corpus)))
        return events.takes(sounds, self.source.sample_rate)

    def __len__(self) -> int:
        return self.source.lengths[self.name]

    def __getitem__(self, index: int) -> Sample:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        indices = [range(len(self))[index] for index in indices]  # IndexError past the end, -1 is the last
        layout, words = self.layout(indices)
        waveforms = render(layout, self.spoken, self.source.sample_rate)
        return [
            Sample(
                f"{self.name}-{index}", captions=told, waveform=waveform, sample_rate=self.source.sample_rate
            )
            for index, told, waveform in zip(indices, _tell(layout, words), waveforms, strict=True)
        ]

    def texts(self) -> list[str]:
        captions = _tell(*self.layout(range(len(self))))
        return [caption for told in captions for caption in told]

    def lengths(self) -> list[float]:
        """The seconds of each clip."""
        layout, _ = self.layout(range(len(self)))
        rate = self.source.sample_rate
        return (samples(layout.lengths, rate) / rate).tolist()

    def layout(self, indices: Sequence[int]) -> tuple[SoundLayout, list[int]]:
        """What sounds when in the clips, and for each a random number that picks its captions' words."""
        source = self.source
        counts = (source.min_events, source.max_events)
        return sound_layouts(source.seed, self.name, indices, *counts, held_out=source.held_out)


def _tell(layout: SoundLayout, words: list[int]) -> list[tuple[str, ...]]:
    return [paraphrases(meaning(layout, row), draw) for row, draw in enumerate(words)]
