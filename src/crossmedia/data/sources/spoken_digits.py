"""The words zero to nine, spoken by many voices."""

import hashlib
import json

from crossmedia.audio.corpus import Corpus
from crossmedia.audio.voices import CASTS
from crossmedia.data.sources.files import choose, share
from crossmedia.data.sources.spoken import SpokenSplit
from crossmedia.limits import within

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class SpokenDigits:
    """Sounds of 0.2 to 0.9 seconds: each digit equally often, each of its ways to be said at most once.

    The voices, rates and pitches of val and test are never heard in training. Ways are drawn by (seed, split,
    digit): a longer split begins with the shorter one. The sounds are made by espeak-ng when they are first
    needed, and kept.
    """

    fields = frozenset(["waveform", "sample_rate", "label", "transcript", "speaker"])
    splits = ("train", "val", "test")
    classes = WORDS
    scorer = None

    def __init__(
        self,
        sample_rate: int = 16_000,
        num_train: int = 2_000,
        num_val: int = 500,
        num_test: int = 1_000,
        seed: int = 0,
    ):
        lengths = {"num_train": num_train, "num_val": num_val, "num_test": num_test}
        within(sample_rate=sample_rate, **lengths, seed=seed)
        self._splits = {}
        for split, (name, length) in zip(self.splits, lengths.items(), strict=True):
            most = len(WORDS) * CASTS[split].ways()
            if length > most:
                raise ValueError(f"{name} {length}: must be at most {most}")
            self._splits[split] = SpokenSplit(split, _corpus(split, length, sample_rate, seed), WORDS)
        self.faults: list[str] = []
        self.notes: list[str] = []

    def split(self, name: str) -> SpokenSplit:
        return choose(self._splits, name, "spoken_digits")

    def fingerprint(self) -> str:
        """A hash of every sound and label."""
        sounds = [split.corpus.fingerprint() for split in self._splits.values()]
        return hashlib.sha256(json.dumps([sounds, self.classes]).encode()).hexdigest()


def _corpus(split: str, length: int, sample_rate: int, seed: int) -> Corpus:
    """The digits take turns."""
    ways = [_shuffled(CASTS[split].ways(), f"{seed}/{split}/{word}") for word in WORDS]
    spoken = []
    for index in range(length):
        turn, digit = divmod(index, len(WORDS))
        spoken.append(CASTS[split].say(WORDS[digit], ways[digit][turn]))
    return Corpus(spoken, sample_rate)


def _shuffled(count: int, key: str) -> list[int]:
    return sorted(range(count), key=lambda number: share(f"{key}/{number}"))
