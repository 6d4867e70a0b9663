"""Captions of an embedded world scored by what they say, as its grammar reads them."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torchmetrics import Metric

from crossmedia.limits import one_of


class MeaningAccuracy(Metric):
    """The share of what the references say that the captions say; a subclass counts it.

    `names` maps the name of each score that a task logs to the part of the meaning that it counts; the first
    part is the default.
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    names: ClassVar[dict[str, str]]
    right: Tensor
    total: Tensor

    def __init__(self, part: str | None = None):
        super().__init__()
        parts = list(self.names.values())
        self.part = parts[0] if part is None else part
        one_of(parts, part=self.part)
        self.add_state("right", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("total", torch.tensor(0), dist_reduce_fx="sum")

    @staticmethod
    def count(pred: str, references: Sequence[str], part: str) -> tuple[int, int]:
        """How much of that part one caption has right, and how much of it its references have.

        All references of a sample mean the same, so the first speaks for them. ValueError where the grammar
        cannot read it.
        """
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        return {"_target_": f"{type(self).__module__}.{type(self).__name__}", "part": self.part}

    @classmethod
    def parts(cls) -> dict[str, Self]:
        """The scores under the names that a task logs them by."""
        return {name: cls(part) for name, part in cls.names.items()}

    def update(self, preds: Sequence[str], target: Sequence[Sequence[str]]) -> None:
        counts = [self.count(pred, told, self.part) for pred, told in zip(preds, target, strict=True)]
        self.right += sum(right for right, _ in counts)
        self.total += sum(total for _, total in counts)

    def compute(self) -> Tensor:
        return self.right / self.total.clamp(min=1)

    def score(self, pred: str, references: Sequence[str]) -> float:
        """The score of one caption by itself."""
        right, total = self.count(pred, references, self.part)
        return right / max(total, 1)
