"""Mels to a waveform: a flow, trained by exact likelihood."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.data.batches import CropBatch, Meta
from crossmedia.data.order import generator
from crossmedia.limits import within
from crossmedia.metrics.copies import SCORES as COPY_SCORES
from crossmedia.metrics.copies import CopyQuality
from crossmedia.report.panels import Panel
from crossmedia.tasks.base import Task
from crossmedia.tasks.copy_synthesis import (
    Copies,
    Pairs,
    copied,
    followed,
    inner,
    need_fit,
    placed,
    score_copies,
    shown,
    told,
    whole,
)
from crossmedia.tasks.frozen import Judge
from crossmedia.tasks.round_trip import SCORES, RoundTrip


class FlowVocoder(Task):
    """WaveGlow's objective (Prenger et al., 2019): -log p(waveform | mels), in nats a sample.

    Noise of deviation `noise` is added to the waveform, or the density of silence would grow without end;
    sounds are made of noise of deviation `sigma`. Scored by copies of whole clips, `mel` as the mean distance
    of log-magnitudes in nats, and by `nll` itself.
    """

    scores = {"mel": "min", "nll": "min", **SCORES, **COPY_SCORES}

    def __init__(
        self,
        net: nn.Module,
        mel: SpeechMel,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
        noise: float = 1e-3,
        sigma: float = 0.85,
        judge: Judge | None = None,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(noise=noise, sigma=sigma)
        need_fit(net, mel)
        self.mel, self.noise, self.sigma = mel, noise, sigma
        self.copies, self.round_trip = Copies(), RoundTrip(judge)
        self.quality = CopyQuality(meta.audio.sample_rate)

    def training_step(self, batch: CropBatch, batch_idx: int) -> Tensor:
        pairs = inner(batch.inputs, self.mel)
        loss = self._nll(pairs, torch.randn_like(pairs.waveforms)).mean()
        self.log("train/loss", loss, batch_size=len(batch.ids))
        return loss

    def ready(self) -> None:
        self.round_trip.ready()

    def unscored(self) -> dict[str, str]:
        return self.round_trip.unscored() | self.quality.missing

    def score(self, batch: CropBatch, split: str) -> None:
        pairs = whole(batch.inputs, self.mel)
        own = self._nll(pairs, self._draws("score", pairs.frames, batch.ids, pairs.mels.shape[1]))[
            batch.valid
        ]
        size = len(own)
        for name in ("nll", "loss"):
            self.log_score(split, name, own.sum() / max(size, 1), size)
        score_copies(self, batch, split)

    def forget(self) -> None:
        super().forget()
        self.copies = Copies()

    def waveforms(self, mels: Tensor, lens: Tensor) -> Tensor:
        """Normalised mels (B, T, M) and their frames (B,) -> (B, T · hop) in [-1, 1], sample t · hop in the
        middle of frame t, silence behind each clip's end.
        """
        net: Any = self.net
        frames = lens + 1  # a sound ends within the frame behind its last middle
        longer = followed(self.mel, mels, lens, 1 + net.context)
        noise = self.sigma * self._draws("sound", frames, [""] * len(lens), longer.shape[1])
        noise = noise.unflatten(1, (-1, net.group)).transpose(1, 2)  # (B, K, G)
        return placed(net.inverse(noise, longer, frames), self.mel.hop_length, mels.shape[1], lens)

    def generate(self, *, audio: Any) -> list[Tensor]:
        """Each sound made again from its mels: a path, a waveform (samples,) at the model's rate, or a list
        of them."""
        return copied(self, audio)

    def panels(self, split: str) -> list[Panel]:
        return shown(self)

    def notes(self, split: str) -> list[str]:
        return told(self, split)

    def _nll(self, pairs: Pairs, draws: Tensor) -> Tensor:
        """Nats a sample of each clip (B,)."""
        noise, log_det = self.net(pairs.waveforms + self.noise * draws, pairs.mels, pairs.frames)
        size = pairs.frames * self.mel.hop_length
        energy = 0.5 * noise.float().square().sum((1, 2))
        return (energy - log_det) / size + 0.5 * math.log(2 * math.pi)

    def _draws(self, name: str, frames: Tensor, ids: Sequence[str], most: int) -> Tensor:
        """Standard noise for so many frames of each clip, the same in every batch: (B, most · hop)."""
        hop = self.mel.hop_length
        drawn = torch.zeros(len(ids), most * hop)
        for row, (count, own) in enumerate(zip(frames.tolist(), ids, strict=True)):
            drawn[row, : count * hop] = torch.randn(count * hop, generator=generator(name, own, count))
        return drawn.to(self.device)
