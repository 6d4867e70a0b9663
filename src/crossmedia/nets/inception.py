"""Inception-v3 (Szegedy et al., 2016) as FID uses it: TensorFlow's of 2015-12-05, in pytorch-fid's names.

It differs from the paper's net: average pools leave padding out, the last block pools by maximum, and there
are 1,008 classes.

Shapes: B batch, C channels, H W grid.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ONE, THREE, FIVE, WIDE, TALL = (1, 1), (3, 3), (5, 5), (1, 7), (7, 1)


class Layer(NamedTuple):
    width: int
    kernel: tuple[int, int]
    stride: int = 1
    pad: bool = True  # so that a stride of 1 keeps the grid


class Block(NamedTuple):
    """Paths side by side, each the layers of one name; a list of layers is a fork, its outputs joined."""

    paths: Mapping[str, Sequence[Layer | list[Layer]]]
    pool: Literal["average", "max", "halve"]
    pool_width: int = 0  # of the convolution after the pool; 0 has none


def _halving(width: int) -> Layer:
    return Layer(width, THREE, stride=2, pad=False)


def _a(pool_width: int) -> Block:
    paths = {
        "1x1": [Layer(64, ONE)],
        "5x5": [Layer(48, ONE), Layer(64, FIVE)],
        "3x3dbl": [Layer(64, ONE), Layer(96, THREE), Layer(96, THREE)],
    }
    return Block(paths, "average", pool_width)


def _c(width: int) -> Block:
    one, wide, tall = (Layer(width, kernel) for kernel in (ONE, WIDE, TALL))
    paths = {
        "1x1": [Layer(192, ONE)],
        "7x7": [one, wide, Layer(192, TALL)],
        "7x7dbl": [one, tall, wide, tall, Layer(192, WIDE)],
    }
    return Block(paths, "average", 192)


def _e(pool: Literal["average", "max"]) -> Block:
    fork = [Layer(384, (1, 3)), Layer(384, (3, 1))]
    paths = {
        "1x1": [Layer(320, ONE)],
        "3x3": [Layer(384, ONE), fork],
        "3x3dbl": [Layer(448, ONE), Layer(384, THREE), fork],
    }
    return Block(paths, pool, 192)


_STEM = {
    "Conv2d_1a_3x3": _halving(32),
    "Conv2d_2a_3x3": Layer(32, THREE, pad=False),
    "Conv2d_2b_3x3": Layer(64, THREE),
    "MaxPool_1": None,
    "Conv2d_3b_1x1": Layer(80, ONE),
    "Conv2d_4a_3x3": Layer(192, THREE, pad=False),
    "MaxPool_2": None,
}
_BLOCKS = {
    "Mixed_5b": _a(32),
    "Mixed_5c": _a(64),
    "Mixed_5d": _a(64),
    "Mixed_6a": Block(
        {"3x3": [_halving(384)], "3x3dbl": [Layer(64, ONE), Layer(96, THREE), _halving(96)]}, "halve"
    ),
    "Mixed_6b": _c(128),
    "Mixed_6c": _c(160),
    "Mixed_6d": _c(160),
    "Mixed_6e": _c(192),
    "Mixed_7a": Block(
        {
            "3x3": [Layer(192, ONE), _halving(320)],
            "7x7x3": [Layer(192, ONE), Layer(192, WIDE), Layer(192, TALL), _halving(192)],
        },
        "halve",
    ),
    "Mixed_7b": _e("average"),
    "Mixed_7c": _e("max"),
}


class InceptionV3(nn.Module):
    """Pictures (B, 3, 299, 299) in [-1, 1] to features (B, 2048); `fc` makes of them the classes' logits."""

    def __init__(self):
        super().__init__()
        channels = 3
        for name, layer in _STEM.items():
            part = Convolution(channels, layer) if layer else nn.MaxPool2d(3, stride=2)
            channels = layer.width if layer else channels
            self.add_module(name, part)
        for name, block in _BLOCKS.items():
            part = Mixed(channels, block)
            channels = part.width
            self.add_module(name, part)
        self.fc = nn.Linear(channels, 1008)

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for name in (*_STEM, *_BLOCKS):
            x = self.get_submodule(name)(x)  # (B, C, H, W), at last (B, 2048, 8, 8)
        return x.mean(dim=(2, 3))  # (B, 2048)


class Convolution(nn.Module):
    """With batch normalisation and ReLU."""

    def __init__(self, channels: int, layer: Layer):
        super().__init__()
        width, kernel, stride, pad = layer
        padding = (kernel[0] // 2, kernel[1] // 2) if pad else 0
        self.conv = nn.Conv2d(channels, width, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Mixed(nn.Module):
    """The paths of a block on the same input, their outputs joined (figures 5 to 7 and 10 of the paper)."""

    def __init__(self, channels: int, block: Block):
        super().__init__()
        self.pool, self.pool_width = block.pool, block.pool_width
        self.width = block.pool_width or channels
        self.paths: list[list[list[str]]] = []  # of each path the names of its steps' layers
        for name, steps in block.paths.items():
            before, path = channels, []
            for number, step in enumerate(steps, 1):
                layers = step if isinstance(step, list) else [step]
                ends = "ab" if isinstance(step, list) else [""]
                place = f"_{number}" if len(steps) > 1 else ""
                names = [f"branch{name}{place}{end}" for end in ends]
                for layer_name, layer in zip(names, layers, strict=True):
                    self.add_module(layer_name, Convolution(before, layer))
                before = sum(layer.width for layer in layers)
                path.append(names)
            self.paths.append(path)
            self.width += before
        if block.pool_width:
            self.branch_pool = Convolution(channels, Layer(block.pool_width, ONE))

    def forward(self, x: Tensor) -> Tensor:
        outputs = []
        for path in self.paths:
            y = x
            for names in path:
                y = torch.cat([self.get_submodule(name)(y) for name in names], 1)
            outputs.append(y)
        return torch.cat([*outputs, self._pooled(x)], 1)

    def _pooled(self, x: Tensor) -> Tensor:
        if self.pool == "halve":
            return F.max_pool2d(x, 3, stride=2)
        if self.pool == "max":
            x = F.max_pool2d(x, 3, stride=1, padding=1)
        else:
            x = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        return self.branch_pool(x)
