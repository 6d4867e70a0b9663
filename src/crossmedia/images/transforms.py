"""From pictures of any size to the square tensors that a net takes, and their scaling to [-1, 1]."""

from pathlib import Path
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from PIL.Image import Image
from torch import Tensor

from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, colour, read_image, to_tensor
from crossmedia.limits import one_of, within

Channels = Literal[1, 3]  # grey, colour
Fit = Literal["crop", "pad", "stretch"]


class ImageTransform:
    """Resizes with antialiasing to `size` x `size` in 1 or 3 channels.

    `fit` says what becomes of the sides: "crop" keeps the middle square, "pad" keeps the whole picture on
    `background`, "stretch" gives up the aspect.
    """

    def __init__(self, size: int, channels: Channels = 3, background: str = "white", fit: Fit = "crop"):
        within(size=size)
        one_of(get_args(Channels), channels=channels)
        one_of(get_args(Fit), fit=fit)
        self.size, self.channels, self.background, self.fit = size, channels, background, fit
        self._ground = torch.tensor(colour(background), dtype=torch.uint8)[:, None, None]  # (3, 1, 1)

    def read(self, picture: str | Path | Image) -> Tensor:
        """A file's picture, or one of PIL's, uint8 (channels, size, size); a `DataError` names the file."""
        if isinstance(picture, Image):
            return self.prepare(to_tensor(picture, self.background))
        try:
            return self.prepare(read_image(picture, self.background))
        except DataError as error:  # a picture that someone asks about is none to leave out
            raise DataError(*(line.removesuffix(SKIP) for line in error.lines)) from error

    def prepare(self, image: Tensor) -> Tensor:
        """uint8 (1 or 3, H, W) -> uint8 (channels, size, size)."""
        height, width = image.shape[1:]
        if self.fit == "crop":  # before the resize: a strip would grow without limit
            side = min(height, width)
            top, left = (height - side) // 2, (width - side) // 2
            image = image[:, top : top + side, left : left + side]
        if self.fit != "pad":
            return _in_channels(resized(image[None], (self.size, self.size))[0], self.channels).contiguous()
        scale = self.size / max(height, width)
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        square = _in_channels(self._ground, self.channels).repeat(1, self.size, self.size)
        top, left = (self.size - height) // 2, (self.size - width) // 2
        small = _in_channels(resized(image[None], (height, width))[0], self.channels)
        square[:, top : top + height, left : left + width] = small
        return square

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 (B, C, S, S) -> float32 in [-1, 1] of the same shape, channels last."""
        return images.float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)

    def config(self) -> dict[str, Any]:
        """Plain values that build an equal transform."""
        return {
            "_target_": "crossmedia.images.transforms.ImageTransform",
            "size": self.size,
            "channels": self.channels,
            "background": self.background,
            "fit": self.fit,
        }


def _in_channels(image: Tensor, channels: int) -> Tensor:
    if image.shape[0] == channels:
        return image
    if channels == 3:
        return image.expand(3, -1, -1)
    weights = torch.tensor([0.299, 0.587, 0.114])  # luma (ITU-R BT.601)
    return torch.tensordot(weights, image.float(), dims=1).round().to(torch.uint8)[None]


def resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, H, W) -> (B, C, *size): bilinear, each pixel averaging all that it covers, as pictures are
    scored in a way that does not depend on the tool (Parmar et al., 2022)."""
    if images.shape[-2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", antialias=True)
