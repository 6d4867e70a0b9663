"""A picture, or a sound, to a sentence that describes it."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.data.batches import CaptionBatch, Clips, Meta, one_of
from crossmedia.limits import within
from crossmedia.losses.attention import doubly_stochastic
from crossmedia.metrics.bleu import Bleu
from crossmedia.metrics.cider import CiderD
from crossmedia.metrics.rouge import RougeL, rouge_l
from crossmedia.report.panels import Grid, Panel, Sound, Table
from crossmedia.tasks.base import Task, to_uint8
from crossmedia.tasks.over_time import over_time, spectrogram
from crossmedia.text.decoding import Hypothesis, beam_search
from crossmedia.text.normalise import NAME
from crossmedia.text.tokenizer import BOS, EOS, PAD
from crossmedia.trainer.ddp import gathered

HEARD = 6  # sounds with their captions
EXPLAINED = 3  # pictures whose attention is shown word by word


class Captioning(Task):
    """Encoder to decoder by teacher forcing (Xu et al., 2015; Vaswani et al., 2017); beam search in scoring.

    `attention_penalty` weighs the doubly stochastic term of Xu et al. (section 4.2.1), for pictures alone.
    `beam`, `max_len` (tokens) and `length_penalty` belong to the search. Scored by corpus BLEU-1..4, ROUGE-L
    and CIDEr-D against every caption of a sample, and by the data set's own scorer. On test splits two
    references stand beside them: a held-out caption against the sample's others (`…_paraphrase`), and another
    sample's caption (`…_chance`).
    """

    scores = {
        "bleu4": "max",
        "scene_accuracy": "max",  # of the scorer of `scenes`, as the next two
        "scene_objects": "max",
        "scene_relations": "max",
        "event_accuracy": "max",  # of that of `sound_scenes`
        "sound_scene_accuracy": "max",
        "cider_d": "max",
        "rouge_l": "max",
        "bleu1": "max",
        "bleu2": "max",
        "bleu3": "max",
        "cut": "min",
    }

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
        label_smoothing: float = 0.0,
        attention_penalty: float = 0.0,
        beam: int = 3,
        max_len: int = 30,
        length_penalty: float = 0.6,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(label_smoothing=label_smoothing, attention_penalty=attention_penalty)
        within(beam=beam, max_len=max_len, length_penalty=length_penalty)
        if attention_penalty and meta.audio:
            fault = "must be 0 for sounds: they have far more frames than words to look at them"
            raise ValueError(f"attention_penalty {attention_penalty}: {fault}")
        self.label_smoothing, self.attention_penalty = label_smoothing, attention_penalty
        self.beam, self.max_len, self.length_penalty = beam, max_len, length_penalty
        self._bleus = self.bleu1, self.bleu2, self.bleu3, self.bleu4 = Bleu(1), Bleu(2), Bleu(3), Bleu(4)
        self.cider_d, self.rouge_l = CiderD(), RougeL()
        self.bleu4_paraphrase, self.bleu4_chance, self.cider_d_chance = Bleu(4), Bleu(4), CiderD()
        own = meta.scorer.parts() if meta.scorer else {}
        self.own = next(iter(own), None)  # the data set's own score that a record has
        for name, metric in own.items():
            self.add_module(name, metric)

    def training_step(self, batch: CaptionBatch, batch_idx: int) -> Tensor:
        logits, attention = self.net(batch.inputs, batch.tokens[..., :-1])  # (B, K, L, V), (B, K, L, N)
        loss = self._loss(logits, batch.tokens[..., 1:], self.label_smoothing)
        self.log("train/loss", loss, batch_size=len(batch.ids))
        if self.attention_penalty:
            written = (batch.tokens[..., 1:] != PAD).flatten(0, -2)  # (B K, L)
            penalty = doubly_stochastic(attention.flatten(0, -3), written)
            self.log("train/attention", penalty, batch_size=len(batch.ids))
            loss = loss + self.attention_penalty * penalty
        return loss

    def score(self, batch: CaptionBatch, split: str) -> None:
        keep = batch.valid.nonzero().flatten().tolist()  # a rank may have none
        logits, _ = self.net(batch.inputs, batch.tokens[:, :-1])
        target = batch.tokens[:, 1:].masked_fill(~batch.valid[:, None], PAD)
        self.log_score(split, "loss", self._loss(logits, target), int((target != PAD).sum()))
        every = self._search(batch.inputs)
        found = [every[k] for k in keep]
        preds = [self.meta.tokenizer.decode(hypothesis.tokens) for hypothesis in found]
        references = [batch.references[k] for k in keep]
        for name in self.scores:
            metric = getattr(self, name, None)
            if metric is not None:
                metric.update(preds, references)
                self.log_score(split, name, metric, len(preds))
        cut = sum(not hypothesis.finished for hypothesis in found) / max(len(keep), 1)
        self.log_score(split, "cut", cut, len(keep))
        self._record(batch, keep, preds, found)

    def forget(self) -> None:
        super().forget()
        self.first: list[tuple[dict[str, Any], Tensor, Hypothesis]] = []  # records, pictures or waveforms

    @torch.inference_mode()
    def generate(self, *, image: Any = None, audio: Any = None, beam: int | None = None) -> list[str]:
        """A caption for each picture (a path, PIL picture or uint8 tensor) or sound (a path or waveform), or
        a list of them.
        """
        found = self._search(self.given(image, audio), beam)
        return [self.meta.tokenizer.decode(hypothesis.tokens) for hypothesis in found]

    @torch.inference_mode()
    def panels(self, split: str) -> list[Panel]:
        if not self.first:
            return []
        shown = [record for record, *_ in self.first]
        if self.meta.audio:
            return [self._table(shown), *self._looked(*self.first[0]), *map(self._player, self.first[:HEARD])]
        words = [f"{r['output'] or '(empty)'}\n" + "\n".join(r["reference"]) for r in shown]
        pictures = torch.stack([picture for _, picture, _ in self.first])
        note = "What the model says, and below it the references."
        explained = [self._explain(place, *one) for place, one in enumerate(self.first[:EXPLAINED], 1)]
        return [Grid("Captions", to_uint8(pictures), words, columns=4, note=note), *explained]

    def notes(self, split: str) -> list[str]:
        zero = [f"{split}: BLEU-{bleu.n_gram} is 0: {bleu.note}" for bleu in self._bleus if bleu.note]
        return [f"texts compared as {NAME}", *zero]

    def _search(self, inputs: Tensor | Clips, beam: int | None = None) -> list[Hypothesis]:
        net: Any = self.net
        memory, mask = net.encode(inputs)
        state = net.decoder.start(memory, mask)
        beam = self.beam if beam is None else beam
        return beam_search(net.decoder.step, state, len(memory), beam, self.max_len, self.length_penalty)

    def _loss(self, logits: Tensor, target: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Cross entropy per token, padding left out; 0 where all is padding."""
        smoothing: Any = {"ignore_index": PAD, "label_smoothing": label_smoothing, "reduction": "sum"}
        total = F.cross_entropy(logits.flatten(0, -2), target.flatten(), **smoothing)
        return total / (target != PAD).sum().clamp(min=1)

    def on_test_epoch_end(self) -> None:
        """What the scores are to be compared with: chance, and people among themselves."""
        known = gathered([tuple(record["reference"]) for record in self.records])  # a pair may span two ranks
        far = max(1, len(known) // 2)  # neighbours may be alike: "the letter a", "the letter b"
        others = [texts[0] for texts in [*known[far:], *known[:far]]]
        mine = slice(self.global_rank, None, self.trainer.world_size)
        known, others = known[mine], others[mine]
        several = [texts for texts in known if len(texts) > 1]
        held_out, rest = [texts[-1] for texts in several], [texts[:-1] for texts in several]
        self._log_reference("bleu4_chance", others, known)
        self._log_reference("cider_d_chance", others, known)
        self._log_reference("bleu4_paraphrase", held_out, rest)

    def _log_reference(self, name: str, outputs: list[str], known: Sequence[tuple[str, ...]]) -> None:
        metric = getattr(self, name)
        metric.reset()
        metric.update(outputs, known)
        score = metric.compute()
        everywhere: Any = self.all_gather(torch.tensor(len(known), device=self.device))
        if everywhere.sum():  # on every rank or on none
            self.log(f"{self.test_split}/{name}", score, sync_dist=True)

    def _record(
        self, batch: CaptionBatch, keep: list[int], preds: list[str], found: list[Hypothesis]
    ) -> None:
        for place, pred, hypothesis in zip(keep, preds, found, strict=True):
            known = batch.references[place]
            record = {"id": batch.ids[place], "reference": list(known), "output": pred}
            record |= {"finished": hypothesis.finished, "score": {"rouge_l": round(rouge_l(pred, known), 4)}}
            if self.own:
                record["score"][self.own] = getattr(self, self.own).score(pred, known)
            self.records.append(record)
            if len(self.first) < self.shown:
                self.first.append((record, one_of(batch.inputs, place), hypothesis))

    def _table(self, shown: list[dict[str, Any]]) -> Table:
        rows: list[list[Any]] = [[r["id"], r["output"], " / ".join(r["reference"])] for r in shown]
        return Table("Captions", ["sound", "what the model says", "references"], rows)

    def _player(self, first: tuple[dict[str, Any], Tensor, Hypothesis]) -> Panel:
        record, waveform, _ = first
        return Sound(record["id"], waveform, self.meta.audio.sample_rate, record["output"] or "(empty)")

    def _looked(self, record: dict[str, Any], waveform: Tensor, said: Hypothesis) -> list[Panel]:
        """A sound's spectrogram above the attention of each word."""
        net: Any = self.net
        rate = self.meta.audio.sample_rate
        clip = Clips(waveform[None].to(self.device), torch.tensor([len(waveform)], device=self.device))
        seconds = net.encoder.samples_per_frame / rate
        tokens, attention = self._attention(clip, said)
        return [
            spectrogram(f"Spectrogram of {record['id']}", waveform, rate),
            over_time("Attention word by word", tokens, attention, self.meta.tokenizer, seconds),
        ]

    def _attention(self, inputs: Tensor | Clips, said: Hypothesis) -> tuple[list[int], Tensor]:
        """The tokens of what it said of one input and where it looked for each (L, N), by teacher forcing."""
        tokens = [BOS, *said.tokens, *([EOS] if said.finished else [])]
        _, attention = self.net(inputs, torch.tensor([tokens[:-1]], device=self.device))
        return tokens[1:], attention[0].float().cpu()

    def _explain(self, place: int, record: dict[str, Any], picture: Tensor, said: Hypothesis) -> Grid:
        """The picture under the attention of each word."""
        _, weights = self._attention(picture[None].to(self.device), said)
        side = math.isqrt(weights.shape[1])
        maps = weights[:, : side * side].unflatten(1, (side, side))[:, None]  # (L, 1, side, side)
        maps = F.interpolate(maps / maps.amax((2, 3), keepdim=True), picture.shape[-2:], mode="bilinear")
        seen = (picture[None] + 1) * (0.25 + 0.75 * maps) - 1  # darker where it does not look
        words = [self.meta.tokenizer.decode([token]) for token in said.tokens] + ["(end)"] * said.finished
        note = record["output"] or "(empty)"
        return Grid(f"Attention word by word, {place}", to_uint8(seen), words, columns=8, note=note)
