"""Image to a grid of memory cells: residual convolutions, and a position for each cell.

Shapes: B batch, C channels, S image size, G cells a side, N = G * G memory cells, W last width, D memory.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crossmedia.limits import within


class ConvEncoder(nn.Module):
    """Residual stages (He et al., 2016), each at half the size of the one before, make the memory (B, N, D).

    The first stage is one 5×5 convolution; each later one has `blocks` residual blocks. The second
    convolution of a block is dilated by 2, for a cell to see more of what lies around it (Yu and Koltun,
    2016). Each cell has a learned position.
    """

    def __init__(
        self,
        image_size: int,
        channels: int = 3,
        widths: Sequence[int] = (32, 64, 128),
        blocks: int = 1,
        dim: int = 128,
    ):
        super().__init__()
        within(image_size=image_size, channels=channels, widths=widths, blocks=blocks, dim=dim)
        if not widths:
            raise ValueError("widths []: must be one or more numbers")
        if image_size % 2 ** len(widths):
            raise ValueError(f"image_size {image_size}: must be a multiple of {2 ** len(widths)}")
        self.image_size, self.dim = image_size, dim
        self.side = image_size // 2 ** len(widths)
        stages: list[nn.Module] = [_layer(channels, widths[0], kernel=5, stride=2)]
        for before, width in zip(widths, widths[1:], strict=False):
            stages += [_layer(before, width, stride=2), *(_Residual(width) for _ in range(blocks))]
        self.features = nn.Sequential(*stages)
        # both at the same scale: content that outgrows its place hides left from right for thousands of steps
        self.project = nn.Sequential(nn.Linear(widths[-1], dim), nn.LayerNorm(dim))
        line = torch.linspace(-1, 1, self.side)
        places = torch.cartesian_prod(line, line)  # (N, 2)
        self.position = nn.Parameter(places @ torch.randn(2, dim) + 0.1 * torch.randn(len(places), dim))
        self.norm = nn.LayerNorm(dim)

    def forward(self, images: Tensor) -> Tensor:
        x = self.features(images)  # (B, C, S, S) -> (B, W, G, G)
        x = self.project(x.flatten(2).transpose(1, 2)) + self.position  # (B, N, D)
        return self.norm(x)


def _layer(before: int, width: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, width, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            _layer(width, width),
            nn.Conv2d(width, width, 3, padding=2, dilation=2, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.layers(x)).relu()
