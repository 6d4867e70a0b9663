"""Generator that draws a ground and each object by itself, then puts the objects in their places (BlockGAN,
Nguyen-Phuoc et al., 2020, here in two dimensions).

Shapes: B batch, Z latents, N objects, A attributes of each, C channels, S image size, G = S/2 cells a side,
D width.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crossmedia.limits import within
from crossmedia.nets.dcgan import SIDE, narrow, need_levels
from crossmedia.nets.kinds import one_hot

FLAT = 4  # the power by which an object's grid fades out: flat in the middle
PLACE = 2  # of an object's latents say where it is


class BlockGenerator(nn.Module):
    """Latents to pictures in [-1, 1].

    Ground and objects have an equal share of the latents each. An object is drawn on a grid of half the
    scene's cells a side: from 4 × 4 each further width doubles it, but for the last two. Its channels are
    scaled by what it is (as StyleGAN's, Karras et al., 2019). It is moved to a place that is uniform over as
    much of the scene as the object itself allows, and added to the ground. The sum is drawn over at the width
    before the last, then at full size at the last.

    With `kinds`, how many values each attribute of an object has, it is told of what kind each object is to
    be (conditional GAN, Mirza and Osindero, 2014): a continuous latent can't draw what has no in-between, as
    star and heart. An object's latents change it within its kind.
    """

    spread: Tensor

    def __init__(
        self,
        image_size: int,
        channels: int = 3,
        latent_dim: int = 128,
        widths: Sequence[int] = (128, 64, 32, 24),
        objects: int = 1,
        kinds: Sequence[int] = (),
    ):
        super().__init__()
        within(image_size=image_size, channels=channels, latent_dim=latent_dim, widths=widths)
        within(objects=objects, kinds=tuple(kinds))
        need_levels(image_size, len(widths) - 1, widths)
        if len(widths) < 3:
            raise ValueError(f"widths {list(widths)}: must be three or more")
        *drawn, joined, full = widths
        if latent_dim % (objects + 1) or latent_dim // (objects + 1) <= PLACE:
            raise ValueError(f"latent_dim {latent_dim}: must be {objects + 1} times a number above {PLACE}")
        self.latent_dim, self.objects, self.cells = latent_dim, objects, image_size // 2
        self.kinds = tuple(kinds)
        share = latent_dim // (objects + 1)
        content = share - PLACE + sum(kinds)
        self.ground = nn.Linear(share, drawn[-1])
        self.reach = nn.Linear(content, PLACE)
        self.dense = nn.Linear(content, drawn[0] * SIDE**2)
        self.style = nn.Linear(content, drawn[-1])
        levels: list[nn.Module] = [nn.BatchNorm2d(drawn[0]), nn.ReLU(inplace=True)]
        for before, width in zip(drawn, drawn[1:], strict=False):
            levels += [nn.Upsample(scale_factor=2), *_layer(before, width)]
        self.draw = nn.Sequential(*levels, _convolution(drawn[-1], drawn[-1]))
        self.join = nn.Sequential(
            nn.ReLU(inplace=True),
            *_layer(drawn[-1], joined),
            nn.Upsample(scale_factor=2),
            *_layer(joined, full),
        )
        self.refine = nn.Sequential(*_layer(full, full))
        self.picture = _convolution(full, channels)
        narrow(self)
        nn.init.constant_(self.reach.bias, 1.5)  # four fifths of the picture
        nn.init.normal_(self.style.weight, std=0.1)  # objects differ from the start
        nn.init.ones_(self.style.bias)
        spread = torch.tensor([count**0.5 for count in self.kinds for _ in range(count)])
        self.register_buffer("spread", spread, persistent=False)  # a kind varies about as much as a latent
        self.register_buffer("window", _window(self.cells // 2), persistent=False)

    def forward(self, latents: Tensor, kinds: Tensor | None = None) -> Tensor:
        """(B, Z), and (B, N, A) where there are `kinds`, to (B, C, S, S)."""
        ground, *objects = latents.chunk(self.objects + 1, dim=1)  # (B, Z) -> (B, Z/(N+1)) each
        told = [None] * self.objects if kinds is None else one_hot(kinds, self.kinds).unbind(1)
        scene = self.ground(ground).float()[:, :, None, None] + sum(map(self.placed, objects, told))
        x = self.join(scene)  # (B, D, G, G) -> (B, ·, S, S)
        return self.picture(x + self.refine(x)).tanh()  # (B, C, S, S)

    def placed(self, latents: Tensor, kind: Tensor | None = None) -> Tensor:
        """An object in its place, (B, D, G, G); its grid fades out to its border."""
        place, content = latents[:, :PLACE].float(), latents[:, PLACE:]
        content = content if kind is None else torch.cat([(kind * self.spread).to(content), content], dim=1)
        drawn = self.draw(self.dense(content).unflatten(1, (-1, SIDE, SIDE))).float() * self.window
        drawn = drawn * self.style(content).float()[:, :, None, None]
        centre = torch.erf(place / math.sqrt(2)) * self.reach(content).float().sigmoid()
        return self.moved(drawn, centre)

    def moved(self, drawn: Tensor, centre: Tensor) -> Tensor:
        """From the middle to a centre (B, 2), x and y in [-1, 1] of the scene."""
        x, y = (self._shift(part) for part in centre.unbind(1))
        return y.transpose(1, 2)[:, None] @ drawn @ x[:, None]  # (B, D, G/2, G/2) -> (B, D, G, G)

    def _shift(self, centre: Tensor) -> Tensor:
        """The share of each of an object's cells in each of the scene's, (B, G/2, G): linearly."""
        sides = (self.cells // 2, self.cells)
        inner, outer = (torch.arange(n, device=centre.device) - (n - 1) / 2 for n in sides)
        places = centre[:, None] * self.cells / 2 + inner  # (B, G/2)
        return (1 - (places[:, :, None] - outer).abs()).clamp(min=0)


def _convolution(before: int, width: int, bias: bool = True) -> nn.Conv2d:
    """Its border goes on beyond the picture, so that an even ground stays even."""
    return nn.Conv2d(before, width, 3, padding=1, padding_mode="replicate", bias=bias)


def _layer(before: int, width: int) -> list[nn.Module]:
    return [_convolution(before, width, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]


def _window(side: int) -> Tensor:
    """(side, side): 1 in the middle, to 0 at the border."""
    across = 1 - ((torch.arange(side) + 0.5) * 2 / side - 1) ** FLAT
    return across[:, None] * across
