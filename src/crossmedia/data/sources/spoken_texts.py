"""The training texts of another source in many embedded voices: speech where there is little of it."""

import hashlib
import json
from typing import Any

from crossmedia.audio.corpus import Corpus
from crossmedia.audio.voices import CASTS
from crossmedia.data.batches import Split
from crossmedia.data.order import address
from crossmedia.data.sources.spoken import SpokenSplit
from crossmedia.limits import within
from crossmedia.text.normalise import words


class SpokenTexts:
    """Each training transcript of `source` in `voices` ways of training's voices; val and test are its own.

    A transcript that the source has twice is spoken twice as often. The ways are drawn by (seed, place,
    number). espeak-ng makes the sounds when they are first needed, and they are kept (audio/corpus.py).
    """

    fields = frozenset(["waveform", "sample_rate", "transcript", "speaker"])
    classes: tuple[str, ...] = ()
    scorer = None

    def __init__(self, source: Any, voices: int = 8, sample_rate: int = 16_000, seed: int = 0):
        within(voices=voices, sample_rate=sample_rate, seed=seed)
        if "transcript" not in source.fields:
            raise ValueError(f"source {type(source).__name__}: must be one with transcripts")
        self.source, self.splits = source, source.splits
        self.faults, self.notes = source.faults, source.notes
        cast, texts = CASTS["train"], source.split("train").texts()
        spoken = [
            cast.say(text, address(seed, "spoken", place, number))
            for place, text in enumerate(texts)
            for number in range(voices)
            if words(text)
        ]
        self._train = SpokenSplit("train", Corpus(spoken, sample_rate))

    def split(self, name: str) -> Split:
        return self._train if name == "train" else self.source.split(name)

    def fingerprint(self) -> str:
        """A hash of every sound and of the source."""
        facts = [self._train.corpus.fingerprint(), self.source.fingerprint()]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
