"""Pictures to a grid of features and back: residual convolutions without normalisation.

Shapes: B batch, C channels, S image size, L levels, G = S / 2^L cells a side, D features of a cell, P
numbers a pixel.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crossmedia.limits import within


class Encoder(nn.Module):
    """(B, C, S, S) -> (B, D, G, G); each of `widths` is a level at half the side of the one before.

    The first level folds 2 × 2 pixels into channels (Shi et al., 2016), so that nothing is computed at the
    picture's own size.
    """

    def __init__(
        self,
        image_size: int,
        channels: int = 3,
        widths: Sequence[int] = (64, 128),
        blocks: int = 2,
        dim: int = 64,
    ):
        super().__init__()
        side_of(image_size, channels, widths, blocks)  # ValueError where such a net cannot be
        within(dim=dim)
        layers: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, widths[0], 3, padding=1)]
        for place, width in enumerate(widths):
            if place:
                layers.append(nn.Conv2d(widths[place - 1], width, 4, stride=2, padding=1))
            layers += [Residual(width) for _ in range(blocks)]
        self.layers = nn.Sequential(*layers, nn.ReLU(inplace=True), nn.Conv2d(widths[-1], dim, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)  # (B, D, G, G)


class Decoder(nn.Module):
    """(B, D, G, G) -> (B, P, S, S): the encoder's levels in reverse.

    The last layer computes in float32: bfloat16 has no room for the 256 levels of a pixel.
    """

    def __init__(
        self,
        image_size: int,
        channels: int = 3,
        widths: Sequence[int] = (64, 128),
        blocks: int = 2,
        dim: int = 64,
    ):
        super().__init__()
        side_of(image_size, channels, widths, blocks)  # ValueError where such a net cannot be
        within(dim=dim)
        layers: list[nn.Module] = [nn.Conv2d(dim, widths[-1], 3, padding=1)]
        for place, width in reversed(list(enumerate(widths))):
            layers += [Residual(width) for _ in range(blocks)]
            if place:
                layers += [nn.Conv2d(width, 4 * widths[place - 1], 3, padding=1), nn.PixelShuffle(2)]
        self.layers = nn.Sequential(*layers, nn.ReLU(inplace=True))
        self.head = nn.Sequential(nn.Conv2d(widths[0], 4 * channels, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, features: Tensor) -> Tensor:
        x = self.layers(features)  # (B, D, G, G) -> (B, widths[0], S/2, S/2)
        with torch.autocast(x.device.type, enabled=False):
            return self.head(x.float())  # (B, P, S, S)


class Residual(nn.Module):
    """x + f(x) (He et al., 2016), f of two convolutions that begins small (Zhang et al., 2019)."""

    def __init__(self, width: int):
        super().__init__()
        first, second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        with torch.no_grad():
            second.weight.mul_(0.1)  # in place of a normalisation: a deep stack begins as one layer
        self.layers = nn.Sequential(nn.ReLU(), first, nn.ReLU(inplace=True), second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def side_of(image_size: int, channels: int, widths: Sequence[int], blocks: int) -> int:
    """Cells a side of the grid; ValueError where such a net cannot be."""
    within(image_size=image_size, channels=channels, widths=widths, blocks=blocks)
    if not widths:
        raise ValueError("widths []: must be one or more numbers")
    if image_size % 2 ** len(widths):
        raise ValueError(f"image_size {image_size}: must be a multiple of {2 ** len(widths)}")
    return image_size // 2 ** len(widths)
