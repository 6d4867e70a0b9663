"""A small convolutional classifier: stages of two 3×3 convolutions, each at half the size of the one before.

Shapes: B batch, C channels, H W image size, D width of the last stage, K classes.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from crossmedia.limits import within


class ConvNet(nn.Module):
    """Image to class scores, as VGG (Simonyan and Zisserman, 2015) with batch normalisation (Ioffe and
    Szegedy, 2015) and global average pooling (Lin et al., 2014) in place of the dense layers.

    A picture's side must be at least 2 ** (len(widths) - 1) pixels.
    """

    def __init__(
        self, num_classes: int, channels: int = 3, widths: Sequence[int] = (32, 64, 128), dropout: float = 0.0
    ):
        super().__init__()
        within(num_classes=num_classes, channels=channels, widths=widths, dropout=dropout)
        if not widths:
            raise ValueError("widths []: must be one or more numbers")
        self.side = 2 ** (len(widths) - 1)  # the smallest that the poolings leave a pixel of
        stages: list[nn.Module] = []
        for stage, (before, width) in enumerate(zip((channels, *widths[:-1]), widths, strict=True)):
            if stage:
                stages.append(nn.MaxPool2d(2))
            stages += [_layer(before, width), _layer(width, width)]
        self.features = nn.Sequential(*stages)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(widths[-1], num_classes))

    def forward(self, images: Tensor) -> Tensor:
        if min(images.shape[-2:]) < self.side:
            size = "×".join(map(str, images.shape[-2:]))
            raise ValueError(
                f"image size {size}: must be at least {self.side} pixels a side, or have fewer widths"
            )
        x = self.features(images)  # (B, C, H, W) -> (B, D, H/side, W/side)
        return self.head(x.mean(dim=(2, 3)))  # (B, K)


def _layer(before: int, width: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, width, 3, padding=1, bias=False)  # the normalisation brings the bias
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True))
