"""Conformer: self-attention and convolution in one block (Gulati et al., 2020).

Shapes: B batch, T frames, D model width, H heads.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.data.batches import Clips
from crossmedia.limits import within
from crossmedia.nets.frontend import MelFrontEnd
from crossmedia.nets.masks import Subsample, mask_of, masked


class Conformer(nn.Module):
    """Clips to a frame's features (B, T, D): convolutions to a frame in four, then `depth` blocks.

    As in the paper but for the norm of the convolution module, which is over a frame's channels and not over
    the batch: it sees no padding.
    """

    def __init__(
        self,
        frontend: MelFrontEnd,
        dim: int = 144,
        depth: int = 16,
        heads: int = 4,
        kernel: int = 31,
        strides: Sequence[int] = (2, 2),
        dropout: float = 0.1,
    ):
        super().__init__()
        within(dim=dim, depth=depth, heads=heads, kernel=kernel, dropout=dropout)
        if dim % heads or dim % 2:
            raise ValueError(f"dim {dim}: must be even and a multiple of heads, {heads}")
        if kernel % 2 == 0:
            raise ValueError(f"kernel {kernel}: must be odd")
        self.frontend, self.dim = frontend, dim
        self.subsample = Subsample(frontend.dim, dim, strides, dropout=dropout)
        self.samples_per_frame = frontend.mel.hop_length * self.subsample.factor
        self.blocks = nn.ModuleList(_Block(dim, heads, kernel, dropout) for _ in range(depth))

    def forward(self, clips: Clips) -> tuple[Tensor, Tensor]:
        """-> features (B, T, D), zeros behind each clip's end, and the frames of each (B,)."""
        x, lens = self.subsample(*self.frontend(clips))
        mask = mask_of(lens, x.shape[1])
        places = _distances(x)
        for block in self.blocks:
            x = block(x, places, mask)
        return masked(x, lens), lens


class _Block(nn.Module):
    """Half a feed-forward layer, attention, convolution, half a feed-forward layer (eq. 1)."""

    def __init__(self, dim: int, heads: int, kernel: int, dropout: float):
        super().__init__()
        self.first, self.second = _feed_forward(dim, dropout), _feed_forward(dim, dropout)
        self.attention = _Attention(dim, heads, dropout)
        self.convolution = _Convolution(dim, kernel, dropout)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, places: Tensor, mask: Tensor) -> Tensor:
        x = x + 0.5 * self.first(x)
        x = x + self.attention(x, places, mask)
        x = x + self.convolution(x, mask)
        return self.norm(x + 0.5 * self.second(x))


def _feed_forward(dim: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(dim),
        nn.Linear(dim, 4 * dim),
        nn.SiLU(),
        nn.Dropout(dropout),
        nn.Linear(4 * dim, dim),
        nn.Dropout(dropout),
    )


class _Attention(nn.Module):
    """Self-attention that knows the distance of two frames (Dai et al., 2019)."""

    def __init__(self, dim: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.distance = nn.Linear(dim, dim, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(heads, 1, dim // heads))  # u and v of the paper
        self.distance_bias = nn.Parameter(torch.zeros(heads, 1, dim // heads))
        self.out = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, places: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, D), places (2 T - 1, D), mask (B, T) -> (B, T, D)."""
        split = self.query_key_value(self.norm(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = split.permute(2, 0, 3, 1, 4)  # (B, H, T, D/H) each
        distance = self.distance(places).unflatten(-1, (self.heads, -1)).transpose(0, 1)  # (H, 2 T - 1, D/H)
        near = _shifted((query + self.distance_bias) @ distance.transpose(-1, -2))  # (B, H, T, T)
        bias = (near * query.shape[-1] ** -0.5).masked_fill(~mask[:, None, None], float("-inf"))
        x = F.scaled_dot_product_attention(query + self.content_bias, key, value, bias)
        return self.dropout(self.out(x.transpose(1, 2).flatten(2)))


class _Convolution(nn.Module):
    """Gate, depthwise convolution over time, norm, SiLU (figure 2)."""

    def __init__(self, dim: int, kernel: int, dropout: float):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.widen = nn.Linear(dim, 2 * dim)
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.frame_norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = F.glu(self.widen(self.norm(x))).masked_fill(~mask[..., None], 0.0)
        x = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.out(F.silu(self.frame_norm(x))))


def _distances(x: Tensor) -> Tensor:
    """Sinusoids (2 T - 1, D) of the distances T - 1 … -(T - 1), a query's place less a key's."""
    frames, dim = x.shape[1:]
    rates = torch.exp(torch.arange(0, dim, 2, device=x.device) * (-math.log(10000.0) / dim))
    angles = torch.arange(frames - 1, -frames, -1, device=x.device)[:, None] * rates
    return torch.cat((angles.sin(), angles.cos()), -1)


def _shifted(scores: Tensor) -> Tensor:
    """(B, H, T, 2 T - 1) by distance to (B, H, T, T) by the key's place (Dai et al., 2019, appendix B)."""
    batch, heads, frames, distances = scores.shape
    padded = F.pad(scores, (1, 0)).view(batch, heads, distances + 1, frames)
    return padded[:, :, 1:].reshape(batch, heads, frames, distances)[..., :frames]
