"""Some of a split's samples, and why others are not among them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from crossmedia.data.batches import Sample, Split
from crossmedia.text.frontend import SpeechText


class Chosen:
    """The samples of a split at some indices, and their texts."""

    def __init__(self, split: Split, indices: list[int], texts: list[str]):
        self.split, self.indices, self._texts = split, indices, texts

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        return self.split[self.indices[index]]

    def texts(self) -> list[str]:
        return self._texts

    def lengths(self) -> list[float] | None:
        found = lengths_of(self.split)
        return found and [found[index] for index in self.indices]

    def objects(self) -> Tensor:
        split: Any = self.split
        return split.objects()[self.indices]

    def speakers(self) -> list[str | None]:
        split: Any = self.split
        found = split.speakers()
        return [found[index] for index in self.indices]


def lengths_of(split: Any) -> list[float] | None:
    """Seconds of each sample, where the split knows them without decoding."""
    return split.lengths() if hasattr(split, "lengths") else None


def legible(split: Split, front: SpeechText) -> tuple[Split, list[str]]:
    """The split without the samples whose text `front` cannot read, and a line for each of those."""
    texts, unread = split.texts(), {}
    for text in dict.fromkeys(texts):
        try:
            front.written(text)
        except ValueError as error:
            unread[text] = str(error).removeprefix("text: ")
    if not unread:
        return split, []
    places = range(len(split))
    if len(texts) == len(split):  # a text each: only those samples need to be decoded, for their names
        places = [index for index in places if texts[index] in unread]
    faults = {}
    for index in places:
        sample = split[index]
        if sample.transcript in unread:
            faults[index] = f"{sample.id}: {unread[sample.transcript]}"
    kept = [index for index in range(len(split)) if index not in faults]
    return Chosen(split, kept, [text for text in texts if text not in unread]), list(faults.values())


def of_speakers(split: Split, speakers: Sequence[str]) -> tuple[Split, list[str]]:
    """The split without the samples of other speakers, and a line for each of those speakers."""
    found: Any = split
    heard = list(map(str, found.speakers()))
    kept = [index for index, name in enumerate(heard) if name in speakers]
    if len(kept) == len(heard):
        return split, []
    others = Counter(name for name in heard if name not in speakers)
    fault = "whom no clip of training has. Leave them out"
    lines = [f"{number} clips of speaker {name}, {fault}" for name, number in sorted(others.items())]
    return Chosen(split, kept, texts_at(split, kept)), lines


def texts_at(split: Split, indices: list[int]) -> list[str]:
    """The texts of these samples; all, where a sample may have several."""
    texts = split.texts()
    return [texts[index] for index in indices] if len(texts) == len(split) else texts
