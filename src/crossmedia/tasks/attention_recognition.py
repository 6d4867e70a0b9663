"""Speech to text by attention, with CTC at its side."""

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.data.batches import Clips, Meta, SpeechBatch
from crossmedia.limits import within
from crossmedia.nets.masks import mask_of
from crossmedia.report.panels import Matrix, Panel
from crossmedia.tasks.base import Task
from crossmedia.tasks.long_sounds import LONGEST, TOGETHER, pieces
from crossmedia.tasks.transcripts import SCORES, Transcripts
from crossmedia.text.ctc import BLANK
from crossmedia.text.decoding import Hypothesis, beam_search
from crossmedia.text.joining import joined
from crossmedia.text.normalise import NAME
from crossmedia.text.tokenizer import BOS, EOS, PAD


class Seq2SeqRecognition(Task):
    """Listen, attend and spell (Chan et al., 2016) with CTC on the encoder (Watanabe et al., 2017).

    The loss is (1 - `ctc_weight`) · cross entropy of the decoder a token + `ctc_weight` · CTC a token. Scored
    by word and character error rate of beam search over the decoder; `max_len` in tokens.
    """

    scores = {**SCORES, "cut": "min"}

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
        ctc_weight: float = 0.3,
        label_smoothing: float = 0.0,
        beam: int = 4,
        max_len: int = 200,
        length_penalty: float = 0.6,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(ctc_weight=ctc_weight, label_smoothing=label_smoothing)
        within(beam=beam, max_len=max_len, length_penalty=length_penalty)
        self.ctc_weight, self.label_smoothing = ctc_weight, label_smoothing
        self.beam, self.max_len, self.length_penalty = beam, max_len, length_penalty
        self.transcripts = Transcripts()

    def training_step(self, batch: SpeechBatch, batch_idx: int) -> Tensor:
        attention, ctc = self._losses(batch, self.label_smoothing)
        self.log("train/attention", attention, batch_size=len(batch.ids))
        self.log("train/ctc", ctc, batch_size=len(batch.ids))
        loss = (1 - self.ctc_weight) * attention + self.ctc_weight * ctc
        self.log("train/loss", loss, batch_size=len(batch.ids))
        return loss

    def score(self, batch: SpeechBatch, split: str) -> None:
        size = int(batch.valid.sum())
        attention, ctc = self._losses(batch._replace(lens=batch.lens * batch.valid))
        loss = (1 - self.ctc_weight) * attention + self.ctc_weight * ctc
        self.log_score(split, "loss", loss, size)
        found = self._search(batch.inputs)
        texts = [self.meta.tokenizer.decode(hypothesis.tokens) for hypothesis in found]
        self.transcripts.score(self, batch, split, texts)
        open_ = sum(not h.finished for h, valid in zip(found, batch.valid.tolist(), strict=True) if valid)
        self.log_score(split, "cut", open_ / max(size, 1), size)
        if self.first is None and size:
            place = int(batch.valid.nonzero()[0])
            length = batch.inputs.lens[place : place + 1]
            waveform = batch.inputs.waveforms[place : place + 1, : int(length)]
            self.first = Clips(waveform, length), found[place]

    def forget(self) -> None:
        super().forget()
        self.transcripts.forget()
        self.first: tuple[Clips, Hypothesis] | None = None

    def notes(self, split: str) -> list[str]:
        return [f"texts compared as {NAME}"]

    @torch.inference_mode()
    def generate(self, *, audio: Any, beam: int | None = None) -> list[str]:
        """What is said in each sound: a path, a waveform (samples,) at the model's rate, or a list of them.

        Sounds may be of any length: of a long one overlapping pieces are heard, and their texts joined at the
        words that they have in common.
        """
        rate = self.meta.audio.sample_rate
        sounds = [pieces(waveform, rate) for waveform in self.hear(audio, LONGEST)]
        every = [piece for parts in sounds for piece in parts]
        texts: list[str] = []
        for start in range(0, len(every), TOGETHER):
            part = every[start : start + TOGETHER]
            lens = torch.tensor([len(piece) for piece in part], device=self.device)
            found = self._search(Clips(pad_sequence(part, batch_first=True), lens), beam)
            texts += [self.meta.tokenizer.decode(hypothesis.tokens) for hypothesis in found]
        ends = list(accumulate(map(len, sounds)))
        return [joined(texts[end - len(parts) : end]) for parts, end in zip(sounds, ends, strict=True)]

    @torch.inference_mode()
    def panels(self, split: str) -> list[Panel]:
        found = self.transcripts.panels(self.records, self.meta.audio.sample_rate)
        return [*found, self._looked(*self.first)] if self.first else found

    def _losses(self, batch: SpeechBatch, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor]:
        """Of the decoder and of CTC, both a token; a sample of length 0 is left out."""
        kept, count = batch.lens > 0, batch.lens.sum().clamp(min=1)
        places = torch.arange(batch.tokens.shape[1] + 1, device=batch.tokens.device)
        inputs = F.pad(batch.tokens, (1, 0), value=BOS)
        target = F.pad(batch.tokens, (0, 1), value=PAD)
        target = target.masked_fill((places == batch.lens[:, None]) & kept[:, None], EOS)
        target = target.masked_fill(places > batch.lens[:, None], PAD).masked_fill(~kept[:, None], PAD)
        out = self.net(batch.inputs, inputs)
        smoothing: Any = {"ignore_index": PAD, "label_smoothing": label_smoothing, "reduction": "sum"}
        attention = F.cross_entropy(out.logits.flatten(0, 1).float(), target.flatten(), **smoothing)
        log_probs = out.ctc_logits.float().log_softmax(-1).transpose(0, 1)  # (T, B, V)
        ctc = F.ctc_loss(
            log_probs, batch.tokens, out.lens, batch.lens, BLANK, reduction="none", zero_infinity=True
        )
        return attention / (target != PAD).sum().clamp(min=1), (ctc * kept).sum() / count

    def _search(self, clips: Clips, beam: int | None = None) -> list[Hypothesis]:
        net: Any = self.net
        memory, lens = net.encode(clips)
        state = net.decoder.start(memory, mask_of(lens, memory.shape[1]))
        beam = self.beam if beam is None else beam
        return beam_search(net.decoder.step, state, len(lens), beam, self.max_len, self.length_penalty)

    def _looked(self, clips: Clips, said: Hypothesis) -> Panel:
        """Where the decoder looked for each token of the first record."""
        tokens = [BOS, *said.tokens, *([EOS] if said.finished else [])]
        out = self.net(clips, torch.tensor([tokens[:-1]], device=clips.lens.device))
        weights = out.attention[0].float().cpu().tolist()  # (L, T)
        names = [self.meta.tokenizer.decode([token]) or "?" for token in said.tokens] + [
            "(end)"
        ] * said.finished
        names = ["(space)" if name == " " else name for name in names]
        frames = [str(frame) for frame in range(len(weights[0]))] if weights else []
        return Matrix("Attention of the first clip", names, frames, weights, "token", "frame")
