"""A small detector that reads what is in a scene: for each cell of a grid, whether an object is centred near
it, and which one.

Shapes: B batch, C channels, H W image size, D width of the last stage, G cells a side, A attributes' values.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from crossmedia.images.transforms import resized
from crossmedia.limits import within


class SceneReader(nn.Module):
    """Image to logits per cell: one for presence, then those of each attribute (after CenterNet, Zhou et al.,
    2019). Each stage has `depth` layers. Pictures of any size are resized to `image_size`, averaging all that
    a pixel covers.
    """

    def __init__(
        self,
        attributes: Sequence[int],
        image_size: int = 32,
        channels: int = 3,
        widths: Sequence[int] = (32, 64, 96),
        depth: int = 2,
    ):
        super().__init__()
        within(attributes=tuple(attributes), image_size=image_size, channels=channels)
        within(widths=widths, depth=depth)
        self.attributes, self.image_size = tuple(attributes), image_size
        self.widths, self.depth = tuple(widths), depth
        stages: list[nn.Module] = []
        for stage, (before, width) in enumerate(zip((channels, *widths[:-1]), widths, strict=True)):
            same = [_layer(width, width, 1) for _ in range(depth - 1)]
            stages += [_layer(before, width, 2 if stage else 1), *same]
        self.stages = nn.Sequential(*stages)
        self.head = nn.Conv2d(widths[-1], 1 + sum(attributes), 1)

    def features(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, D, G, G)."""
        return self.stages(resized(images, (self.image_size, self.image_size)))

    def levels(self, images: Tensor) -> list[Tensor]:
        """What each stage sees of pictures (B, C, S, S) of `image_size`: (B, its width, ·, ·)."""
        seen = []
        for place, layer in enumerate(self.stages, start=1):
            images = layer(images)
            if place % self.depth == 0:
                seen.append(images)
        return seen

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))  # (B, 1 + A, G, G)


def _layer(before: int, width: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True))
