"""What stands beside the scores of made pictures: the floor that real ones reach, signs of copies and of a
collapse. N real pictures, D features."""

import torch
from torch import Tensor

from crossmedia.metrics.quality import frechet, kernel

DRAWS = 8  # of training pictures, at most, over which the floor is averaged: one of few is chance
COLLAPSED = 0.1  # share of the real pictures that are reached, or that lie among the made ones
COPIED = 0.25  # of the usual distance to the nearest training picture


class Floors:
    """FID and KID between `real` (N, D) and as many training pictures of `pool`: the mean over draws that
    have none in common, or over all of the pool where it has no more than N."""

    def __init__(self, real: Tensor, pool: Tensor):
        self.real, self.scored = real, len(real)
        whole = len(pool) // len(real)
        self.draws = list(pool[: whole * len(real)].split(len(real)))[:DRAWS] if whole else [pool]

    def scores(self, name: str) -> dict[str, Tensor]:
        """By features of this name."""
        sets = [(self.real[: len(draw)], draw) for draw in self.draws]
        return {
            f"{score}_{name}_floor": torch.stack([distance(*pair) for pair in sets]).mean()
            for score, distance in (("fid", frechet), ("kid", kernel))
        }

    def told(self) -> str:
        count, several = len(self.draws[0]), len(self.draws)
        words = f"; the floor is that of {count} training pictures"
        if several > 1:
            words += f", the mean of {several} draws"
        return words + (", too few: that of FID lies too high" if count < self.scored else "")


def remarks(
    split: str, name: str, scores: dict[str, Tensor], distance: Tensor, usual: float | None
) -> list[str]:
    """Of a collapse, by the `scores` of features of this name; of copies, by the `distance` of each made
    picture to its nearest training picture, and what is `usual` of real ones."""
    said = []
    coverage, recall = (float(scores[f"{score}_{name}"]) for score in ("coverage", "recall"))
    if min(coverage, recall) < COLLAPSED:
        said.append(
            f"{split}: the made pictures reach {coverage:.0%} of the real ones; {recall:.0%} of the real "
            "ones lie among them: a collapse, or unlike any"
        )
    found = distance.median().item()
    if usual is not None and found < COPIED * usual:
        said.append(
            f"{split}: the made pictures lie nearer to training pictures than real ones do, "
            f"{found:.3g} for {usual:.3g}: copies"
        )
    return said
