"""Text to speech by attention, a few frames at a time."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.audio.durations import durations_of
from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.data.batches import Clips, Meta, SynthesisBatch
from crossmedia.limits import within
from crossmedia.losses.attention import guided
from crossmedia.metrics.speech import SCORES as SPEECH_SCORES
from crossmedia.metrics.speech import diagonality
from crossmedia.nets.masks import mask_of
from crossmedia.nets.tacotron import Said, Spoken
from crossmedia.report.panels import Panel
from crossmedia.tasks.frozen import Judge, Vocoder
from crossmedia.tasks.mel_pairs import attention_grid, mel_panels
from crossmedia.tasks.round_trip import SCORES
from crossmedia.tasks.synthesis import Made, Synthesis

END_WEIGHT = 8.0  # of a clip's one last step among its many others


class TTS(Synthesis):
    """Tacotron 2's objective (Shen et al., 2018): each step's frames before and after the post-net, and
    whether it is the last; `l1` is the weight of the frames' absolute errors beside the squared ones, which
    blur less (Hayashi et al., 2020), and `guide` that of guided attention (Tachibana et al., 2018).

    `net(tokens, lens, mels, frames, speakers) -> Spoken`, with `speak`, `reduction` and `speakers`.
    """

    scores = {**SPEECH_SCORES, "loss": "min", "diagonality": "max", "cut": "min", **SCORES}

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        mel: SpeechMel,
        schedule: Callable[..., LRScheduler] | None = None,
        vocoder: Vocoder | None = None,
        judge: Judge | None = None,
        l1: float = 0.0,
        guide: float = 1.0,
    ):
        super().__init__(net, meta, optimizer, mel, schedule, vocoder, judge)
        within(l1=l1, guide=guide)
        self.l1, self.guide = l1, guide

    def training_step(self, batch: SynthesisBatch, batch_idx: int) -> Tensor:
        losses = {name: values.mean() for name, values in self._losses(batch)[0].items()}
        for name, value in losses.items():
            self.log(f"train/{name}", value, batch_size=len(batch.ids))
        loss = self._total(losses)
        self.log("train/loss", loss, batch_size=len(batch.ids))
        return loss

    def score(self, batch: SynthesisBatch, split: str) -> None:
        keep, size = batch.valid, int(batch.valid.sum())
        losses, _, real, frames = self._losses(batch)
        each = self._total(losses)
        self.log_score(split, "loss", (each * keep).sum() / max(size, 1), size)
        net: Any = self.net
        with self.pace.working():
            said = net.speak(batch.tokens, batch.lens, self._most(batch.lens), batch.speakers)
        straight = diagonality(said.attention, said.frames // net.reduction, batch.lens)
        self.log_score(split, "diagonality", (straight * keep).sum() / max(size, 1), size)
        if self.first is None and size:
            k = int(keep.nonzero()[0])
            steps = int(said.frames[k]) // net.reduction
            self.first = (
                real[k, : int(frames[k])].cpu(),
                said.mels[k, : int(said.frames[k])].cpu(),
                said.attention[k, :steps, : int(batch.lens[k])].cpu(),
            )
        self.score_speech(batch, split, Made(said.mels, said.frames, said.finished))

    def forget(self) -> None:
        super().forget()
        self.first: tuple[Tensor, Tensor, Tensor] | None = None  # real and made mels, attention

    @torch.inference_mode()
    def generate(self, *, text: Any, vocoder: str | None = None, speaker: str | None = None) -> list[Tensor]:
        """Each text spoken, (samples,) at the model's rate; text is one or a list.

        `vocoder` is a run that makes the sound, in place of the model's own. Raises ValueError for a
        character that training did not have, and for a text without words.
        """
        return self.synthesised(text, speaker, vocoder, self._speak)

    @torch.inference_mode()
    def durations(self, batch: SynthesisBatch) -> list[Tensor]:
        """The frames of each character of each clip, (L,) int64 with the end, which sum up to the clip's."""
        net: Any = self.net
        spoken = self._losses(batch)[1]
        frames = self.mel.mel.frames(batch.inputs.lens)
        found = []
        for k, (count, length) in enumerate(zip(frames.tolist(), batch.lens.tolist(), strict=True)):
            steps = -(-count // net.reduction)  # of its own: behind them the batch's longest goes on
            own = spoken.attention[k : k + 1, None, :steps, :length].float()
            fine = F.interpolate(own, (steps * net.reduction, length), mode="bilinear")[0, 0]  # (T, L)
            found.append(durations_of(fine[:count]))
        return found

    def looked(self) -> list[Panel]:
        if self.first is None:
            return []
        real, made, attention = self.first
        return [attention_grid(attention), *mel_panels(self.mel, real, made, self.meta.audio.sample_rate)]

    def _speak(self, tokens: Tensor, lens: Tensor, speakers: Tensor | None) -> Made:
        net: Any = self.net
        said: Said = net.speak(tokens, lens, self._most(lens), speakers)
        return Made(said.mels, said.frames, said.finished)

    def _most(self, lens: Tensor) -> Tensor:
        net: Any = self.net
        return (self.limits(lens) // net.reduction).clamp(min=1)

    def _losses(self, batch: SynthesisBatch) -> tuple[dict[str, Tensor], Spoken, Tensor, Tensor]:
        """Each clip's losses (B,), what the net gave, the real mels and their frames."""
        net: Any = self.net
        mels, frames = self._target(batch.inputs)
        spoken: Spoken = net(batch.tokens, batch.lens, mels, frames, batch.speakers)
        kept = mask_of(frames, mels.shape[1])
        steps = frames // net.reduction
        errors = torch.stack([spoken.before - mels, spoken.mels - mels]).float()  # (2, B, T, M)
        away = (errors.square() + self.l1 * errors.abs()).sum(0)
        last = mask_of(steps, spoken.stops.shape[1]) & ~mask_of(steps - 1, spoken.stops.shape[1])
        weight = torch.tensor(END_WEIGHT, device=mels.device)
        ends = F.binary_cross_entropy_with_logits(
            spoken.stops.float(), last.float(), reduction="none", pos_weight=weight
        )
        losses = {
            "mel": (away.mean(-1) * kept).sum(1) / frames,
            "end": (ends * mask_of(steps, ends.shape[1])).sum(1) / steps,
            "guide": guided(spoken.attention.float(), steps, batch.lens),
        }
        return losses, spoken, mels, frames

    def _total(self, losses: dict[str, Tensor]) -> Tensor:
        return losses["mel"] + losses["end"] + self.guide * losses["guide"]

    def _target(self, clips: Clips) -> tuple[Tensor, Tensor]:
        """The mels of whole steps: what a last one lacks is silence."""
        net: Any = self.net
        lens = clips.lens + 0
        mels, frames = self.mel(clips.waveforms, lens)
        steps = (frames + net.reduction - 1) // net.reduction
        whole = steps * net.reduction
        mels = F.pad(mels, (0, 0, 0, int(whole.max()) - mels.shape[1]))
        rest = mask_of(whole, mels.shape[1]) & ~mask_of(frames, mels.shape[1])
        return torch.where(rest[..., None], self.mel.silence, mels), whole
