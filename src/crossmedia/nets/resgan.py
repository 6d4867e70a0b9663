"""Residual generator and critic (Gulrajani et al., 2017; with spectral norm Miyato et al., 2018).

Shapes: B batch, Z latents, C channels, S image size, D width.
"""

from typing import Literal, get_args

import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.limits import one_of, within
from crossmedia.nets.dcgan import bounded

Norm = Literal["spectral", "none"]
SIDE = 4  # pixels where the generator begins


class ResGenerator(nn.Module):
    """Latents to pictures in [-1, 1]: from 4 × 4 each block doubles the size, all of one width."""

    def __init__(self, image_size: int, channels: int = 3, latent_dim: int = 128, width: int = 128):
        super().__init__()
        within(image_size=image_size, channels=channels, latent_dim=latent_dim, width=width)
        doublings = (image_size // SIDE).bit_length() - 1
        if image_size != SIDE << doublings or not doublings:
            raise ValueError(f"image_size {image_size}: must be 8, 16, 32, …")
        self.latent_dim = latent_dim
        self.dense = nn.Linear(latent_dim, width * SIDE**2)
        self.blocks = nn.Sequential(*(_Up(width) for _ in range(doublings)))
        self.norm = nn.BatchNorm2d(width)
        self.picture = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.dense(latents).unflatten(1, (-1, SIDE, SIDE))  # (B, Z) -> (B, D, 4, 4)
        x = self.blocks(x)  # (B, D, S, S)
        return self.picture(self.norm(x).relu()).tanh()  # (B, C, S, S)


class ResDiscriminator(nn.Module):
    """Pictures to one score each: two blocks that halve the size, two that keep it, the mean over places."""

    def __init__(self, channels: int = 3, width: int = 128, norm: Norm = "none"):
        super().__init__()
        within(channels=channels, width=width)
        one_of(get_args(Norm), norm=norm)
        self.blocks = nn.Sequential(
            _Down(channels, width, norm, first=True),
            _Down(width, width, norm),
            _Same(width, norm),
            _Same(width, norm),
        )
        self.score = bounded(nn.Linear(width, 1), norm)

    def forward(self, images: Tensor) -> Tensor:
        x = self.blocks(images).relu()  # (B, C, S, S) -> (B, D, S/4, S/4)
        return self.score(x.mean((2, 3)))[:, 0]  # (B,)


class _Up(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])
        self.convolutions = nn.ModuleList([nn.Conv2d(width, width, 3, padding=1) for _ in range(2)])
        self.skip = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.convolutions[0](F.interpolate(self.norms[0](x).relu(), scale_factor=2.0))
        inner = self.convolutions[1](self.norms[1](inner).relu())
        return inner + self.skip(F.interpolate(x, scale_factor=2.0))  # (B, D, 2 H, 2 W)


class _Same(nn.Module):
    def __init__(self, width: int, norm: Norm):
        super().__init__()
        self.convolutions = nn.ModuleList(
            [bounded(nn.Conv2d(width, width, 3, padding=1), norm) for _ in range(2)]
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = x
        for convolution in self.convolutions:
            inner = convolution(inner.relu())
        return x + inner


class _Down(nn.Module):
    """Halves the size; the first one's pictures pass no activation."""

    def __init__(self, inner: int, outer: int, norm: Norm, first: bool = False):
        super().__init__()
        self.first = first
        sizes = (inner, outer), (outer, outer)
        self.convolutions = nn.ModuleList([bounded(nn.Conv2d(*size, 3, padding=1), norm) for size in sizes])
        self.skip = bounded(nn.Conv2d(inner, outer, 1), norm)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.convolutions[0](x if self.first else x.relu())
        inner = F.avg_pool2d(self.convolutions[1](inner.relu()), 2)
        return inner + self.skip(F.avg_pool2d(x, 2))  # (B, D, H/2, W/2)
