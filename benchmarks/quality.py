"""FID's arithmetic beside pytorch-fid's, which takes the root of a matrix by SciPy: the same answer."""

import statistics
import sys
import time

import numpy as np
import torch
from scipy import linalg

from benchmarks.table import Figure, ratios, show
from crossmedia.metrics.quality import frechet

SAMPLES = 10_000
REPEATS = {256: 15, 2048: 3}  # features: those of our own nets, and Inception's
AGREE = 1e-6  # relative


def quality() -> list[Figure]:
    """Features of full rank, as a net's are of so many pictures."""
    return [_figure(width, repeats) for width, repeats in REPEATS.items()]


def _figure(width: int, repeats: int) -> Figure:
    draw = torch.Generator().manual_seed(0)
    mixed = torch.randn(width, width, generator=draw) / width**0.5
    real, fake = (torch.randn(SAMPLES, width, generator=draw) @ mixed + shift for shift in (0.0, 0.1))
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats + 1):
        answers = []
        for distance, times in zip((_pytorch_fid, frechet), spent, strict=True):
            began = time.perf_counter()
            answers.append(float(distance(real, fake)))
            times.append(time.perf_counter() - began)
        if abs(answers[0] - answers[1]) > AGREE * answers[0]:
            raise RuntimeError(f"FID {answers[1]}: pytorch-fid's is {answers[0]}")
    peer, mine = (times[1:] for times in spent)
    words = [f"{1000 * statistics.median(times):.0f} ms" for times in (mine, peer)]
    what = f"pytorch-fid ÷ FID, {SAMPLES:,} × {width:,}"
    return Figure(what, words[0], words[1], ratios(peer, mine), goal=1, least=True)


def _pytorch_fid(real: torch.Tensor, fake: torch.Tensor) -> float:
    """`calculate_frechet_distance` of pytorch-fid 0.3.0, and what comes before it."""
    sets = [part.numpy().astype(np.float64) for part in (real, fake)]
    first, second = (np.cov(part, rowvar=False) for part in sets)
    gap = np.mean(sets[0], axis=0) - np.mean(sets[1], axis=0)
    root = linalg.sqrtm(first.dot(second))
    return gap.dot(gap) + np.trace(first) + np.trace(second) - 2 * np.trace(root.real)


if __name__ == "__main__":
    sys.exit(show("Quality", quality))
