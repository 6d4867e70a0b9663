"""What a generated picture may be a copy of: the nearest ones of a pool, and the two side by side.

Shapes: N pictures asked about, M in the pool, D numbers of each, k neighbours.
"""

import torch
from torch import Tensor

from crossmedia.report.panels import Grid

ROWS, COLUMNS = 512, 2048  # of the distances that are in memory at a time
WHITE = 255
PAIRS = 6  # in a row


def nearest(features: Tensor, pool: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """The k nearest of the pool (M, D) to each of (N, D) in Euclidean distance: distances, indices (N, k).

    Of any type, in whose float64 they are compared: an equal one is at 0. Nearest first; of equally near ones
    any. Memory is bounded by blocks of 2,048 of the pool.
    """
    if features.ndim != 2 or pool.ndim != 2 or features.shape[1] != pool.shape[1]:
        raise ValueError(f"features {list(features.shape)}: must be (N, D) beside {list(pool.shape)}, (M, D)")
    if not 1 <= k <= len(pool):
        raise ValueError(f"k {k}: must be between 1 and the pool's size, {len(pool)}")
    found = [_nearest(block, pool, k) for block in features.split(ROWS)]
    distances, indices = (torch.cat(parts) for parts in zip(*found, strict=True))
    return distances, indices


def _nearest(features: Tensor, pool: Tensor, k: int) -> tuple[Tensor, Tensor]:
    x = (features.cpu() if features.device.type == "mps" else features).double()  # (n, D); mps has none
    best = x.new_full((len(x), 0), 0.0)
    indices = torch.zeros(len(x), 0, dtype=torch.long, device=x.device)
    for start in range(0, len(pool), COLUMNS):
        y = pool[start : start + COLUMNS].to(x)  # (m, D)
        squares = torch.addmm(y.square().sum(1), x, y.T, alpha=-2)  # (n, m), without |x|²: the same in a row
        places = torch.arange(start, start + len(y), device=x.device).expand(len(x), -1)
        squares, places = torch.cat([best, squares], 1), torch.cat([indices, places], 1)
        best, order = squares.topk(min(k, squares.shape[1]), largest=False)
        indices = places.gather(1, order)
    exact = torch.stack([(x - pool[column].to(x)).square().sum(1) for column in indices.T], 1)  # (n, k)
    distances, order = exact.sqrt().sort(dim=1)
    return distances, indices.gather(1, order)


def beside_nearest(
    images: Tensor,
    pool: Tensor,
    features: tuple[Tensor, Tensor],
    usual: float | None = None,
    among: int | None = None,
) -> Grid:
    """Each of `images` (N, 3, H, W) uint8 with the nearest of `pool` (M, 3, H, W) uint8 to its right, by the
    Euclidean distance of their `features`, (N, D) and (M, D).

    `usual` is the median of that distance for real pictures that are not in the pool: a generated one that is
    much nearer is a copy. `among` is the number of pictures from which the pool was chosen already.
    """
    distances, indices = nearest(*features)
    right = pool[indices[:, 0].to(pool.device)].to(images)
    gap = images.new_full((*images.shape[:3], max(1, images.shape[3] // 16)), WHITE)
    note = f"Left: generated. Right: the nearest of {among or len(pool)} training pictures. "
    note += "Below: the distance of their features"
    if usual is not None:
        note += f"; usual for real pictures that are not among them: {usual:.3g}"
    captions = [f"{distance:.3g}" for distance in distances[:, 0].tolist()]
    title, sides = "Nearest training pictures", torch.cat([images, gap, right], 3)
    return Grid(title, sides, captions, PAIRS, f"{note}.")
