"""Real pictures beside which made ones are scored, with their features."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from crossmedia.data.order import generator


class Drawn:
    """Pictures of each split drawn by lot, as its files may lie in the order of their classes: on every rank
    the same ones. `features_of` takes pictures (B, C, H, W) in [-1, 1] and gives (B, D)."""

    def __init__(self, data: Any, features_of: Callable[[Tensor], Tensor]):
        self._data, self._features_of = data, features_of
        self._known: dict[str, Tensor] = {}

    def features(self, split: str, count: int) -> Tensor:
        """Of `count` pictures, or of all where there are fewer, (N, D); a longer draw begins as a shorter."""
        places = self._places(split)[:count]
        if len(self._known.get(split, ())) < len(places):
            parts = [self._features_of(part) for part in self._data.pictures(split, places)]
            self._known[split] = torch.cat(parts)
        return self._known[split][: len(places)]

    def pictures(self, split: str, rows: Sequence[int]) -> Tensor:
        """Those of these rows of `features`, (N, C, H, W) in [-1, 1]."""
        places = self._places(split)
        return torch.cat([*self._data.pictures(split, [places[row] for row in rows])])

    def _places(self, split: str) -> list[int]:
        return torch.randperm(len(self._data.split(split)), generator=generator("drawn", split)).tolist()
