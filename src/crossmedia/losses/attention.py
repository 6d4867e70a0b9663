"""Losses on where a decoder looks.

Shapes: B batch, L tokens, N memory cells.
"""

from torch import Tensor


def doubly_stochastic(attention: Tensor, mask: Tensor) -> Tensor:
    """Each cell of the memory should be looked at about once over all the tokens (Xu et al., 2015, eq. 14).

    attention (B, L, N), each token's weights summing to 1 over N; mask (B, L) true where a token counts.
    Returns the batch's mean of Σ_n (1 - Σ_t α_tn)².
    """
    looked = (attention * mask[..., None]).sum(1)  # (B, N)
    return (1 - looked).square().sum(1).mean()
