"""Losses on where a decoder looks.

Shapes: B batch, L tokens, N memory cells.
"""

import torch
from torch import Tensor

WIDTH = 0.2  # of the diagonal band that guided attention leaves alone (Tachibana et al., 2018, section 4.1)


def doubly_stochastic(attention: Tensor, mask: Tensor) -> Tensor:
    """Each cell of the memory should be looked at about once over all the tokens (Xu et al., 2015, eq. 14).

    attention (B, L, N), each token's weights summing to 1 over N; mask (B, L) true where a token counts.
    Returns the batch's mean of Σ_n (1 - Σ_t α_tn)².
    """
    looked = (attention * mask[..., None]).sum(1)  # (B, N)
    return (1 - looked).square().sum(1).mean()


def guided(attention: Tensor, steps: Tensor, lens: Tensor) -> Tensor:
    """Speech goes through its text about evenly, so attention is held near the diagonal (Tachibana et al.,
    2018, section 4.1).

    attention (B, L, N) of decoder steps over characters; `steps` and `lens` (B,) are how many of them count.
    Returns each clip's mean of α · (1 - exp(-(n/N - t/T)² / 2g²)), (B,).
    """
    step = torch.arange(attention.shape[1], device=attention.device) / steps[:, None]  # (B, L)
    place = torch.arange(attention.shape[2], device=attention.device) / lens[:, None]  # (B, N)
    away = 1 - torch.exp(-((step[:, :, None] - place[:, None]) ** 2) / (2 * WIDTH**2))
    kept = (step < 1)[:, :, None] & (place < 1)[:, None]
    return (attention * away * kept).sum((1, 2)) / (steps * lens)
