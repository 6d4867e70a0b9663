"""Convolutional generator and discriminator (Radford et al., 2016; with spectral norm Miyato et al., 2018).

Shapes: B batch, Z latents, C channels, S image size, D width of the narrowest grid (4 × 4).
"""

import functools
from collections.abc import Sequence
from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from crossmedia.limits import one_of, within
from crossmedia.nets.kinds import one_hot

Norm = Literal["spectral", "batch", "layer", "none"]
SLOPE, SPECTRAL_SLOPE = 0.2, 0.1  # of leaky ReLUs (Radford et al., section 3; Miyato et al., appendix)
SIDE = 4  # pixels of the grid where the generator begins and the discriminator ends


class Generator(nn.Module):
    """Latents to pictures in [-1, 1]: a dense layer to 4 × 4, then each further width at twice the size."""

    def __init__(
        self,
        image_size: int,
        channels: int = 3,
        latent_dim: int = 128,
        widths: Sequence[int] = (256, 128, 64, 32),
    ):
        super().__init__()
        within(image_size=image_size, channels=channels, latent_dim=latent_dim, widths=widths)
        need_levels(image_size, len(widths) - 1, widths)
        self.latent_dim = latent_dim
        self.dense = nn.Linear(latent_dim, widths[0] * SIDE**2)
        levels: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True)]
        for before, width in zip(widths, widths[1:], strict=False):
            levels += [
                nn.ConvTranspose2d(before, width, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
        self.levels = nn.Sequential(*levels)
        self.picture = nn.Conv2d(widths[-1], channels, 3, padding=1)
        narrow(self)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.dense(latents).unflatten(1, (-1, SIDE, SIDE))  # (B, Z) -> (B, D, 4, 4)
        x = self.levels(x)  # (B, ·, S, S)
        return self.picture(x).tanh()  # (B, C, S, S)


class Discriminator(nn.Module):
    """Pictures to one score each: each width halves the size, down to 4 × 4.

    `refine` is Miyato et al.'s: a 3 × 3 convolution before each halving, and a last one, of the last width,
    after them. With `fold`, 2 × 2 pixels are channels of one (Shi et al., 2016): nothing is computed at the
    pictures' own size. With `pool`, the last halving is left out, and the score is of the sum over all
    places, as in Miyato et al.'s ResNet: what is learned at one of them holds at each. `norm`: "spectral"
    bounds every layer, "batch" is DCGAN's, "layer" and "none" let samples alone, as a gradient penalty needs.
    With `kinds`, how many values each attribute of an object has, it is told of what kind each object of a
    picture is, and scores how well they go together by a projection (Miyato and Koyama, 2018).
    """

    def __init__(
        self,
        image_size: int,
        channels: int = 3,
        widths: Sequence[int] = (64, 128, 256),
        norm: Norm = "spectral",
        refine: bool = True,
        fold: bool = False,
        pool: bool = False,
        kinds: Sequence[int] = (),
    ):
        super().__init__()
        within(image_size=image_size, channels=channels, widths=widths)
        halvings = len(widths) - refine
        need_levels(image_size, halvings + fold, widths)
        one_of(get_args(Norm), norm=norm)
        layers: list[nn.Module] = [nn.PixelUnshuffle(2)] if fold else []
        channels = 4 * channels if fold else channels
        for level, (before, width) in enumerate(zip((channels, *widths[:-1]), widths, strict=True)):
            same, half = (before, width, 3, 1), (width if refine else before, width, 4, 2)
            halves = level < halvings - pool
            sizes = [same] * (refine or not halves) + [half] * halves
            for place, (inner, outer, kernel, stride) in enumerate(sizes):
                layers += layer(inner, outer, kernel, stride, norm, first=level == place == 0)
        self.layers, self.pool = nn.Sequential(*layers), pool
        score = nn.Linear(widths[-1] if pool else widths[-1] * SIDE**2, 1)
        self.score = bounded(score, norm)
        self.kinds = tuple(kinds)
        if kinds:
            within(kinds=self.kinds)
            self.told = bounded(nn.Linear(sum(kinds), score.in_features, bias=False), norm)

    def forward(self, images: Tensor, kinds: Tensor | None = None) -> Tensor:
        """(B, C, S, S), and (B, N, A) where there are `kinds`, to (B,)."""
        seen = self.layers(images)  # (B, D, 4, 4), or (B, D, 8, 8) with `pool`
        seen = seen.sum((2, 3)) / seen.shape[-1] if self.pool else seen.flatten(1)
        score = self.score(seen)[:, 0]
        if kinds is None:
            return score
        return score + (seen * self.told(one_hot(kinds, self.kinds).to(seen).sum(1))).sum(1)


def narrow(net: nn.Module) -> None:
    """DCGAN's start: weights from a normal distribution of deviation 0.02 (section 3)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, std=0.02)


def bounded(module: nn.Module, norm: str) -> nn.Module:
    """Under the norm "spectral" a module that stretches nothing, else as it is."""
    return spectral_norm(module) if norm == "spectral" else module


def layer(inner: int, outer: int, kernel: int, stride: int, norm: Norm, first: bool) -> list[nn.Module]:
    """A convolution, its norm and its leaky ReLU; the first of a net has neither batch nor layer norm."""
    convolution = nn.Conv2d(inner, outer, kernel, stride, padding=1)
    activation = nn.LeakyReLU(SPECTRAL_SLOPE if norm == "spectral" else SLOPE, inplace=True)
    if norm == "spectral":
        return [spectral_norm(convolution), activation]
    norms = {"batch": nn.BatchNorm2d, "layer": functools.partial(nn.GroupNorm, 1)}
    return (
        [convolution, activation]
        if first or norm == "none"
        else [convolution, norms[norm](outer), activation]
    )


def need_levels(image_size: int, halvings: int, widths: Sequence[int]) -> None:
    """ValueError unless so many halvings of a picture end at 4 × 4; of 28 pixels none do."""
    size = SIDE * 2**halvings
    if image_size != size:
        raise ValueError(
            f"widths {list(widths)}: must be as many as make {image_size} pixels; these make {size}. "
            "Give others, or another data.image.size"
        )
