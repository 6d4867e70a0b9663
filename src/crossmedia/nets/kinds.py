"""Of what kind an object is, as a net takes it. B batch, N objects, A attributes of an object."""

from collections.abc import Sequence

import torch
from torch import Tensor


def one_hot(kinds: Tensor, values: Sequence[int]) -> Tensor:
    """Attributes (B, N, A) to (B, N, Σ values), a 1 for each; 0 alone for an object that is not there, -1."""
    parts = [
        kinds[..., place, None] == torch.arange(count, device=kinds.device)
        for place, count in enumerate(values)
    ]
    return torch.cat(parts, dim=-1).float()
