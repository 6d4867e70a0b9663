"""Any input to one of K classes."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

from crossmedia.data.batches import ClassBatch, Clips, Meta, one_of
from crossmedia.limits import within
from crossmedia.report.panels import Grid, Matrix, Panel, Sound, Table
from crossmedia.tasks.base import Task, to_uint8

HEARD = 8  # sounds of those that are most wrong


class Classification(Task):
    """Cross entropy over classes, with label smoothing (Szegedy et al., 2016) and mixup (Zhang et al., 2018).

    `mixup` is the α of its Beta(α, α); 0 mixes nothing. Scored by accuracy over samples, over classes
    (`accuracy_macro`, the mean of the classes' own), and top-5 where there are more than ten classes.
    """

    scores = {"accuracy": "max", "accuracy_macro": "max", "accuracy_top5": "max"}

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
        label_smoothing: float = 0.0,
        mixup: float = 0.0,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(label_smoothing=label_smoothing, mixup=mixup)
        if len(meta.classes) < 2:
            raise ValueError(f"net.num_classes {len(meta.classes)}: must be at least 2 classes")
        self.label_smoothing, self.mixup = label_smoothing, mixup
        count = len(meta.classes)
        self.accuracy = MulticlassAccuracy(count, average="micro")
        self.accuracy_top5 = MulticlassAccuracy(count, average="micro", top_k=5) if count > 10 else None
        self.confusion = MulticlassConfusionMatrix(count)

    def training_step(self, batch: ClassBatch, batch_idx: int) -> Tensor:
        loss = self._mixed_loss(batch) if self.mixup else self._loss(self.net(batch.inputs), batch.labels)
        self.log("train/loss", loss, batch_size=len(batch.labels))
        return loss

    def score(self, batch: ClassBatch, split: str) -> None:
        keep = batch.valid
        logits = self.net(batch.inputs)[keep]  # (B, K)
        labels, size = batch.labels[keep], int(keep.sum())
        loss = F.cross_entropy(logits, labels, reduction="sum") / max(size, 1)  # a rank may have none
        self.log_score(split, "loss", loss, size)
        for name in self.scores:
            metric = getattr(self, name, None)
            if metric is not None:
                if size:
                    metric.update(logits, labels)
                self.log_score(split, name, metric, size)
        if size:
            self.confusion.update(logits, labels)
        self._record(batch, logits.float().softmax(-1))

    def on_validation_epoch_end(self) -> None:
        self._log_counts("val")

    def on_test_epoch_end(self) -> None:
        """Chance beside the scores: always naming the split's most frequent class."""
        total = self._log_counts(self.test_split)
        self.log(f"{self.test_split}/accuracy_chance", total.max() / total.sum().clamp(min=1), sync_dist=True)

    def _log_counts(self, split: str) -> Tensor:
        """Log the mean accuracy of the classes that the split has; returns how often it has each."""
        counts = self.confusion.compute()  # (true, predicted)
        total = counts.sum(1)
        own = counts.diag()[total > 0] / total[total > 0]
        self.log(f"{split}/accuracy_macro", own.mean(), sync_dist=True)
        return total

    def forget(self) -> None:
        super().forget()
        self.confusion.reset()
        # (probability of the right class, picture or waveform, words)
        self._wrong: list[tuple[float, Tensor, str]] = []

    @torch.inference_mode()
    def generate(self, *, image: Any = None, audio: Any = None, top: int = 1) -> list[str]:
        """The class of each picture or sound; with `top` > 1 the likeliest with their probabilities."""
        within(top=top)
        probabilities = self.net(self.given(image, audio)).float().softmax(-1)
        best = probabilities.topk(min(top, len(self.meta.classes)))
        if top == 1:
            return [self.meta.classes[int(index)] for index in best.indices[:, 0]]
        return [
            ", ".join(f"{self.meta.classes[i]} {p:.3f}" for p, i in zip(*row, strict=True))
            for row in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]

    def panels(self, split: str) -> list[Panel]:
        classes = list(self.meta.classes)
        counts = self.confusion.compute().cpu()  # (true, predicted)
        total = counts.sum(1)
        share = (counts / total.clamp(min=1)[:, None]).tolist()
        rows = [
            [name, int(total[k]), round(share[k][k], 4) if total[k] else None]
            for k, name in enumerate(classes)
        ]
        found: list[Panel] = [
            Matrix("Confusion", classes, classes, share, "true", "predicted", "Each row sums to 1."),
            Table("Accuracy of each class", ["class", "samples", "accuracy"], rows),
        ]
        return [*self._most_wrong(), *found]

    def notes(self, split: str) -> list[str]:
        """The `caveats` of a source that has some."""
        return [*super().notes(split), *getattr(self.data and self.data.source, "caveats", ())]

    def _most_wrong(self) -> list[Panel]:
        """Pictures with what the net took them for and what they are, or sounds."""
        if not self._wrong:
            return []
        if not self.meta.audio:
            pictures = to_uint8(torch.stack([picture for _, picture, _ in self._wrong]))
            return [Grid("The most wrong", pictures, [words for *_, words in self._wrong], columns=8)]
        numbered = [(f"Wrong {number}", *entry[1:]) for number, entry in enumerate(self._wrong, 1)]
        rate = self.meta.audio.sample_rate
        rows: list[list[Any]] = [[name, *words.split("\n")] for name, _, words in numbered]
        return [
            *(
                Sound(name, sound, rate, "taken for " + words.replace("\n", ", is "))
                for name, sound, words in numbered[:HEARD]
            ),
            Table("The most wrong", ["sound", "taken for", "is"], rows),
        ]

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)

    def _mixed_loss(self, batch: ClassBatch) -> Tensor:
        """Each input is λ of itself and 1 - λ of another; so is its loss."""
        part = torch.distributions.Beta(self.mixup, self.mixup).sample().to(self.device)
        other = torch.randperm(len(batch.labels), device=self.device)
        inputs: Any = batch.inputs
        if isinstance(inputs, Clips):
            waveforms = part * inputs.waveforms + (1 - part) * inputs.waveforms[other]
            mixed: Any = Clips(waveforms, inputs.lens.maximum(inputs.lens[other]))
        else:
            mixed = part * inputs + (1 - part) * inputs[other]
        logits = self.net(mixed)
        return part * self._loss(logits, batch.labels) + (1 - part) * self._loss(logits, batch.labels[other])

    def _record(self, batch: ClassBatch, probabilities: Tensor) -> None:
        classes = self.meta.classes
        keep = batch.valid.nonzero().flatten().tolist()
        sure, guesses = (part.tolist() for part in probabilities.max(-1))
        for row, place in enumerate(keep):
            label, guess = int(batch.labels[place]), guesses[row]
            right = float(probabilities[row, label])
            self.records.append(
                {
                    "id": batch.ids[place],
                    "reference": classes[label],
                    "output": classes[guess],
                    "probability": round(sure[row], 4),
                    "score": float(guess == label),
                }
            )
            if guess != label:
                words = f"{classes[guess]} {sure[row]:.2f}\n{classes[label]} {right:.2f}"
                self._wrong.append((right, one_of(batch.inputs, place), words))
        self._wrong = sorted(self._wrong, key=lambda entry: entry[0])[: self.shown]
