"""A split of utterances that espeak-ng speaks."""

from collections.abc import Sequence

from crossmedia.audio.corpus import Corpus
from crossmedia.data.batches import Sample


class SpokenSplit:
    """A sample for each sound of `corpus`; where there are `classes`, the text is one of them."""

    def __init__(self, name: str, corpus: Corpus, classes: Sequence[str] = ()):
        self.name, self.corpus, self.classes = name, corpus, classes

    def __len__(self) -> int:
        return len(self.corpus)

    def __getitem__(self, index: int) -> Sample:
        index = range(len(self))[index]
        said = self.corpus.utterances[index]
        return Sample(
            f"{self.name}-{index}",
            label=self.classes.index(said.text) if self.classes else None,
            waveform=self.corpus[index],
            sample_rate=self.corpus.sample_rate,
            transcript=said.text,
            speaker=said.voice,
        )

    def texts(self) -> list[str]:
        return [said.text for said in self.corpus.utterances]

    def lengths(self) -> list[float]:
        """The seconds of each sound."""
        return self.corpus.lengths()

    def speakers(self) -> list[str | None]:
        return [said.voice for said in self.corpus.utterances]
