"""The pictures of the embedded world: coloured shapes on a grey ground, drawn from signed distances.

Shapes: B scenes, N places for objects, S image size, W window around one object.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "ring", "heart")
COLOURS = {
    "red": (222, 36, 40),
    "orange": (255, 140, 0),
    "yellow": (255, 236, 50),
    "green": (40, 170, 60),
    "cyan": (80, 225, 235),
    "blue": (50, 90, 250),
    "purple": (175, 60, 195),
    "pink": (255, 160, 205),
}
UNIT = 256  # places and radii are whole numbers of 1/256 of the picture's side
RADII = {"small": 23, "medium": 32, "large": 44}  # half the side of the square that holds the shape
SHADES = (16, 80)  # the ground's grey: from, to; dark beside each colour, but not black
OFFSETS = 4  # an object's centre is rounded to 1/4 of a pixel: 16 pictures of each shape and size, made once
LEVELS = 128  # of coverage: LEVELS * 255 still fits 16 bits


class Layout(NamedTuple):
    """What is where in B scenes; the columns past a scene's count hold no meaning."""

    counts: np.ndarray  # (B,) objects in the scene
    shapes: np.ndarray  # (B, N) index into SHAPES
    colours: np.ndarray  # (B, N) index into COLOURS
    sizes: np.ndarray  # (B, N) index into RADII
    places: np.ndarray  # (B, N, 2) centre x (to the right), y (downwards), in 1/UNIT of the picture's side
    shades: np.ndarray  # (B,) grey of the ground


def draw(layout: Layout, size: int) -> Tensor:
    """The scenes' pictures, (B, 3, size, size) uint8; objects must lie inside the picture."""
    window = _window(size)
    table = _coverages(size)  # (sizes * shapes * OFFSETS², W, W)
    palette = np.array(list(COLOURS.values()), np.int16)
    pad = window // 2  # a window may reach over the border where no shape does
    canvas = np.empty((len(layout.counts), 3, size + 2 * pad, size + 2 * pad), np.uint8)
    canvas[:] = layout.shades[:, None, None, None]
    windows = sliding_window_view(canvas, (window, window), axis=(2, 3), writeable=True)  # (B, 3, ·, ·, W, W)
    for slot in range(layout.counts.max(initial=0)):
        rows = np.flatnonzero(layout.counts > slot)
        fine = (OFFSETS * size * layout.places[rows, slot] + UNIT // 2) // UNIT  # in 1/OFFSETS of a pixel
        corner, rest = fine // OFFSETS, fine % OFFSETS  # (n, 2): the pad makes the centre the window's corner
        kind = layout.sizes[rows, slot] * len(SHAPES) + layout.shapes[rows, slot]
        coverage = table[(kind * OFFSETS + rest[:, 1]) * OFFSETS + rest[:, 0]]  # (n, W, W)
        where = (rows, slice(None), corner[:, 1], corner[:, 0])
        ground = windows[where].astype(np.int16)  # (n, 3, W, W)
        change = palette[layout.colours[rows, slot], :, None, None] - ground
        change *= coverage[:, None]  # in place: half the memory traffic
        change += LEVELS // 2
        change //= LEVELS
        windows[where] = ground + change
    return torch.from_numpy(np.ascontiguousarray(canvas[:, :, pad : pad + size, pad : pad + size]))


def signed_distance(shape: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Distance of points to a shape's outline in its square [-1, 1]², y downwards; negative inside."""
    return _DISTANCES[shape](x, y)


def _window(size: int) -> int:
    radius = math.ceil(max(RADII.values()) * size / UNIT)
    return 2 * (radius + 1)  # one pixel for the soft edge and the offset


@lru_cache(maxsize=8)
def _coverages(size: int) -> np.ndarray:
    """How much of each pixel each shape covers, (sizes * shapes * OFFSETS², W, W) int16 of 0…LEVELS."""
    pixels = np.arange(_window(size)) + 0.5 - _window(size) // 2  # pixel centres from the window's middle
    grid = pixels - (np.arange(OFFSETS) / OFFSETS)[:, None]  # (offsets, W)
    y, x = np.broadcast_arrays(grid[:, None, :, None], grid[None, :, None, :])  # (oy, ox, W, W)
    parts = []
    for radius in RADII.values():
        scale = radius * size / UNIT  # pixels
        for shape in SHAPES:
            cover = 0.5 - scale * signed_distance(shape, x / scale, y / scale)
            parts.append(cover.clip(0, 1).reshape(-1, len(pixels), len(pixels)))
    return (np.concatenate(parts) * LEVELS).round().astype(np.int16)


def _disc(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.hypot(x, y) - 0.95


def _ring(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(np.hypot(x, y) - 0.74) - 0.21


def _heart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Two half discs on a square that stands on its corner (Quilez, "2D distance functions")."""
    scale = 1.58
    x, y = np.abs(x) / scale, 0.56 - y / scale
    lobe = np.hypot(x - 0.25, y - 0.75) - math.sqrt(2) / 4
    along = (x + y).clip(min=0) / 2
    side = np.minimum(np.hypot(x, y - 1), np.hypot(x - along, y - along)) * np.sign(x - y)
    return scale * np.where(x + y > 1, lobe, side)


def _polygon(*corners: tuple[float, float]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The distance to the nearest edge, negative where a ray to the right crosses an odd number of edges."""

    def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        nearest, inside = np.full(x.shape, np.inf), np.zeros(x.shape, bool)
        for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
            dx, dy = x1 - x0, y1 - y0
            along = (((x - x0) * dx + (y - y0) * dy) / (dx**2 + dy**2)).clip(0, 1)
            nearest = np.minimum(nearest, np.hypot(x - x0 - along * dx, y - y0 - along * dy))
            if dy:  # a level edge is never crossed
                inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * dx / dy)
        return np.where(inside, -nearest, nearest)

    return distance


def _star(points: int, outer: float, inner: float, drop: float) -> list[tuple[float, float]]:
    turns = [(outer if i % 2 == 0 else inner, math.pi * i / points) for i in range(2 * points)]
    return [(radius * math.sin(angle), drop - radius * math.cos(angle)) for radius, angle in turns]


_ARM, _END = 0.32, 0.95  # half the width of the cross's arms, and their reach
_DISTANCES = {
    "circle": _disc,
    "square": _polygon((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    "triangle": _polygon((0.0, -0.95), (1.0, 0.85), (-1.0, 0.85)),
    "diamond": _polygon((0.0, -1.0), (0.75, 0.0), (0.0, 1.0), (-0.75, 0.0)),
    "star": _polygon(*_star(5, 1.05, 0.44, 0.1)),
    "cross": _polygon(
        *((_ARM, -_END), (_ARM, -_ARM), (_END, -_ARM), (_END, _ARM), (_ARM, _ARM), (_ARM, _END)),
        *((-_ARM, _END), (-_ARM, _ARM), (-_END, _ARM), (-_END, -_ARM), (-_ARM, -_ARM), (-_ARM, -_END)),
    ),
    "ring": _ring,
    "heart": _heart,
}
