"""A classifier that paints: what the tests of `crossmedia generate` ask for pictures."""

from typing import Any

import torch
from torch import Tensor

from crossmedia.data.order import generator
from crossmedia.tasks.base import to_uint8
from crossmedia.tasks.classification import Classification


class Painter(Classification):
    """Out of nothing a plain colour a number; of a picture its negative."""

    @torch.inference_mode()
    def generate(
        self, *, image: Any = None, n: int = 16, seed: int = 0, first: int = 0, dark: bool = False
    ) -> Tensor:
        if image is not None:
            return to_uint8(-self.read(image))
        if seed == 13:
            raise ValueError("seed 13: brings bad luck")
        draws = [generator(seed, number) for number in range(first, first + n)]
        colours = torch.stack([torch.randint(1, 256, (3, 1, 1), generator=draw) for draw in draws])
        return (colours // (2 if dark else 1)).to(torch.uint8).expand(-1, -1, 4, 6)  # (n, 3, 4, 6)


class Dreamer(Painter):
    """Takes no picture."""

    def generate(self, *, n: int = 16, seed: int = 0, first: int = 0) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return super().generate(n=n, seed=seed, first=first)


class Writer(Painter):
    """Gives texts out of nothing."""

    def generate(self, *, n: int = 16, seed: int = 0, first: int = 0) -> list[str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return [f"line\x1b {number} of {seed}" for number in range(first, first + n)]
