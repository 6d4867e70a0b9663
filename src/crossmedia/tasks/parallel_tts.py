"""Text to speech, all frames at once, in a way that may be chosen."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.audio.pitch import Pitch
from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.data.batches import Meta, SynthesisBatch
from crossmedia.limits import within
from crossmedia.metrics.speech import SCORES as SPEECH_SCORES
from crossmedia.nets.fastspeech import Style
from crossmedia.nets.masks import mask_of
from crossmedia.report.panels import Panel
from crossmedia.tasks.frozen import Aligner, Judge, Vocoder
from crossmedia.tasks.mel_pairs import mel_panels
from crossmedia.tasks.round_trip import SCORES
from crossmedia.tasks.synthesis import Made, Synthesis
from crossmedia.trainer.ddp import gathered

VOICED = 0.5  # of a character's frames, which give it a pitch
SEMITONE = math.log(2) / 12  # in a logarithm of frequency


class Way(NamedTuple):
    """How one clip was spoken, a number a character: (L,) each."""

    durations: Tensor  # frames
    pitch: Tensor  # log Hz, 0 where there is no voice
    energy: Tensor  # mean of the normalised mels


class ParallelTTS(Synthesis):
    """FastSpeech 2's objective (Ren et al., 2021): mels, and the logarithm of each character's duration, its
    pitch and its energy.

    `aligner` tells the durations of training, and of scored clips for the loss, which is left out where it is
    missing. `net(tokens, lens, style, speakers) -> mels, Foreseen`, with
    `speak` and `speakers`. What a clip of training was like is found once, before the first step.
    """

    scores = {**SPEECH_SCORES, "loss": "min", "cut": "min", **SCORES}

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        mel: SpeechMel,
        aligner: Aligner,
        schedule: Callable[..., LRScheduler] | None = None,
        vocoder: Vocoder | None = None,
        judge: Judge | None = None,
    ):
        super().__init__(net, meta, optimizer, mel, schedule, vocoder, judge)
        self.aligner = aligner
        self.pitch_of = Pitch(meta.audio.sample_rate, mel.hop_length)
        self.pitch_mean: Tensor
        self.pitch_deviation: Tensor
        self.register_buffer("pitch_mean", torch.zeros(()))
        self.register_buffer("pitch_deviation", torch.ones(()))
        self._ways: dict[str, Way] = {}

    def ready(self) -> None:
        super().ready()
        if not self.aligner.missing:
            self.ready_to_learn()

    def ready_to_learn(self) -> None:
        self.aligner.read(self.mel, self.meta)

    def unscored(self) -> dict[str, str]:
        missing = self.aligner.missing
        return super().unscored() | ({"loss": missing} if missing else {})

    def notes(self, split: str) -> list[str]:
        missing = self.aligner.missing
        return [*super().notes(split), *([f"{split}: no loss: {missing}"] if missing else [])]

    @torch.no_grad()
    def on_train_start(self) -> None:
        """Find how each clip of training is spoken, and the voice's mean pitch."""
        found: list[tuple[str, Way]] = []
        for batch in self.data.loader("train"):
            batch = self.on_before_batch_transfer(batch, 0)  # raises what could not be read
            batch = self.transfer_batch_to_device(batch, self.device, 0)
            named = zip(batch.ids, self._spoken(batch), strict=True)
            found += [pair for pair, valid in zip(named, batch.valid, strict=True) if valid]
        self._ways = dict(gathered(found))
        pitches = torch.cat([way.pitch for way in self._ways.values()])
        voiced = pitches[pitches > 0]
        if len(voiced) > 1:
            self.pitch_mean.copy_(voiced.mean())
            self.pitch_deviation.copy_(voiced.std().clamp(min=SEMITONE))

    def training_step(self, batch: SynthesisBatch, batch_idx: int) -> Tensor:
        ways = [self._ways[name] for name in batch.ids]
        losses = {name: values.mean() for name, values in self._losses(batch, ways).items()}
        for name, value in losses.items():
            self.log(f"train/{name}", value, batch_size=len(batch.ids))
        loss = sum(losses.values(), torch.zeros((), device=self.device))
        self.log("train/loss", loss, batch_size=len(batch.ids))
        return loss

    def score(self, batch: SynthesisBatch, split: str) -> None:
        size = int(batch.valid.sum())
        if not self.aligner.missing:
            each = torch.stack([*self._losses(batch, self._spoken(batch)).values()]).sum(0)
            self.log_mean(split, "loss", each, batch.valid)
        with self.pace.working():
            made = self._speak(batch.tokens, batch.lens, batch.speakers)
        if self.first is None and size:
            k = int(batch.valid.nonzero()[0])
            real, frames = self.mel(batch.inputs.waveforms, batch.inputs.lens)
            self.first = (real[k, : int(frames[k])].cpu(), made.mels[k, : int(made.frames[k])].cpu())
        self.score_speech(batch, split, made)

    def forget(self) -> None:
        super().forget()
        self.first: tuple[Tensor, Tensor] | None = None  # real and made mels

    @torch.inference_mode()
    def generate(
        self,
        *,
        text: Any,
        vocoder: str | None = None,
        speaker: str | None = None,
        speed: float = 1.0,
        pitch: float = 0.0,
    ) -> list[Tensor]:
        """Each text spoken, (samples,) at the model's rate; text is one or a list.

        `speed` times as fast, `pitch` semitones higher; `vocoder` is a run that makes
        the sound, in place of the model's own. Raises ValueError for a character that training did not have,
        and for a text without words.
        """
        within(speed=speed, pitch=pitch)

        def speak(tokens: Tensor, lens: Tensor, speakers: Tensor | None) -> Made:
            return self._speak(tokens, lens, speakers, speed, pitch)

        return self.synthesised(text, speaker, vocoder, speak)

    def looked(self) -> list[Panel]:
        return mel_panels(self.mel, *self.first, self.meta.audio.sample_rate) if self.first else []

    def _speak(
        self, tokens: Tensor, lens: Tensor, speakers: Tensor | None, speed: float = 1.0, pitch: float = 0.0
    ) -> Made:
        net: Any = self.net
        higher = float(pitch * SEMITONE / self.pitch_deviation)
        most = (self.limits(lens) / speed).ceil().long()
        return Made(*net.speak(tokens, lens, most, speakers, speed, higher))

    def _spoken(self, batch: SynthesisBatch) -> list[Way]:
        """How the clips of a batch are spoken, on the CPU."""
        mels, _ = self.mel(batch.inputs.waveforms, batch.inputs.lens)
        hertz = self.pitch_of(batch.inputs.waveforms, batch.inputs.lens).cpu()  # (B, T)
        loud = mels.mean(-1).cpu()
        found = []
        for k, durations in enumerate(self.aligner.durations(batch, self.mel)):
            frames = int(durations.sum())
            owner = torch.repeat_interleave(torch.arange(len(durations)), durations)  # (T,)
            voiced = hertz[k, :frames] > 0
            pitch = _means(hertz[k, :frames][voiced].log(), owner[voiced], len(durations))
            heard = _means(voiced.float(), owner, len(durations)) >= VOICED
            found.append(Way(durations, pitch * heard, _means(loud[k, :frames], owner, len(durations))))
        return found

    def _losses(self, batch: SynthesisBatch, ways: list[Way]) -> dict[str, Tensor]:
        """Each clip's, (B,)."""
        net: Any = self.net
        mels, frames = self.mel(batch.inputs.waveforms, batch.inputs.lens)
        durations, pitch, energy = (
            pad_sequence(list(part), batch_first=True).to(self.device) for part in zip(*ways, strict=True)
        )
        pitch = torch.where(pitch > 0, (pitch - self.pitch_mean) / self.pitch_deviation, 0.0)
        made, foreseen = net(batch.tokens, batch.lens, Style(durations, pitch, energy), batch.speakers)
        kept = mask_of(frames, mels.shape[1])
        away = ((made - mels).float().abs().mean(-1) * kept).sum(1) / frames
        targets = {"duration": durations.float().log1p(), "pitch": pitch, "energy": energy}
        losses = {"mel": away}
        for (name, target), found in zip(targets.items(), foreseen, strict=True):
            each = F.mse_loss(found.float(), target, reduction="none") * mask_of(batch.lens, found.shape[1])
            losses[name] = each.sum(1) / batch.lens
        return losses


def _means(values: Tensor, owner: Tensor, count: int) -> Tensor:
    """The mean of the values (T,) of each owner, (count,); 0 for one that has none."""
    total = torch.zeros(count).index_add_(0, owner, values)
    return total / torch.bincount(owner, minlength=count).clamp(min=1)
