"""From a scene to what a reader's cells should say of it, and from what they say to its objects.

Shapes: B batch, N places for objects, G cells a side, A the attributes' values in all.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from crossmedia.images.scenes import COLOURS, RADII, SHAPES, UNIT

ATTRIBUTES = {"shape": SHAPES, "colour": tuple(COLOURS), "size": tuple(RADII)}
COUNTS = [len(values) for values in ATTRIBUTES.values()]
# In 1/UNIT: a cell whose centre is this near to an object's tells of it. At 8 cells one always is, and all
# that tell of one object touch the surest of them, while those of two are at least two cells apart.
NEAR = 28


def targets(objects: Tensor, cells: int) -> tuple[Tensor, Tensor]:
    """Which object each cell tells of, (B, G, G), and whether it tells of one.

    objects: (B, N, 5) as a Sample has them.
    """
    distance, slot = distances(objects, cells).min(1)
    return slot, distance <= NEAR


def distances(objects: Tensor, cells: int) -> Tensor:
    """From each object's centre to each cell's, (B, N, G, G) in 1/UNIT; infinite for an empty place."""
    middle = (torch.arange(cells, device=objects.device) + 0.5) * UNIT / cells
    x, y = objects[..., 3, None, None], objects[..., 4, None, None]  # (B, N, 1, 1)
    away = torch.hypot(middle - x, middle[:, None] - y)
    return away.masked_fill(objects[..., 0, None, None] < 0, torch.inf)


def peaks(logits: Tensor) -> Tensor:
    """The cells that speak for an object each, (B, G, G): surer than one half, and than all beside them."""
    presence = logits[:, 0].float()  # (B, G, G)
    place = torch.arange(presence[0].numel(), device=logits.device).view(presence.shape[1:])
    presence = presence + 1e-4 * place  # half precision has equals, of which one is to speak
    surest = F.max_pool2d(presence[:, None], 3, stride=1, padding=1)[:, 0]
    return (presence == surest) & (logits[:, 0] > 0)


def kinds(logits: Tensor) -> Tensor:
    """The likeliest value of each attribute in each cell, (B, 3, G, G)."""
    return torch.stack([part.argmax(1) for part in attributes(logits)], 1)


def attributes(logits: Tensor) -> list[Tensor]:
    """The logits of shape, colour and size, each (B, values, G, G)."""
    return list(logits[:, 1:].split(COUNTS, dim=1))


def right(logits: Tensor, objects: Tensor) -> tuple[Tensor, Tensor]:
    """How many attributes of each scene are read right, of three an object, (B,); and whether all of it is.

    An object that no peak is near to has none right.
    """
    peak, found = peaks(logits), kinds(logits)
    away = distances(objects, logits.shape[-1]).masked_fill(~peak[:, None], torch.inf).flatten(2)
    nearest, cell = away.min(-1)  # (B, N)
    read = found.flatten(2).gather(2, cell[:, None].expand(-1, found.shape[1], -1))  # (B, 3, N)
    same = (read == objects[..., :3].transpose(1, 2)) & (nearest <= 2 * NEAR)[:, None]
    there = objects[..., 0] >= 0
    count = (same & there[:, None]).sum((1, 2))
    whole = (count == 3 * there.sum(1)) & (peak.sum((1, 2)) == there.sum(1))
    return count, whole


def words(logits: Tensor) -> list[list[str]]:
    """The objects of each picture, from left to right: `small red circle`."""
    peak, found = peaks(logits).cpu(), kinds(logits).cpu()
    told = []
    for row in range(len(logits)):
        cells = sorted(peak[row].nonzero().tolist(), key=lambda cell: cell[::-1])
        told.append([" ".join(_name(found[row, :, y, x].tolist())) for y, x in cells])
    return told


def _name(kind: list[int]) -> list[str]:
    shape, colour, size = (values[k] for values, k in zip(ATTRIBUTES.values(), kind, strict=True))
    return [size, colour, shape]
