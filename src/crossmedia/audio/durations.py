"""How long each character of a text lasts in a sound, by where an attention looked.

Shapes: N steps, L characters.
"""

import numpy as np
import torch
from torch import Tensor

_LEAST = 1e-8  # of a weight: its logarithm is finite


def durations_of(attention: Tensor) -> Tensor:
    """The steps of each character on the likeliest way through an attention (N, L): (L,) int64.

    The way begins at the first character, ends at the last, and stays or goes on by one at each step
    (Kim et al., 2020, section 3.1, by the same search). Where there are fewer steps than characters, the
    steps are shared out evenly.
    """
    steps, length = attention.shape
    if steps < length:
        edges = torch.arange(length + 1) * steps // length
        return edges.diff()
    scores = attention.float().clamp(min=_LEAST).log().cpu().numpy()
    best = np.full((steps, length), -np.inf, np.float32)
    best[0, 0] = scores[0, 0]
    for step in range(1, steps):
        stayed, moved = best[step - 1], np.concatenate([[-np.inf], best[step - 1, :-1]])
        best[step] = np.maximum(stayed, moved) + scores[step]
    found = np.zeros(length, np.int64)
    place = length - 1
    for step in range(steps - 1, -1, -1):
        found[place] += 1
        if step and place and best[step - 1, place - 1] >= best[step - 1, place]:
            place -= 1
    return torch.from_numpy(found)
