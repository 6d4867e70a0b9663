"""Feature nets that crossmedia trained itself and carries: scores of pictures without a download.

`embedded/<name>/` is what `crossmedia export` writes; its README.md has the commands that make them.
B pictures, D features, K classes, G cells a side.
"""

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from crossmedia.build import build
from crossmedia.images.reading import COUNTS, attributes, kinds, peaks
from crossmedia.images.transforms import resized
from crossmedia.metrics.features import Features, Known, in_colour, sha256

HOME = Path(__file__).parents[1] / "embedded"
WEIGHTS = "model.safetensors"


def embedded(name: str) -> Any:
    """The net of an exported run, frozen, in eval mode."""
    config = json.loads((HOME / name / "config.json").read_text(encoding="utf-8"))
    net = build(config["model"]["net"], "net")
    net.load_state_dict(load_file(HOME / name / WEIGHTS))
    return net.eval().requires_grad_(False)


class SceneFeatures(nn.Module):
    """The reader of `experiments/scene_reader.yaml`: the mean of its last layer over the picture, and the
    probability of each kind of object (shape, colour, size) where it is surest that there is one.
    """

    name = "scenes"
    kinds = tuple(COUNTS)

    def __init__(self) -> None:
        super().__init__()
        self.net = embedded("scenes")

    @classmethod
    def known(cls, node: dict[str, Any]) -> Known:
        return Known(cls.name, sha256(HOME / cls.name / WEIGHTS), cls.kinds)

    def forward(self, images: Tensor) -> Features:
        inner = self.net.features(in_colour(images))  # (B, D, G, G)
        logits = self.net.head(inner).float()
        presence, cell = logits[:, 0].flatten(1).max(1)  # (B,)
        rows = torch.arange(len(images), device=images.device)
        parts = [part.flatten(2)[rows, :, cell].softmax(1) for part in attributes(logits)]
        whole = torch.einsum("bs,bc,bz->bscz", *parts).flatten(1)  # (B, kinds)
        there = presence.sigmoid()[:, None]
        probabilities = there * whole + (1 - there) / whole.shape[1]  # of nothing: any kind, equally
        return Features(inner.float().mean((2, 3)), probabilities)

    def agreement(self, images: Tensor, others: Tensor) -> Tensor:
        """The share of the attributes read in each picture that the other's same place has, too, (B,).

        Of the picture with more objects: one that the other adds is as wrong as one that it lacks.
        """
        true, found = (self.net(in_colour(pictures)).float() for pictures in (images, others))
        peak, other = peaks(true), peaks(found)  # (B, G, G)
        seen = F.max_pool2d(found[:, 0], 3, stride=1, padding=1) > 0
        same = ((kinds(true) == kinds(found)) & seen[:, None] & peak[:, None]).sum((1, 2, 3))
        total = 3 * torch.maximum(peak.sum((1, 2)), other.sum((1, 2)))
        return torch.where(total > 0, same / total.clamp(min=1), 1.0)


class SceneLevels(nn.Module):
    """What each stage of another, smaller reader of scenes sees, for a discriminator to look through."""

    name = "scenes_small"

    def __init__(self) -> None:
        super().__init__()
        self.net = embedded(self.name)
        self.image_size, self.widths = self.net.image_size, self.net.widths

    @classmethod
    def known(cls, node: dict[str, Any]) -> Known:
        return Known(cls.name, sha256(HOME / cls.name / WEIGHTS))

    def levels(self, images: Tensor) -> list[Tensor]:
        """Of pictures (B, 3, 32, 32) in [-1, 1]: (B, 24, 32, 32), (B, 48, 16, 16), (B, 96, 8, 8)."""
        return self.net.levels(images)


class DigitFeatures(nn.Module):
    """The classifier of `experiments/digits.yaml`, narrower: its pooled last layer, and its ten classes."""

    name = "digits"

    def __init__(self) -> None:
        super().__init__()
        self.net = embedded("digits")

    @classmethod
    def known(cls, node: dict[str, Any]) -> Known:
        return Known(cls.name, sha256(HOME / cls.name / WEIGHTS))

    def forward(self, images: Tensor) -> Features:
        inner = self.net.features(self._at_size(images)).float().mean((2, 3))  # (B, D)
        return Features(inner, self.net.head(inner).softmax(1))

    def agreement(self, images: Tensor, others: Tensor) -> Tensor:
        """1 where both are read as the same digit, (B,)."""
        true, found = (self.net(self._at_size(pictures)).argmax(1) for pictures in (images, others))
        return (true == found).float()

    @staticmethod
    def _at_size(images: Tensor) -> Tensor:
        return resized(images.mean(1, keepdim=True), (8, 8))  # as the data has them
