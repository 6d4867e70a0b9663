"""The mean of vectors over a split, on every rank."""

import torch
from torch import Tensor
from torchmetrics import Metric


class VectorMean(Metric):
    """The mean (D,) of all vectors (B, D); 0 where there are none."""

    higher_is_better = None
    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, size: int):
        super().__init__()
        self.add_state("total", torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, vectors: Tensor) -> None:
        self.total += vectors.double().sum(0)
        self.count += len(vectors)

    def compute(self) -> Tensor:
        return self.total / self.count.clamp(min=1)
