"""Speech to text by a transducer, frame by frame."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.data.batches import Meta, SpeechBatch
from crossmedia.limits import within
from crossmedia.losses.transducer import transducer_loss
from crossmedia.report.panels import Panel
from crossmedia.tasks.long_sounds import by_length, encoded
from crossmedia.tasks.recogniser import Recogniser
from crossmedia.text.transducer import greedy_path, transducer_beam_search, transducer_greedy


class TransducerRecognition(Recogniser):
    """RNN transducer (Graves, 2012): CTC whose next token knows the tokens before it.

    `net(clips, tokens) -> logits (B, T, U + 1, V), lens (B,)`, with `encode`, `predict` and `join`. Scored by
    word and character error rate, greedily where `beam` is 1, else by beam search.
    """

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

    def training_step(self, batch: SpeechBatch, batch_idx: int) -> Tensor:
        logits, frames = self.net(batch.inputs, batch.tokens)
        loss = self._losses(logits, frames, batch).mean()
        self.log("train/loss", loss, batch_size=len(batch.ids))
        return loss

    def score(self, batch: SpeechBatch, split: str) -> None:
        keep, size = batch.valid, int(batch.valid.sum())
        net: Any = self.net
        features, lens = net.encode(batch.inputs)
        losses = self._losses(net.joined(features, batch.tokens), lens, batch)[keep]
        self.log_score(split, "loss", losses.sum() / max(size, 1), size)
        self.score_texts(batch, split, self._texts(features, lens, self.beam))

    @torch.inference_mode()
    def generate(self, *, audio: Any, beam: int | None = None) -> list[str]:
        """What is said in each sound: a path, a waveform (samples,) at the model's rate, or a list of them.

        Sounds may be up to two hours long.
        """

        def write(waveforms: list[Tensor], longest: float) -> list[str]:
            net: Any = self.net
            spacing, rate = net.encoder.samples_per_frame, self.meta.audio.sample_rate
            found = encoded(net.encode, waveforms, spacing, rate, longest)
            return by_length(partial(self._texts, beam=self.beam if beam is None else beam), found)

        return self.transcribed(audio, write)

    @torch.inference_mode()
    def heard(self) -> list[Panel]:
        """What the net gives each frame of the first clip, all steps of the frame together."""
        net: Any = self.net
        features, lens = net.encode(self.first_clip())
        tokens = torch.tensor(transducer_greedy(net, features, lens), device=self.device, dtype=torch.long)
        probs = net.joined(features, tokens)[0].float().softmax(-1)  # (T, U + 1, V)
        return [self.posteriors_over_time(greedy_path(probs))]

    def _losses(self, logits: Tensor, frames: Tensor, batch: SpeechBatch) -> Tensor:
        """-log p(text) a token, (B,)."""
        return transducer_loss(logits, batch.tokens, frames, batch.lens) / batch.lens.clamp(min=1)

    def _texts(self, features: Tensor, lens: Tensor, beam: int) -> list[str]:
        if beam == 1:
            found = transducer_greedy(self.net, features, lens)
        else:
            found = transducer_beam_search(self.net, features, lens, beam)
        return self.decoded(found)
