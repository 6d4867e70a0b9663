"""Discriminator that sees pictures through a frozen net (Projected GAN, Sauer et al., 2021).

Shapes: B batch, C channels, S image size, G places a side of a level of the frozen net, L levels, D width,
N objects of a picture, A attributes of each.
"""

from collections.abc import Sequence
from typing import Any, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.limits import one_of, within
from crossmedia.nets.dcgan import SIDE, Norm, bounded, layer
from crossmedia.nets.kinds import one_hot


class ProjectedDiscriminator(nn.Module):
    """Pictures to one score a level, (B, L): each level's channels are mixed at random, for good, and a small
    net of its own judges them at 4 × 4. The paper also mixes the levels, and has a score for each place.

    `encoder.levels` gives a list of (B, ·, G, G) of pictures of `encoder.image_size`, `encoder.widths` their
    channels; `levels` says which of them are judged. It stands still, and is no part of `parameters()` or
    `state_dict()`. It should not be what scores the pictures; and where it learnt the same classes as what
    scores them, even another net flatters them (Kynkäänniemi et al., 2023).
    With `pixels` the first of `levels` also has the picture itself, folded to its places as channels (Shi et
    al., 2016): what a reader need not know, as how even a colour is, the frozen net lets pass.
    `norm` is as in `Discriminator`. With `kinds`, how many values each attribute of an object has, a level's
    score also says how well the mean of its 4 × 4 goes with them, by a projection (Miyato and Koyama, 2018).
    Raises ValueError for a level that the net does not have, or pictures of another size than it sees.
    """

    def __init__(
        self,
        encoder: nn.Module,
        image_size: int,
        levels: Sequence[int] = (1, 2),
        mixed: int = 64,
        width: int = 64,
        norm: Norm = "batch",
        pixels: bool = True,
        kinds: Sequence[int] = (),
    ):
        super().__init__()
        self.levels, self.pixels, self.kinds = tuple(levels), pixels, tuple(kinds)
        within(image_size=image_size, levels=self.levels, mixed=mixed, width=width, kinds=self.kinds)
        one_of(get_args(Norm), norm=norm)
        seeing: Any = encoder
        if not hasattr(encoder, "levels"):
            raise ValueError(f"encoder {type(encoder).__name__}: must have levels, as SceneLevels has")
        if image_size != seeing.image_size:
            raise ValueError(f"image_size {image_size}: must be {seeing.image_size}, as the encoder's")
        if not levels:
            raise ValueError("levels []: must name one or more")
        for level in levels:
            one_of(range(len(seeing.widths)), levels=level)
        self._held = [encoder.requires_grad_(False).eval()]  # in a list, so no submodule
        with torch.no_grad():
            seen = self._seen(torch.zeros(1, 3, image_size, image_size))
        heads = [_Head(part.shape[1], part.shape[2], mixed, width, norm, self.kinds) for part in seen]
        self.heads = nn.ModuleList(heads)

    def forward(self, images: Tensor, kinds: Tensor | None = None) -> Tensor:
        """(B, C, S, S) in [-1, 1], and (B, N, A) where there are `kinds`, to (B, L)."""
        told = None if kinds is None else one_hot(kinds, self.kinds).sum(1)
        seen = self._seen(images.expand(-1, 3, -1, -1))
        return torch.stack([head(part, told) for head, part in zip(self.heads, seen, strict=True)], 1)

    def _seen(self, images: Tensor) -> list[Tensor]:
        """What each head sees of pictures (B, 3, S, S), (B, ·, G, G)."""
        encoder: Any = self._held[0].to(images.device)
        levels = encoder.levels(images)
        first, *rest = (levels[level] for level in self.levels)
        if self.pixels:
            folded = F.pixel_unshuffle(images, images.shape[-1] // first.shape[-1])
            first = torch.cat([first, folded.to(first)], 1)
        return [first, *rest]


class _Head(nn.Module):
    def __init__(self, channels: int, side: int, mixed: int, width: int, norm: Norm, kinds: tuple[int, ...]):
        super().__init__()
        halvings = (side // SIDE).bit_length() - 1
        if side != SIDE << halvings:
            raise ValueError(f"levels: the frozen net sees {side} places a side; must be 4, 8, 16, …")
        scale = (2 / channels) ** 0.5  # of He et al. (2015), as the paper has it
        self.register_buffer("mix", torch.randn(mixed, channels, 1, 1) * scale)
        layers = layer(mixed, width, 3, 1, norm, first=True)
        for _ in range(halvings):
            layers += layer(width, width, 4, 2, norm, first=False)
        self.layers = nn.Sequential(*layers, *layer(width, width, 3, 1, norm, first=False))
        self.score = bounded(nn.Linear(width * SIDE**2, 1), norm)
        if kinds:
            self.told = bounded(nn.Linear(sum(kinds), width, bias=False), norm)

    def forward(self, seen: Tensor, told: Tensor | None) -> Tensor:
        mix: Any = self.mix
        seen = self.layers(F.conv2d(seen, mix.to(seen)))  # (B, ·, G, G) -> (B, D, 4, 4)
        score = self.score(seen.flatten(1))[:, 0]
        return score if told is None else score + (seen.mean((2, 3)) * self.told(told.to(seen))).sum(1)
