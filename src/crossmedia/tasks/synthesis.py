"""What every synthesis of speech has: texts to speak, sound by a vocoder, what a recogniser hears in it."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.data.batches import Meta, SynthesisBatch, one_of
from crossmedia.errors import brief
from crossmedia.metrics.speech import SpeechQuality
from crossmedia.report.panels import Panel, Sound
from crossmedia.tasks.base import Task
from crossmedia.tasks.frozen import Judge, Vocoder
from crossmedia.tasks.pace import Pace
from crossmedia.tasks.round_trip import RoundTrip
from crossmedia.text.frontend import need_known
from crossmedia.text.tokenizer import EOS

TOGETHER = 16  # texts that are spoken at once
PAUSE = 0.2  # seconds between the sentences of a text
SLOWEST = 0.15  # seconds a character, and `SPARE` for the text: what is longer has run away
SPARE = 1.0
PLAYED = 6


class Made(NamedTuple):
    mels: Tensor  # (B, T, M), zeros behind each clip's end
    frames: Tensor  # (B,)
    finished: Tensor  # (B,) false where the limit cut it


Speak = Callable[[Tensor, Tensor, Tensor | None], Made]  # tokens (B, L), lens (B,), speakers (B,)


class Synthesis(Task):
    """A task that speaks texts.

    `mel` makes the mels that its net predicts, `vocoder` sound of them, and `judge` texts of the sound: the
    round trip, scored by word and character error rate. Without a judge there are no such scores.
    """

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        mel: SpeechMel,
        schedule: Callable[..., LRScheduler] | None = None,
        vocoder: Vocoder | None = None,
        judge: Judge | None = None,
    ):
        super().__init__(net, meta, optimizer, schedule)
        _need_speakers(net, len(meta.speakers))
        self.mel, self.vocoder = mel, vocoder or Vocoder()
        self.quality = SpeechQuality(self.meta.audio.sample_rate)
        self.round_trip = RoundTrip(judge)
        self._given: dict[str, Vocoder] = {}  # by the runs that `generate` was given
        self.forget()

    def forget(self) -> None:
        super().forget()
        self.sounds: list[tuple[dict[str, Any], Tensor, Tensor]] = []  # record, real, made
        self.pace = Pace()

    def ready(self) -> None:
        self.vocoder.read(self.mel)
        self.round_trip.ready()

    def unscored(self) -> dict[str, str]:
        return self.round_trip.unscored()

    def score_speech(self, batch: SynthesisBatch, split: str, made: Made) -> None:
        """Log how the made speech of a batch differs from the real one, and add its records."""
        keep = batch.valid.nonzero().flatten().tolist()
        size, rate = len(keep), self.meta.audio.sample_rate
        with self.pace.working():
            sound = self.vocoder.waveforms(self.mel, made.mels, made.frames).cpu()
        lens = ((made.frames - 1).clamp(min=1) * self.mel.hop_length).tolist()
        self.pace.sound += sum(lens) / rate
        spoken = [sound[k, : lens[k]] for k in keep]
        real = [one_of(batch.inputs, k) for k in keep]
        texts = [batch.references[k] for k in keep]
        self.quality.update(spoken, real)
        for name, value in self.quality.scores().items():
            self.log_score(split, name, value, size)
        cut = sum(not made.finished[k] for k in keep)
        self.log_score(split, "cut", cut / max(size, 1), size)
        heard = self.round_trip.score(self, split, spoken, real, texts)
        for place, k in enumerate(keep):
            record = {"id": batch.ids[k], "reference": texts[place], **heard[place]}
            self.records.append(record | {"seconds": round(len(spoken[place]) / rate, 3)})
            if len(self.sounds) < PLAYED:
                self.sounds.append((record, real[place], spoken[place]))

    def notes(self, split: str) -> list[str]:
        heard = f"sound by {self.vocoder.name}; {self.round_trip.note()}"
        return [f"{split}: {words}" for words in (self.pace.told(self.device.type), heard)]

    def panels(self, split: str) -> list[Panel]:
        found: list[Panel] = [*self.looked()]
        for record, real, made in self.sounds:
            heard = "" if record["output"] is None else f"; heard: {record['output'] or '(nothing)'}"
            rate = self.meta.audio.sample_rate
            found.append(Sound(f"{record['id']}, made", made, rate, f"{record['reference']}{heard}"))
            found.append(Sound(f"{record['id']}, real", real, rate, record["reference"]))
        return found

    def looked(self) -> list[Panel]:
        """What the net makes of the first text, to stand above the sounds."""
        return []

    def synthesised(self, text: Any, speaker: str | None, vocoder: str | None, speak: Speak) -> list[Tensor]:
        """The sound (samples,) of each text; a long one is spoken in parts.

        A text that does not come to its end is cut at `SLOWEST` seconds a character, and named.
        """
        texts = [text] if isinstance(text, str) else list(text)
        parts = [self._parts(one) for one in texts]
        who = self._speaker(speaker)
        sound_of = self._given.setdefault(vocoder, Vocoder(vocoder)) if vocoder else self.vocoder
        sounds: list[Tensor] = []
        every = [part for own in parts for part in own]
        for start in range(0, len(every), TOGETHER):
            some = every[start : start + TOGETHER]
            tokens, lens = self.tokens(some)
            made = speak(tokens, lens, None if who is None else tokens.new_full((len(some),), who))
            waveforms = sound_of.waveforms(self.mel, made.mels, made.frames).float().cpu()
            ends = (made.frames - 1).clamp(min=1) * self.mel.hop_length
            sounds += [waveform[:end] for waveform, end in zip(waveforms, ends.tolist(), strict=True)]
            for part, end, finished in zip(some, ends.tolist(), made.finished.tolist(), strict=True):
                if not finished:
                    seconds = end / self.meta.audio.sample_rate
                    print(f'text "{part}": did not end in {seconds:.1f} s; cut there', file=sys.stderr)
        each = iter(sounds)
        silence = torch.zeros(round(PAUSE * self.meta.audio.sample_rate))
        return [self._joined([next(each) for _ in own], silence) for own in parts]

    def limits(self, lens: Tensor) -> Tensor:
        """The most frames that texts of so many tokens (B,), the end among them, may have."""
        rate = self.meta.audio.sample_rate / self.mel.hop_length
        return ((SPARE + SLOWEST * (lens - 1)) * rate).ceil().long()

    def tokens(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Of texts as the front end writes them, each with its end: (B, L) and (B,)."""
        rows = [torch.tensor([*self.meta.tokenizer.encode(text), EOS]) for text in texts]
        lens = torch.tensor([len(row) for row in rows])
        return pad_sequence(rows, batch_first=True).to(self.device), lens.to(self.device)

    def _parts(self, text: str) -> list[str]:
        try:
            parts = self.meta.front.sentences(text, self.meta.longest)
            if not parts:
                raise ValueError("has no words to speak")
            for part in parts:
                need_known(part, self.meta.tokenizer)
        except ValueError as error:
            raise ValueError(f'"{brief(text)}": {str(error).removeprefix("text: ")}') from error
        return parts

    def _speaker(self, name: str | None) -> int | None:
        known = self.meta.speakers
        if not known:
            if name is not None:
                raise ValueError(f"speaker {name}: this model has one voice")
            return None
        if name is not None and name not in known:
            raise ValueError(f"speaker {name}: must be one of {', '.join(known)}")
        return known.index(name) if name else 0

    @staticmethod
    def _joined(parts: Sequence[Tensor], silence: Tensor) -> Tensor:
        return torch.cat([piece for part in parts for piece in (silence, part)][1:])


def _need_speakers(net: Any, told: int) -> None:
    """ValueError unless the net has a vector for each speaker of the data, and none where they tell none."""
    if net.speakers < told:
        raise ValueError(f"net.speakers {net.speakers}: must be at least {told}, as many as the data have")
    if net.speakers and not told:
        raise ValueError(f"net.speakers {net.speakers}: must be 0 without data.view.by_speaker=true")
