"""From sounds and what is said in them to the batch that synthesis needs."""

from collections.abc import Sequence

import torch
from torch import Generator
from torch.nn.utils.rnn import pad_sequence

from crossmedia.data.batches import Meta, Sample, SynthesisBatch
from crossmedia.data.views import clips_of
from crossmedia.errors import DataError
from crossmedia.text.frontend import SpeechText
from crossmedia.text.tokenizer import EOS


class SynthesisView:
    """Sounds and their texts as `front` writes them; with `by_speaker`, who speaks."""

    def __init__(self, front: SpeechText, by_speaker: bool = False):
        self.front = front
        self.needs = ("waveform", "transcript", *["speaker"] * by_speaker)

    def text(self, transcript: str) -> str:
        """What the tokenizer is given of a transcript."""
        return self.front(transcript)

    def __call__(
        self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta
    ) -> SynthesisBatch:
        said = [str(sample.transcript) for sample in samples]
        rows = [torch.tensor([*meta.tokenizer.encode(self.front(text)), EOS]) for text in said]
        numbers = [_number(sample, meta.speakers) for sample in samples if meta.speakers]
        return SynthesisBatch(
            inputs=clips_of(samples, draws, None),
            tokens=pad_sequence(rows, batch_first=True),
            lens=torch.tensor([len(row) for row in rows]),
            references=said,
            speakers=torch.tensor(numbers) if numbers else None,
            valid=torch.ones(len(samples), dtype=torch.bool),
            ids=[sample.id for sample in samples],
        )


def _number(sample: Sample, speakers: Sequence[str]) -> int:
    if str(sample.speaker) not in speakers:
        raise DataError(f"{sample.id}: speaker {sample.speaker} is not in the training split. Leave it out")
    return speakers.index(str(sample.speaker))
