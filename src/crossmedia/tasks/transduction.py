"""Speech to text by a transducer, frame by frame."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.data.batches import Meta, SpeechBatch
from crossmedia.limits import within
from crossmedia.losses.transducer import transducer_loss
from crossmedia.report.panels import Panel
from crossmedia.tasks.base import Task
from crossmedia.tasks.long_sounds import LONGEST, encoded
from crossmedia.tasks.transcripts import SCORES, Transcripts
from crossmedia.text.normalise import NAME
from crossmedia.text.transducer import transducer_beam_search, transducer_greedy


class TransducerRecognition(Task):
    """RNN transducer (Graves, 2012): CTC whose next token knows the tokens before it.

    `net(clips, tokens) -> logits (B, T, U + 1, V), lens (B,)`, with `encode`, `predict` and `join`. Scored by
    word and character error rate, greedily where `beam` is 1, else by beam search.
    """

    scores = SCORES

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
        beam: int = 1,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(beam=beam)
        self.beam = beam
        self.transcripts = Transcripts()

    def training_step(self, batch: SpeechBatch, batch_idx: int) -> Tensor:
        loss = self._losses(batch).mean()
        self.log("train/loss", loss, batch_size=len(batch.ids))
        return loss

    def score(self, batch: SpeechBatch, split: str) -> None:
        keep, size = batch.valid, int(batch.valid.sum())
        losses = self._losses(batch)[keep]
        self.log_score(split, "loss", losses.sum() / max(size, 1), size)
        net: Any = self.net
        features, lens = net.encode(batch.inputs)
        self.transcripts.score(self, batch, split, self._texts(features, lens, self.beam))

    def forget(self) -> None:
        super().forget()
        self.transcripts.forget()

    def notes(self, split: str) -> list[str]:
        return [f"texts compared as {NAME}"]

    @torch.inference_mode()
    def generate(self, *, audio: Any, beam: int | None = None) -> list[str]:
        """What is said in each sound: a path, a waveform (samples,) at the model's rate, or a list of them.

        Sounds may be of any length.
        """
        net: Any = self.net
        spacing, rate = net.encoder.samples_per_frame, self.meta.audio.sample_rate
        features, lens = encoded(net.encode, self.hear(audio, LONGEST), spacing, rate)
        return self._texts(features, lens, self.beam if beam is None else beam)

    def panels(self, split: str) -> list[Panel]:
        return self.transcripts.panels(self.records, self.meta.audio.sample_rate)

    def _losses(self, batch: SpeechBatch) -> Tensor:
        """-log p(text) a token, (B,)."""
        logits, frames = self.net(batch.inputs, batch.tokens)
        return transducer_loss(logits, batch.tokens, frames, batch.lens) / batch.lens.clamp(min=1)

    def _texts(self, features: Tensor, lens: Tensor, beam: int) -> list[str]:
        if beam == 1:
            found = transducer_greedy(self.net, features, lens)
        else:
            found = transducer_beam_search(self.net, features, lens, beam)
        return [self.meta.tokenizer.decode(tokens) for tokens in found]
