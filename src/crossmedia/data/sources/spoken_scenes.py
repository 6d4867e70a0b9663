"""The embedded world, spoken: one caption of each scene in one of many voices."""

import functools
import hashlib
import json
from collections.abc import Sequence

from crossmedia.audio.corpus import Corpus
from crossmedia.audio.voices import CASTS, plain_cast
from crossmedia.data.batches import Sample
from crossmedia.data.order import address
from crossmedia.data.sources.scenes import SMALLEST, Scenes, SceneSplit
from crossmedia.limits import within
from crossmedia.text.grammar import CAPTIONS


class SpokenScenes:
    """Scenes as `Scenes` has them, and for each the sound of one of its captions, which is the transcript.

    Caption, voice, rate and pitch are drawn by (seed, split, index) alone; the voices, rates and pitches of
    val and test are never heard in training. With `said_by` these voices of espeak-ng, as en-us or en-gb+f3,
    speak in every split, always as fast and as high. There are pictures where `image_size` says how large.
    The sounds are made by espeak-ng when they are first needed, and kept: 32 kB a second at 16 kHz.
    """

    def __init__(
        self,
        image_size: int | None = None,
        sample_rate: int = 16_000,
        num_train: int = 4_000,
        num_val: int = 400,
        num_test: int = 400,
        min_objects: int = 1,
        max_objects: int = 2,
        held_out: bool = True,
        said_by: Sequence[str] | None = None,
        seed: int = 0,
    ):
        within(sample_rate=sample_rate)
        objects = {"min_objects": min_objects, "max_objects": max_objects, "held_out": held_out}
        size = SMALLEST if image_size is None else image_size  # of pictures that nobody draws
        self.scenes = Scenes(size, num_train, num_val, num_test, **objects, seed=seed)
        self.image_size, self.sample_rate, self.seed = image_size, sample_rate, seed
        self.splits, self.classes, self.scorer = self.scenes.splits, self.scenes.classes, self.scenes.scorer
        told = self.scenes.fields if image_size else self.scenes.fields - {"image"}
        self.fields = told | {"waveform", "sample_rate", "transcript", "speaker"}
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.casts = CASTS if said_by is None else dict.fromkeys(CASTS, plain_cast(said_by))
        self._splits: dict[str, SpokenSceneSplit] = {}

    def split(self, name: str) -> "SpokenSceneSplit":
        if name not in self._splits:
            self._splits[name] = SpokenSceneSplit(self, self.scenes.split(name))
        return self._splits[name]

    def fingerprint(self) -> str:
        """A hash of the scenes and of every sound."""
        sounds = [self.split(name).corpus.fingerprint() for name in self.splits]
        facts = json.dumps([self.scenes.fingerprint(), self.image_size, sounds])
        return hashlib.sha256(facts.encode()).hexdigest()


class SpokenSceneSplit:
    """One split: `corpus` has its sounds, in the order of the scenes."""

    def __init__(self, source: SpokenScenes, scenes: SceneSplit):
        self.source, self.scenes = source, scenes

    @functools.cached_property
    def corpus(self) -> Corpus:
        cast = self.source.casts[self.scenes.name]
        spoken = []
        for index, sample in enumerate(self.scenes.told(range(len(self)))[1]):
            draw = address(self.source.seed, "speech", self.scenes.name, index)
            way, caption = divmod(draw, CAPTIONS)
            spoken.append(cast.say(sample.captions[caption], way))
        return Corpus(spoken, self.source.sample_rate)

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Sample:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Sample]:
        seen = self.source.image_size is not None
        samples = self.scenes.__getitems__(indices) if seen else self.scenes.told(indices)[1]
        return [self._spoken(sample, index) for sample, index in zip(samples, indices, strict=True)]

    def _spoken(self, sample: Sample, index: int) -> Sample:
        said = self.corpus.utterances[index]
        return sample._replace(
            waveform=self.corpus[index],
            sample_rate=self.corpus.sample_rate,
            transcript=said.text,
            speaker=said.voice,
        )

    def texts(self) -> list[str]:
        """Every caption of the split; each transcript is one of them."""
        return self.scenes.texts()

    def lengths(self) -> list[float]:
        """The seconds of each sound."""
        return self.corpus.lengths()

    def speakers(self) -> list[str | None]:
        return [said.voice for said in self.corpus.utterances]
