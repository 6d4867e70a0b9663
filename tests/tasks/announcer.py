"""A voice whose sound tells each character by a tone, and tiny synthesis tasks that are to learn it."""

import functools
import math

import torch
from torchmetrics import Metric

from crossmedia.audio.mels import LogMel
from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.batches import Clips, Meta, Sample
from crossmedia.data.spoken_view import SynthesisView
from crossmedia.text.frontend import SpeechText
from crossmedia.text.tokenizer import CharTokenizer

RATE, HOP, MELS = 8000, 128, 16
LETTERS = "abcd "
TEXTS = ["ab", "a cad", "bad", "dab a"]
FRONT = SpeechText()
META = Meta(
    seconds=2.0,
    longest=5,
    tokenizer=CharTokenizer().fit([*TEXTS, "."]),
    audio=AudioTransform(RATE),
    front=FRONT,
)
ADAM = functools.partial(torch.optim.Adam, lr=3e-3)


def said(text: str, each: int = 12 * HOP) -> torch.Tensor:
    """A tone a letter, silence for a blank."""
    time = torch.arange(each) / RATE
    tones = [110 * (1 + LETTERS.index(letter)) * (letter != " ") for letter in text]
    return 0.3 * torch.cat([torch.sin(2 * math.pi * hertz * time) for hertz in tones])


def samples(texts=TEXTS) -> list[Sample]:
    return [
        Sample(f"clip-{k}", waveform=said(text), sample_rate=RATE, transcript=text)
        for k, text in enumerate(texts)
    ]


def batch_of(texts=TEXTS, meta=META):
    return SynthesisView(FRONT)(samples(texts), None, meta)


def mel() -> SpeechMel:
    return SpeechMel(LogMel(RATE, 256, 256, HOP, MELS))


def one(batch, k):
    """The k-th clip of a batch alone, without padding."""
    length, tokens = int(batch.inputs.lens[k]), int(batch.lens[k])
    return batch._replace(
        inputs=Clips(batch.inputs.waveforms[k : k + 1, :length], batch.inputs.lens[k : k + 1]),
        tokens=batch.tokens[k : k + 1, :tokens],
        lens=batch.lens[k : k + 1],
        references=batch.references[k : k + 1],
        valid=batch.valid[k : k + 1],
        ids=batch.ids[k : k + 1],
    )


def computed(logged):
    """The values of the metrics among what was logged."""
    return {name: float(value.compute()) for name, value in logged.items() if hasattr(value, "compute")}


def forgotten(task):
    """Forget what was scored, its metrics too, which Lightning resets after each loop."""
    task.forget()
    for metric in task.modules():
        if isinstance(metric, Metric):
            metric.reset()
