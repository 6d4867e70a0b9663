"""Differentiable augmentation of what a discriminator sees (Zhao et al., 2020): for little data.

Shapes: B batch, C channels, H W image size; pictures in [-1, 1].
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from crossmedia.limits import one_of

Policy = Literal["colour", "translation", "cutout"]
SHIFT, HOLE = 1 / 8, 1 / 2  # of the side: how far a picture moves, how large a square is left out


class DiffAugment:
    """Real and made pictures alike are changed at random, each by itself; gradients pass through."""

    def __init__(self, policy: Sequence[Policy] = ("colour", "translation", "cutout")):
        for name in policy:
            one_of(get_args(Policy), policy=name)
        self.policy = tuple(policy)

    def __call__(self, images: Tensor) -> Tensor:
        for name in self.policy:
            images = {"colour": _colour, "translation": _translation, "cutout": _cutout}[name](images)
        return images


def _colour(images: Tensor) -> Tensor:
    """Brightness ± ½, saturation × 0…2, contrast × ½…1½."""
    light, saturation, contrast = (_draw(images) for _ in range(3))  # (B, 1, 1, 1) in [0, 1)
    images = images + light - 0.5
    grey = images.mean(1, keepdim=True)
    images = (images - grey) * 2 * saturation + grey
    middle = images.mean((1, 2, 3), keepdim=True)
    return (images - middle) * (contrast + 0.5) + middle


def _translation(images: Tensor) -> Tensor:
    """By up to an eighth of the side to each direction; zero comes in."""
    height, width = images.shape[-2:]
    far = round(height * SHIFT)
    padded = F.pad(images, (far,) * 4)
    dy, dx = (torch.randint(0, 2 * far + 1, (len(images), 1), device=images.device) for _ in range(2))
    rows = (dy + torch.arange(height, device=images.device))[:, None, :, None]  # (B, 1, H, 1)
    columns = (dx + torch.arange(width, device=images.device))[:, None, None, :]  # (B, 1, 1, W)
    batch = torch.arange(len(images), device=images.device)[:, None, None, None]
    channels = torch.arange(images.shape[1], device=images.device)[None, :, None, None]
    return padded[batch, channels, rows, columns]


def _cutout(images: Tensor) -> Tensor:
    """A square of half the side, its middle anywhere, becomes zero."""
    side = images.shape[-1]
    hole = int(side * HOLE + 0.5)
    middle = torch.randint(0, side + 1 - hole % 2, (2, len(images), 1), device=images.device)
    away = torch.arange(side, device=images.device) - (middle - hole // 2)  # (2, B, S)
    rows, columns = (away >= 0) & (away < hole)
    return images * ~(rows[:, :, None] & columns[:, None, :])[:, None]


def _draw(images: Tensor) -> Tensor:
    return torch.rand(len(images), 1, 1, 1, device=images.device)
