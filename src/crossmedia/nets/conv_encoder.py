"""Image to a grid of memory cells: residual convolutions, a position a cell, then cells that see one another.

Shapes: B batch, C channels, S image size, G cells a side, N = G * G memory cells, D memory width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ConvEncoder(nn.Module):
    """Residual stages (He et al., 2016), each at half the size of the one before, make the memory (B, N, D).

    `depth` Transformer layers over the cells, after a learned position, as in DETR (Carion et al., 2020).
    """

    def __init__(
        self,
        image_size: int,
        channels: int = 3,
        widths: Sequence[int] = (32, 64, 128),
        blocks: int = 1,
        dim: int = 128,
        depth: int = 1,
        heads: int = 4,
    ):
        super().__init__()
        self.image_size, self.dim = image_size, dim
        self.side = image_size // 2 ** (len(widths) - 1)
        stages: list[nn.Module] = []
        for stage, (before, width) in enumerate(zip((channels, *widths[:-1]), widths, strict=True)):
            stages.append(_layer(before, width, stride=2 if stage else 1))
            if stage:
                stages += [_Residual(width) for _ in range(blocks)]
        self.features = nn.Sequential(*stages)
        self.project = nn.Linear(widths[-1], dim)
        self.position = nn.Parameter(0.02 * torch.randn(self.side**2, dim))
        layer = nn.TransformerEncoderLayer(
            dim, heads, 4 * dim, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.mix = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False) if depth else nn.Identity()
        self.norm = nn.LayerNorm(dim)

    def forward(self, images: Tensor) -> Tensor:
        x = self.features(images)  # (B, C, S, S) -> (B, W, G, G)
        x = self.project(x.flatten(2).transpose(1, 2)) + self.position  # (B, N, D)
        return self.norm(self.mix(x))


def _layer(before: int, width: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, width, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            _layer(width, width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.layers(x)).relu()
