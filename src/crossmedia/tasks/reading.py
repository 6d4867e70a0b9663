"""A scene to its objects: where each is, its shape, colour and size."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torchmetrics import MeanMetric

from crossmedia.data.batches import Meta, ObjectBatch, ids_of
from crossmedia.images.reading import attributes, right, targets, words
from crossmedia.report.panels import Grid, Panel
from crossmedia.tasks.base import Task, to_uint8


class SceneReading(Task):
    """Presence by binary, attributes by categorical cross entropy, in the cells near an object.

    Scored by the scenes read without a fault, and by the attributes read right of all objects' three.
    """

    scores = {"attribute_accuracy": "max", "scene_accuracy": "max"}

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
    ):
        super().__init__(net, meta, optimizer, schedule)
        self.attribute_accuracy, self.scene_accuracy = MeanMetric(), MeanMetric()

    def training_step(self, batch: ObjectBatch, batch_idx: int) -> Tensor:
        loss = self._losses(self.net(batch.inputs), batch.objects).mean()
        self.log("train/loss", loss, batch_size=len(batch.valid))
        return loss

    def score(self, batch: ObjectBatch, split: str) -> None:
        keep, size = batch.valid, int(batch.valid.sum())
        logits, objects = self.net(batch.inputs)[keep].float(), batch.objects[keep]
        self.log_score(split, "loss", self._losses(logits, objects).sum() / max(size, 1), size)
        count, whole = right(logits, objects)
        total = 3 * (objects[..., 0] >= 0).sum(1)  # (B,)
        if size:
            self.attribute_accuracy.update(count / total, weight=total)
            self.scene_accuracy.update(whole)
        for name in self.scores:
            self.log_score(split, name, getattr(self, name), size)
        for row, (name, told) in enumerate(zip(ids_of(batch), words(logits), strict=True)):
            self.records.append({"id": name, "output": ", ".join(told), "score": float(whole[row])})
            kept = self._right if whole[row] else self._wrong
            if len(kept) < self.shown:
                kept.append((batch.inputs[keep][row].cpu(), "\n".join(told) or "nothing"))

    def forget(self) -> None:
        super().forget()
        self._wrong: list[tuple[Tensor, str]] = []  # pictures, and what is read in them
        self._right: list[tuple[Tensor, str]] = []

    @torch.inference_mode()
    def generate(self, *, image: Any) -> list[str]:
        """The objects of each picture, from left to right."""
        return [", ".join(told) for told in words(self.net(self.read(image)))]

    def panels(self, split: str) -> list[Panel]:
        shown = [*self._wrong, *self._right][: self.shown]
        if not shown:
            return []
        note = f"Read wrong: the first {len(self._wrong)}." if self._wrong else "All are read right."
        pictures, told = zip(*shown, strict=True)
        return [Grid("What is read", to_uint8(torch.stack(pictures)), list(told), columns=8, note=note)]

    @staticmethod
    def _losses(logits: Tensor, objects: Tensor) -> Tensor:
        """Of each scene, (B,): the mean over the cells, and that over the cells that tell of an object."""
        slot, near = targets(objects, logits.shape[-1])  # (B, G, G)
        presence = F.binary_cross_entropy_with_logits(logits[:, 0], near.to(logits.dtype), reduction="none")
        rows = torch.arange(len(objects), device=objects.device)[:, None, None]
        wanted = objects[rows, slot].clamp(min=0)  # (B, G, G, 5)
        kind = torch.stack(
            [
                F.cross_entropy(part, wanted[..., place], reduction="none")
                for place, part in enumerate(attributes(logits))
            ]
        ).sum(0)  # (B, G, G)
        return presence.mean((1, 2)) + (kind * near).sum((1, 2)) / near.sum((1, 2)).clamp(min=1)
