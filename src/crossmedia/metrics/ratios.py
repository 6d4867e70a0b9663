"""A score that is one sum over a set by another: padding, batches and ranks change nothing."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric


class Ratio(Metric):
    """Σ part / Σ whole, or the root of it; 0 where there is nothing of the whole."""

    is_differentiable = False
    full_state_update = False
    sums: Tensor

    def __init__(self, root: bool = False):
        super().__init__()
        self.root = root
        self.add_state("sums", torch.zeros(2), dist_reduce_fx="sum")

    def update(self, found: Sequence[tuple[float, float]]) -> None:
        """Part and whole of each clip; of a rank's batch without any, too."""
        if found:
            self.sums += torch.tensor(found, device=self.device, dtype=self.sums.dtype).sum(0)

    def compute(self) -> Tensor:
        part, whole = self.sums
        ratio = torch.where(whole > 0, part / whole, 0.0)
        return ratio.sqrt() if self.root else ratio
