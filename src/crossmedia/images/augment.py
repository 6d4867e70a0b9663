"""Random views of a picture: shift, rotation, scale and mirror, each drawn by the sample's own generator."""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from crossmedia.limits import within


class Augment:
    """One affine map a picture. `shift` in parts of the side, `rotate` in degrees, `scale` as 1 ± part,
    `mirror` with probability 1/2; pixels from outside the picture repeat its border."""

    def __init__(self, shift: float = 0.0, rotate: float = 0.0, scale: float = 0.0, mirror: bool = False):
        within(shift=shift, rotate=rotate, scale=scale)
        self.shift, self.rotate, self.scale, self.mirror = shift, rotate, scale, mirror

    def __call__(self, images: Tensor, draws: list[Generator]) -> Tensor:
        """images (B, C, H, W) float, a generator each -> the same shape."""
        uniform = torch.stack([torch.rand(5, generator=draw) for draw in draws]) * 2 - 1  # (B, 5) in [-1, 1]
        angle = uniform[:, 0] * math.radians(self.rotate)
        size = 1 + uniform[:, 1] * self.scale
        across = torch.where(uniform[:, 2] < 0, -size, size) if self.mirror else size
        move = 2 * self.shift * uniform[:, 3:]  # the grid runs from -1 to 1
        rows = (
            torch.stack([across * angle.cos(), -size * angle.sin(), move[:, 0]], 1),
            torch.stack([across * angle.sin(), size * angle.cos(), move[:, 1]], 1),
        )
        grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)  # (B, H, W, 2)
        moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
        return moved.contiguous(memory_format=torch.channels_last)
