"""Mels to a waveform: a generator that discriminators teach."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.audio.pitch import Pitch
from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.data.batches import CropBatch, Meta
from crossmedia.limits import within
from crossmedia.metrics.copies import SCORES as COPY_SCORES
from crossmedia.metrics.copies import CopyQuality
from crossmedia.report.panels import Panel
from crossmedia.tasks.copy_synthesis import (
    Copies,
    Pairs,
    copied,
    followed,
    inner,
    mel_distances,
    need_fit,
    placed,
    score_copies,
    shown,
    told,
)
from crossmedia.tasks.frozen import Judge
from crossmedia.tasks.phases import Phase, PhasedTask
from crossmedia.tasks.round_trip import SCORES, RoundTrip


class GANVocoder(PhasedTask):
    """HiFi-GAN's game (Kong et al., 2020): least squares (Mao et al., 2017), `feature_weight` times the
    distance of what the discriminators' layers see, `mel_weight` times that of the mels.

    The discriminators begin after the part `start` of training; until then the generator learns the mels
    alone (Yamamoto et al., 2020, who begin at a quarter). A net that has a `source` learns the pitch that it
    reads from mels beside all this. Scored by copies of whole clips, `mel` as the mean distance of
    log-magnitudes in nats.
    """

    scores = {"mel": "min", **SCORES, **COPY_SCORES}

    def __init__(
        self,
        net: nn.Module,
        discriminator: nn.Module,
        mel: SpeechMel,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        discriminator_optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
        mel_weight: float = 45.0,
        feature_weight: float = 2.0,
        start: float = 0.0,
        judge: Judge | None = None,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(mel_weight=mel_weight, feature_weight=feature_weight, start=start)
        need_fit(net, mel)
        self.discriminator, self._discriminator_optimizer = discriminator, discriminator_optimizer
        self.mel = mel
        self.mel_weight, self.feature_weight, self.start = mel_weight, feature_weight, start
        self.copies, self.round_trip = Copies(), RoundTrip(judge)
        self.quality = CopyQuality(meta.audio.sample_rate)
        self.pitch = Pitch(meta.audio.sample_rate, mel.hop_length)

    def phases(self) -> list[Phase]:
        return [
            Phase("d", [self.discriminator], self._d_loss, self._discriminator_optimizer),
            Phase("g", [self.net], self._g_loss, self._optimizer),
        ]

    def _d_loss(self, batch: CropBatch) -> Tensor:
        if not self._playing:
            return torch.stack([weight.sum() for weight in self.discriminator.parameters()]).sum() * 0
        pairs = inner(batch.inputs, self.mel)
        with torch.no_grad():
            made = self.net(pairs.mels)
        real, fake = (self.discriminator(waveforms)[0] for waveforms in (pairs.waveforms, made))
        losses = [
            ((1 - r.float()) ** 2).mean() + (f.float() ** 2).mean() for r, f in zip(real, fake, strict=True)
        ]
        return torch.stack(losses).sum()

    def _g_loss(self, batch: CropBatch) -> Tensor:
        pairs = inner(batch.inputs, self.mel)
        made = self.net(pairs.mels)
        lens = pairs.frames * self.mel.hop_length
        again, real = (self.mel(waveforms, lens)[0] for waveforms in (made, pairs.waveforms))
        loss = self.mel_weight * mel_distances(self.mel, again, real).mean() + self._pitch_loss(batch, pairs)
        if not self._playing:
            return loss
        with torch.no_grad():
            _, wanted = self.discriminator(pairs.waveforms)
        scores, seen = self.discriminator(made)
        fooled = torch.stack([((1 - score.float()) ** 2).mean() for score in scores]).sum()
        apart = [F.l1_loss(s.float(), w.float()) for s, w in zip(seen, wanted, strict=True)]
        return loss + fooled + self.feature_weight * torch.stack(apart).sum()

    def _pitch_loss(self, batch: CropBatch, pairs: Pairs) -> Tensor:
        """What the net's source takes for the pitch, in log Hz, and for a voice, against what the crop by
        itself tells."""
        net: Any = self.net
        if getattr(net, "source", None) is None:
            return pairs.mels.new_zeros(())
        hertz = self.pitch(*batch.inputs)[:, pairs.first : pairs.first + pairs.mels.shape[1]]  # (B, T)
        voiced = hertz > 0
        found, logits = net.source.pitch(pairs.mels)
        away = (found - hertz.clamp(min=1).log()).abs() * voiced
        known = F.binary_cross_entropy_with_logits(logits, voiced.float())
        return known + away.sum() / voiced.sum().clamp(min=1)

    @property
    def _playing(self) -> bool:
        return self.progress > self.start

    def ready(self) -> None:
        self.round_trip.ready()

    def unscored(self) -> dict[str, str]:
        return self.round_trip.unscored() | self.quality.missing

    def score(self, batch: CropBatch, split: str) -> None:
        score_copies(self, batch, split)

    def forget(self) -> None:
        super().forget()
        self.copies = Copies()

    def waveforms(self, mels: Tensor, lens: Tensor) -> Tensor:
        """Normalised mels (B, T, M) and their frames (B,) -> (B, T · hop) in [-1, 1], sample t · hop in the
        middle of frame t, silence behind each clip's end.
        """
        net: Any = self.net
        made = net(followed(self.mel, mels, lens, net.context))
        return placed(made, self.mel.hop_length, mels.shape[1], lens)

    def generate(self, *, audio: Any) -> list[Tensor]:
        """Each sound made again from its mels: a path, a waveform (samples,) at the model's rate, or a list
        of them."""
        return copied(self, audio)

    def panels(self, split: str) -> list[Panel]:
        return shown(self)

    def notes(self, split: str) -> list[str]:
        return told(self, split)
