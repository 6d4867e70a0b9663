"""A picture, or a sound, to a sentence that describes it."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.data.batches import CaptionBatch, Meta
from crossmedia.losses.attention import doubly_stochastic
from crossmedia.metrics.bleu import Bleu
from crossmedia.metrics.cider import CiderD
from crossmedia.metrics.rouge import RougeL, rouge_l
from crossmedia.report.panels import Grid, Panel
from crossmedia.tasks.base import Task, to_uint8
from crossmedia.text.decoding import Hypothesis, beam_search
from crossmedia.text.normalise import NAME
from crossmedia.text.tokenizer import BOS, EOS, PAD

EXPLAINED = 3  # pictures whose attention is shown word by word


class Captioning(Task):
    """Encoder to decoder by teacher forcing (Xu et al., 2015; Vaswani et al., 2017); beam search in scoring.

    `attention_penalty` weighs the doubly stochastic term of Xu et al. (section 4.2.1). `beam`, `max_len`
    (tokens) and `length_penalty` belong to the search. Scored by corpus BLEU-1..4, ROUGE-L and CIDEr-D
    against every caption of a sample, and by the data set's own scorer. On test splits two references stand
    beside them: a held-out caption against the sample's others (`…_paraphrase`), and another sample's caption
    (`…_chance`).
    """

    scores = {
        "bleu4": "max",
        "scene_accuracy": "max",
        "scene_objects": "max",
        "scene_relations": "max",
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
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing {label_smoothing}: must be at least 0 and below 1")
        for name, value in (("attention_penalty", attention_penalty), ("length_penalty", length_penalty)):
            if value < 0:
                raise ValueError(f"{name} {value}: must be at least 0")
        for name, value in (("beam", beam), ("max_len", max_len)):
            if value < 1:
                raise ValueError(f"{name} {value}: must be at least 1")
        self.label_smoothing, self.attention_penalty = label_smoothing, attention_penalty
        self.beam, self.max_len, self.length_penalty = beam, max_len, length_penalty
        self._bleus = self.bleu1, self.bleu2, self.bleu3, self.bleu4 = Bleu(1), Bleu(2), Bleu(3), Bleu(4)
        self.cider_d, self.rouge_l = CiderD(), RougeL()
        self.bleu4_paraphrase, self.bleu4_chance = Bleu(4), Bleu(4)
        scorers = meta.scorer.parts() if meta.scorer else {}
        self.scene_accuracy = scorers.get("scene_accuracy")
        self.scene_objects, self.scene_relations = (
            scorers.get("scene_objects"),
            scorers.get("scene_relations"),
        )

    def training_step(self, batch: CaptionBatch, batch_idx: int) -> Tensor:
        logits, attention = self.net(batch.inputs, batch.tokens[..., :-1])  # (B, K, L, V), (B, K, L, N)
        loss = self._loss(logits, batch.tokens[..., 1:], self.label_smoothing)
        self.log("train/loss", loss, batch_size=len(batch.inputs))
        if self.attention_penalty:
            written = (batch.tokens[..., 1:] != PAD).flatten(0, -2)  # (B K, L)
            penalty = doubly_stochastic(attention.flatten(0, -3), written)
            self.log("train/attention", penalty, batch_size=len(batch.inputs))
            loss = loss + self.attention_penalty * penalty
        return loss

    def score(self, batch: CaptionBatch, split: str) -> None:
        keep = batch.valid.nonzero().flatten().tolist()  # a rank may have none
        logits, _ = self.net(batch.inputs, batch.tokens[:, :-1])
        target = batch.tokens[:, 1:].masked_fill(~batch.valid[:, None], PAD)
        self.log_score(split, "loss", self._loss(logits, target), len(keep))
        every = self._search(batch.inputs)
        found = [every[k] for k in keep]
        preds = [self.meta.tokenizer.decode(hypothesis.tokens) for hypothesis in found]
        references = [batch.references[k] for k in keep]
        self._log_metrics(split, preds, references)
        cut = sum(not hypothesis.finished for hypothesis in found) / max(len(keep), 1)
        self.log_score(split, "cut", cut, len(keep))
        self._record([batch.ids[k] for k in keep], preds, references, found, batch.inputs[keep])

    @torch.inference_mode()
    def generate(self, *, image: Any, beam: int | None = None) -> list[str]:
        """A caption for each picture: a path, PIL picture or uint8 tensor, or a list of them."""
        found = self._search(self.read(image), beam)
        return [self.meta.tokenizer.decode(hypothesis.tokens) for hypothesis in found]

    @torch.inference_mode()
    def panels(self, split: str) -> list[Panel]:
        shown = self.records[: len(self.pictures)]
        if not shown:
            return []
        words = [f"{r['output'] or '(empty)'}\n" + "\n".join(r["reference"]) for r in shown]
        pictures = torch.stack(self.pictures)
        note = "What the model says, and below it what people say."
        return [
            Grid("Captions", to_uint8(pictures), words, columns=4, note=note),
            *(self._explain(k, pictures[k], record) for k, record in enumerate(shown[:EXPLAINED])),
        ]

    def notes(self, split: str) -> list[str]:
        zero = [f"{split}: BLEU-{bleu.n_gram} is 0: {bleu.note}" for bleu in self._bleus if bleu.note]
        return [f"texts compared as {NAME}", *zero]

    def _search(self, inputs: Tensor, beam: int | None = None) -> list[Hypothesis]:
        net: Any = self.net
        state = net.decoder.start(net.encode(inputs))
        return beam_search(
            net.decoder.step, state, len(inputs), beam or self.beam, self.max_len, self.length_penalty
        )

    def _loss(self, logits: Tensor, target: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Cross entropy per token, padding left out; 0 where all is padding."""
        smoothing: Any = {"ignore_index": PAD, "label_smoothing": label_smoothing, "reduction": "sum"}
        total = F.cross_entropy(logits.flatten(0, -2), target.flatten(), **smoothing)
        return total / (target != PAD).sum().clamp(min=1)

    def _log_metrics(self, split: str, preds: list[str], references: Sequence[tuple[str, ...]]) -> None:
        """In validation the first two scores only: the others cost more than they tell there."""
        names = list(self.scores)[:-1] if split != "val" else ["bleu4", "scene_accuracy"]
        compared = {name: (preds, references) for name in names}
        if split != "val":
            others = [*references[1:], *references[:1]]
            compared["bleu4_chance"] = ([known[0] for known in others], references)
            if all(len(known) > 1 for known in references):
                compared["bleu4_paraphrase"] = (
                    [known[-1] for known in references],
                    [known[:-1] for known in references],
                )
        for name, (outputs, known) in compared.items():
            metric = getattr(self, name)
            if metric is not None:
                metric.update(outputs, known)
                self.log_score(split, name, metric, len(preds))

    def _record(
        self,
        ids: Sequence[str],
        preds: list[str],
        references: Sequence[tuple[str, ...]],
        found: list[Hypothesis],
        inputs: Tensor,
    ) -> None:
        for place, (name, pred, known) in enumerate(zip(ids, preds, references, strict=True)):
            record = {"id": name, "reference": list(known), "output": pred, "finished": found[place].finished}
            record["score"] = {"rouge_l": round(rouge_l(pred, known), 4)}
            if self.scene_accuracy is not None:
                record["score"]["scene_accuracy"] = self.scene_accuracy.score(pred, known)
            self.records.append(record)
            if len(self.pictures) < self.shown:
                self.pictures.append(inputs[place].cpu())

    def _explain(self, place: int, picture: Tensor, record: dict[str, Any]) -> Grid:
        """The picture under the attention of each word, by teacher forcing on the words it said."""
        tokenizer = self.meta.tokenizer
        ids = [BOS, *tokenizer.encode(record["output"]), EOS]
        _, attention = self.net(picture[None].to(self.device), torch.tensor([ids[:-1]], device=self.device))
        weights = attention[0].float().cpu()  # (L, N)
        side = math.isqrt(weights.shape[1])
        maps = weights[:, : side * side].unflatten(1, (side, side))[:, None]  # (L, 1, side, side)
        maps = F.interpolate(maps / maps.amax((2, 3), keepdim=True), picture.shape[-2:], mode="bilinear")
        seen = (picture[None] + 1) * (0.25 + 0.75 * maps) - 1  # darker where it does not look
        words = [tokenizer.decode([token]) for token in ids[1:-1]] + ["(end)"]
        title = f"Attention word by word, {place + 1}"
        return Grid(title, to_uint8(seen), words, columns=8, note=record["output"] or "(empty)")
