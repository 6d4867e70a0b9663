"""Which frames of a padded batch are a clip's own, and layers that see nothing of the others.

Shapes: B batch, T frames, D width.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crossmedia.limits import within


def mask_of(lens: Tensor, frames: int) -> Tensor:
    """(B,) -> (B, T), true where a frame is the clip's own."""
    return torch.arange(frames, device=lens.device) < lens[:, None]


def masked(x: Tensor, lens: Tensor) -> Tensor:
    """x (B, T, …) with zeros behind each clip's end."""
    mask = mask_of(lens, x.shape[1])
    return x.masked_fill(~mask.view(*mask.shape, *[1] * (x.dim() - 2)), 0.0)


def padding(lens: Tensor, frames: int) -> Tensor | None:
    """(B,) -> (B, T), true behind each clip's end; None where nothing is, as with one clip alone."""
    gone = ~mask_of(lens, frames)
    return gone if gone.any() else None


def emptied(x: Tensor, gone: Tensor | None) -> Tensor:
    """x (B, T, …) with zeros where `gone` (B, T) is true."""
    return x if gone is None else x.masked_fill(gone.view(*gone.shape, *[1] * (x.dim() - 2)), 0)


def mean_of(x: Tensor, lens: Tensor) -> Tensor:
    """The mean over each clip's own frames: (B, T, D) -> (B, D)."""
    return masked(x, lens).sum(1) / lens.clamp(min=1)[:, None]


class MaskedConv(nn.Module):
    """A convolution over time, a norm of each frame, SiLU and dropout; frames behind a clip's end stay zero.

    The norm is over a frame's channels (Ba et al., 2016): one over the batch would see the padding.
    """

    def __init__(self, before: int, dim: int, kernel: int, stride: int = 1, dropout: float = 0.0):
        super().__init__()
        self.stride = stride
        self.convolution = nn.Conv1d(before, dim, kernel, stride, padding=kernel // 2)
        self.norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, lens: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, T, before), lens (B,) -> (B, ceil(T / stride), dim) and their lens."""
        x = self.convolution(masked(x, lens).transpose(1, 2)).transpose(1, 2)
        lens = (lens + self.stride - 1) // self.stride
        return masked(self.dropout(nn.functional.silu(self.norm(x))), lens), lens


class MaskedBatchNorm(nn.Module):
    """A batch norm (Ioffe and Szegedy, 2015) whose means and variances are of the clips' own cells alone."""

    def __init__(self, dim: int, momentum: float = 0.1, eps: float = 1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", torch.zeros(dim))
        self.register_buffer("running_var", torch.ones(dim))

    def forward(self, x: Tensor, lens: Tensor) -> Tensor:
        """x (B, T, F, D), lens (B,) -> the same, zeros behind each clip's end."""
        mean, var = self._moments(x, lens) if self.training else (self.running_mean, self.running_var)
        scale = self.weight * (var + self.eps).rsqrt()
        return masked(x * scale + (self.bias - mean * scale), lens)

    def _moments(self, x: Tensor, lens: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance (D,) over the cells, which the running ones follow."""
        with torch.autocast(x.device.type, enabled=False):
            cells = lens.sum() * x.shape[2]
            mean = masked(x.float(), lens).sum((0, 1, 2)) / cells
            var = masked(x - mean, lens).square().sum((0, 1, 2)) / cells
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * cells / (cells - 1).clamp(min=1), self.momentum)
        return mean, var


class Subsample(nn.Module):
    """A `MaskedConv` for each of `strides`: a frame in as many as their product."""

    def __init__(self, before: int, dim: int, strides: Sequence[int], kernel: int = 3, dropout: float = 0.0):
        super().__init__()
        within(strides=strides, kernel=kernel)
        if not strides:
            raise ValueError("strides []: must be one or more")
        self.factor = math.prod(strides)
        self.layers = nn.ModuleList(
            MaskedConv(dim if place else before, dim, kernel, stride, dropout)
            for place, stride in enumerate(strides)
        )

    def forward(self, x: Tensor, lens: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, T, before), lens (B,) -> (B, T / factor, dim) and their lens, each stride rounded up."""
        for layer in self.layers:
            x, lens = layer(x, lens)
        return x, lens
