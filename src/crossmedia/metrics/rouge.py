"""ROUGE-L (Lin, 2004): the longest common subsequence of words, by COCO's scorer (Chen et al., 2015)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from crossmedia.metrics.texts import Words, paired

_BETA = 1.2  # recall counts more, as in COCO's scorer
_UNIT = 10**9  # sums of whole numbers are the same however the set is cut into batches and ranks


class RougeL(Metric):
    """The mean of `rouge_l` over the set."""

    higher_is_better = True
    full_state_update = False
    total: Tensor  # in units of 1 / _UNIT
    count: Tensor

    def __init__(self):
        super().__init__()
        self.add_state("total", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, preds: Sequence[str], target: Sequence[Sequence[str]]) -> None:
        pairs = paired(preds, target)
        self.total += sum(round(_score(pred, references) * _UNIT) for pred, references in pairs)
        self.count += len(pairs)

    def compute(self) -> Tensor:
        return (self.total / self.count.clamp(min=1) / _UNIT).float()


def rouge_l(pred: str, references: Sequence[str]) -> float:
    """F-measure of the best precision and the best recall over the references, 0 to 1."""
    return _score(*paired([pred], [references])[0])


def _score(pred: Words, references: list[Words]) -> float:
    common = [_common(pred, reference) for reference in references]
    precision = max(common) / max(len(pred), 1)
    recall = max(n / max(len(reference), 1) for n, reference in zip(common, references, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _common(first: Words, second: Words) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for at, other in enumerate(second, 1):
            before, row[at] = row[at], before + 1 if word == other else max(row[at], row[at - 1])
    return row[-1]
