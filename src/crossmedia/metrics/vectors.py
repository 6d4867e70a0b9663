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
        # float32, as mps has no float64 and a state moves there whole; counts are exact up to 2**24
        self.add_state("total", torch.zeros(size), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, vectors: Tensor) -> None:
        self.total += vectors.float().sum(0)
        self.count += len(vectors)

    def compute(self) -> Tensor:
        return self.total / self.count.clamp(min=1)
