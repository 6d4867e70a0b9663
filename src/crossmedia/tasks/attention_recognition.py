"""Speech to text by attention, with CTC at its side."""

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.data.batches import Clips, Meta, SpeechBatch
from crossmedia.limits import within
from crossmedia.nets.masks import mask_of
from crossmedia.report.panels import Panel
from crossmedia.tasks.long_sounds import TOGETHER, pieces
from crossmedia.tasks.recogniser import Recogniser
from crossmedia.text.ctc import BLANK, too_long
from crossmedia.text.ctc_prefix import JointSteps
from crossmedia.text.decoding import Hypothesis, beam_search
from crossmedia.text.joining import joined
from crossmedia.text.tokenizer import BOS, EOS, PAD


class Seq2SeqRecognition(Recogniser):
    """Listen, attend and spell (Chan et al., 2016) with CTC on the encoder (Watanabe et al., 2017).

    The loss is (1 - `ctc_weight`) · cross entropy of the decoder a token + `ctc_weight` · CTC a token, of a
    batch in training, in scoring of each sample whose text CTC has frames for. Scored by word and character
    error rate of beam search, in which CTC has the weight `ctc_decoding`, the decoder the rest; `max_len` in
    tokens.
    """

    scores = {**Recogniser.scores, "cut": "min"}

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
        ctc_weight: float = 0.3,
        ctc_decoding: float = 0.0,
        label_smoothing: float = 0.0,
        beam: int = 4,
        max_len: int = 200,
        length_penalty: float = 0.6,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(ctc_weight=ctc_weight, ctc_decoding=ctc_decoding, label_smoothing=label_smoothing)
        within(beam=beam, max_len=max_len, length_penalty=length_penalty)
        if ctc_decoding and not ctc_weight:
            raise ValueError(
                f"ctc_decoding {ctc_decoding:g}: must be 0 where ctc_weight is, and CTC learns nothing"
            )
        self.ctc_weight, self.ctc_decoding, self.label_smoothing = ctc_weight, ctc_decoding, label_smoothing
        self.beam, self.max_len, self.length_penalty = beam, max_len, length_penalty

    def training_step(self, batch: SpeechBatch, batch_idx: int) -> Tensor:
        attention, ctc, cut = self._costs(batch, self.label_smoothing)
        self.leave_out(cut)
        count = batch.lens.sum()
        attention = attention.sum() / (count + (batch.lens > 0).sum()).clamp(min=1)
        ctc = ctc.sum() / count.clamp(min=1)
        self.log("train/attention", attention, batch_size=len(batch.ids))
        self.log("train/ctc", ctc, batch_size=len(batch.ids))
        loss = (1 - self.ctc_weight) * attention + self.ctc_weight * ctc
        self.log("train/loss", loss, batch_size=len(batch.ids))
        return loss

    def score(self, batch: SpeechBatch, split: str) -> None:
        attention, ctc, cut = self._costs(batch)
        attention, ctc = attention / (batch.lens + 1), ctc / batch.lens.clamp(min=1)  # a token
        each = (1 - self.ctc_weight) * attention + self.ctc_weight * ctc
        self.log_mean(split, "loss", each, batch.valid & ~cut if self.ctc_weight else batch.valid)
        size = int(batch.valid.sum())
        found = self._search(batch.inputs)
        self.score_texts(batch, split, self.decoded([hypothesis.tokens for hypothesis in found]))
        open_ = sum(not h.finished for h, valid in zip(found, batch.valid.tolist(), strict=True) if valid)
        self.log_score(split, "cut", open_ / max(size, 1), size)
        if self.first is None and size:
            self.first = found[int(batch.valid.nonzero()[0])]

    def forget(self) -> None:
        super().forget()
        self.first: Hypothesis | None = None  # of the first clip

    @torch.inference_mode()
    def generate(self, *, audio: Any, beam: int | None = None) -> list[str]:
        """What is said in each sound: a path, a waveform (samples,) at the model's rate, or a list of them.

        Sounds may be up to two hours long: where one has no pauses to be cut at, overlapping pieces are
        heard, and their texts joined at the words that they have in common.
        """

        def write(waveforms: list[Tensor], longest: float) -> list[str]:
            parts = [pieces(waveform, self.meta.audio.sample_rate, longest) for waveform in waveforms]
            every = [piece for part in parts for piece in part]
            texts: list[str] = []
            for start in range(0, len(every), TOGETHER):
                some = every[start : start + TOGETHER]
                found = self._search(Clips.of(some), beam, whole=True)
                texts += self.decoded([hypothesis.tokens for hypothesis in found])
            ends = accumulate(map(len, parts))
            return [joined(texts[end - len(part) : end]) for part, end in zip(parts, ends, strict=True)]

        return self.transcribed(audio, write)

    @torch.inference_mode()
    def heard(self) -> list[Panel]:
        return [self._looked(self.first)] if self.first else []

    def _costs(self, batch: SpeechBatch, label_smoothing: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
        """-log p of each text by the decoder, with its end, and by CTC (B,), 0 for an empty text; which texts
        CTC leaves out."""
        places = torch.arange(batch.tokens.shape[1] + 1, device=batch.tokens.device)
        kept = batch.lens > 0
        inputs = F.pad(batch.tokens, (1, 0), value=BOS)
        target = F.pad(batch.tokens, (0, 1), value=PAD).masked_fill(places == batch.lens[:, None], EOS)
        target = target.masked_fill((places > batch.lens[:, None]) | ~kept[:, None], PAD)
        out = self.net(batch.inputs, inputs)
        smoothing: Any = {"ignore_index": PAD, "label_smoothing": label_smoothing, "reduction": "none"}
        attention = F.cross_entropy(out.logits.float().transpose(1, 2), target, **smoothing).sum(1)
        log_probs = out.ctc_logits.float().log_softmax(-1).transpose(0, 1)  # (T, B, V)
        ctc = F.ctc_loss(log_probs, batch.tokens, out.lens, batch.lens, BLANK, "none", zero_infinity=True)
        return attention, ctc * kept, too_long(batch.tokens, batch.lens, out.lens)

    def _search(self, clips: Clips, beam: int | None = None, whole: bool = False) -> list[Hypothesis]:
        """At most `max_len` tokens a clip, or with `whole` as many as it has frames, where that is more."""
        net: Any = self.net
        memory, lens = net.encode(clips)
        most = lens.clamp(min=self.max_len).tolist() if whole else self.max_len
        state = net.decoder.start(memory, mask_of(lens, memory.shape[1]))
        limits = len(lens), self.beam if beam is None else beam, most, self.length_penalty
        if not self.ctc_decoding:
            return beam_search(net.decoder.step, state, *limits)
        steps = JointSteps(net.decoder.step, self.ctc_decoding)
        return beam_search(steps, steps.start(state, net.ctc(memory), lens), *limits, normalise=False)

    def _looked(self, said: Hypothesis) -> Panel:
        """Where the decoder looked for each token of the first clip."""
        tokens = [BOS, *said.tokens, *([EOS] if said.finished else [])]
        out = self.net(self.first_clip(), torch.tensor([tokens[:-1]], device=self.device))
        return self.over_time("Attention of the first clip", tokens[1:], out.attention[0])
