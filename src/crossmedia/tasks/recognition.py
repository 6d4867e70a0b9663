"""Speech to text by connectionist temporal classification."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.data.batches import Meta, SpeechBatch
from crossmedia.limits import within
from crossmedia.report.panels import Panel
from crossmedia.tasks.long_sounds import by_length, encoded
from crossmedia.tasks.recogniser import Recogniser
from crossmedia.text.arpa import Arpa, WordScores
from crossmedia.text.ctc import BLANK, ctc_beam_search, ctc_greedy, too_long

LM_BEAM = 16  # of a search with a language model, where none is asked for


class CTCRecognition(Recogniser):
    """Connectionist temporal classification (Graves et al., 2006): the sum over all alignments of a text.

    `net(clips) -> logits (B, T, V), lens (B,)`. Scored by word and character error rate, greedily where
    `beam` is 1, else by prefix beam search, with the n-gram model of words in the ARPA file `lm` where it is
    given: log p_ctc + `lm_weight` · log p_lm + `length_bonus` · tokens. Texts that have more tokens than
    frames have no loss; a note counts those of training.
    """

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
        beam: int = 1,
        lm: str | None = None,
        lm_weight: float = 0.5,
        length_bonus: float = 0.0,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(beam=beam, lm_weight=lm_weight, length_bonus=length_bonus)
        _need_room(beam, lm, length_bonus)
        self.beam, self.lm, self.lm_weight, self.length_bonus = beam, lm, lm_weight, length_bonus
        self._judge: WordScores | None = None

    def ready(self) -> None:
        if self.lm:
            self._judge = self._words_of(self.lm)

    def training_step(self, batch: SpeechBatch, batch_idx: int) -> Tensor:
        logits, frames = self.net(batch.inputs)
        losses, cut = self._losses(logits, frames, batch)
        loss = losses.mean()
        self.leave_out(cut)
        self.log("train/loss", loss, batch_size=len(batch.ids))
        return loss

    def score(self, batch: SpeechBatch, split: str) -> None:
        logits, frames = self.net(batch.inputs)
        losses, cut = self._losses(logits, frames, batch)
        self.log_mean(split, "loss", losses, batch.valid & ~cut)
        self.score_texts(batch, split, self._texts(logits, frames, self.beam, self._judge))
        if not self.posteriors and batch.valid.any():
            first = int(batch.valid.nonzero()[0])
            self.posteriors = [logits[first, : int(frames[first])].float().softmax(-1).cpu()]

    def forget(self) -> None:
        super().forget()
        self.posteriors: list[Tensor] = []  # (T, V) of the first record

    @torch.inference_mode()
    def generate(self, *, audio: Any, beam: int | None = None, lm: str | None = None) -> list[str]:
        """What is said in each sound: a path, a waveform (samples,) at the model's rate, or a list of them.

        Sounds may be up to two hours long. `lm` is an ARPA file; without it no language model has a word, not
        the one that the scores were made with either.
        """
        if beam is None:
            beam = max(self.beam, LM_BEAM) if lm else self.beam
        within(beam=beam)
        _need_room(beam, lm, self.length_bonus)
        judge = self._words_of(lm) if lm else None

        def write(waveforms: list[Tensor], longest: float) -> list[str]:
            net: Any = self.net
            rate = self.meta.audio.sample_rate
            found = encoded(net, waveforms, net.encoder.samples_per_frame, rate, longest)
            return by_length(partial(self._texts, beam=beam, judge=judge), found)

        return self.transcribed(audio, write)

    def heard(self) -> list[Panel]:
        return [*map(self.posteriors_over_time, self.posteriors)]

    def _words_of(self, path: str) -> WordScores:
        return WordScores(read_arpa(path), self.meta.tokenizer)

    def _losses(self, logits: Tensor, frames: Tensor, batch: SpeechBatch) -> tuple[Tensor, Tensor]:
        """-log p(text) a token (B,), 0 for a text without room, and which texts those are (B,)."""
        log_probs = logits.float().log_softmax(-1).transpose(0, 1)  # (T, B, V)
        loss = F.ctc_loss(log_probs, batch.tokens, frames, batch.lens, BLANK, "none", zero_infinity=True)
        return loss / batch.lens.clamp(min=1), too_long(batch.tokens, batch.lens, frames)

    def _texts(self, logits: Tensor, frames: Tensor, beam: int, judge: WordScores | None) -> list[str]:
        if beam == 1 and judge is None:
            found = ctc_greedy(logits, frames)
        else:
            found = ctc_beam_search(logits, frames, beam, judge, self.lm_weight, self.length_bonus)
        return self.decoded(found)


@cache
def read_arpa(path: str) -> Arpa:
    return Arpa(path)


def _need_room(beam: int, lm: str | None, length_bonus: float) -> None:
    if beam == 1 and (lm or length_bonus):
        raise ValueError(
            f"beam 1: must be at least 2 with a {'language model (lm)' if lm else 'length_bonus'}"
        )
