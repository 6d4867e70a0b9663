"""A sound to class scores: frame by frame, by convolutions over the mels, by attention over the frames.

Shapes: B batch, T frames, F mel bands, D width, K classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crossmedia.data.batches import Clips
from crossmedia.limits import within
from crossmedia.nets.frontend import MelFrontEnd
from crossmedia.nets.masks import MaskedBatchNorm, Subsample, mask_of, mean_of
from crossmedia.nets.transformer import Positions


class FrameDNN(nn.Module):
    """Each frame with `context` neighbours a side through dense layers (Hinton et al., 2012); the mean of
    what the frames say.
    """

    def __init__(
        self,
        frontend: MelFrontEnd,
        num_classes: int,
        widths: Sequence[int] = (512, 512, 512),
        context: int = 5,
        dropout: float = 0.1,
    ):
        super().__init__()
        within(num_classes=num_classes, widths=widths, context=context, dropout=dropout)
        self.frontend, self.context = frontend, context
        layers: list[nn.Module] = []
        before = frontend.dim * (2 * context + 1)
        for width in widths:
            layers += [nn.Linear(before, width), nn.LayerNorm(width), nn.ReLU(), nn.Dropout(dropout)]
            before = width
        self.layers = nn.Sequential(*layers, nn.Linear(before, num_classes))

    def forward(self, clips: Clips) -> Tensor:
        """-> logits (B, K)."""
        mels, lens = self.frontend(clips)
        wide = nn.functional.pad(mels, (0, 0, self.context, self.context))
        frames = wide.unfold(1, 2 * self.context + 1, 1).flatten(2)  # (B, T, F · (2 context + 1))
        return mean_of(self.layers(frames), lens)


class MelCNN(nn.Module):
    """Stages of two 3×3 convolutions over bands and frames, each at half the size of the one before, as VGG
    (Simonyan and Zisserman, 2015) for sound (Hershey et al., 2017); the mean over the clip's own cells."""

    def __init__(
        self,
        frontend: MelFrontEnd,
        num_classes: int,
        widths: Sequence[int] = (32, 64, 128),
        dropout: float = 0.1,
    ):
        super().__init__()
        within(num_classes=num_classes, widths=widths, dropout=dropout)
        if not widths:
            raise ValueError("widths []: must be one or more numbers")
        self.frontend = frontend
        self.layers = nn.ModuleList(
            _Layer(before, width, pool)
            for before, width in zip((1, *widths[:-1]), widths, strict=True)
            for before, pool in ((before, False), (width, True))
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(widths[-1], num_classes))

    def forward(self, clips: Clips) -> Tensor:
        """-> logits (B, K)."""
        mels, lens = self.frontend(clips)
        x = mels[:, :, None]  # (B, T, 1, F)
        for layer in self.layers:
            x, lens = layer(x, lens)
        return self.head(mean_of(x.mean(-1), lens))


class _Layer(nn.Module):
    """A convolution that sees zeros behind a clip's end, as it does behind the batch's."""

    def __init__(self, before: int, width: int, pool: bool):
        super().__init__()
        self.convolution = nn.Conv2d(before, width, 3, padding=1, bias=False)
        self.norm = MaskedBatchNorm(width)
        self.pool = nn.MaxPool2d(2, ceil_mode=True) if pool else None

    def forward(self, x: Tensor, lens: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, T, C, F), zeros behind each clip's end -> the same of the next layer."""
        x = x.transpose(1, 2)  # (B, C, T, F)
        x = self.convolution(x.contiguous(memory_format=torch.channels_last))
        x = self.norm(x.permute(0, 2, 3, 1), lens).relu().transpose(2, 3)  # (B, T, C, F)
        if self.pool is None:
            return x, lens
        return self.pool(x.transpose(1, 2)).transpose(1, 2), (lens + 1) // 2


class MelTransformer(nn.Module):
    """Convolutions to a frame in four, then a Transformer encoder (Vaswani et al., 2017); the mean of its
    frames.
    """

    def __init__(
        self,
        frontend: MelFrontEnd,
        num_classes: int,
        dim: int = 128,
        depth: int = 4,
        heads: int = 4,
        strides: Sequence[int] = (2, 2),
        dropout: float = 0.1,
    ):
        super().__init__()
        within(num_classes=num_classes, dim=dim, depth=depth, heads=heads, dropout=dropout)
        if dim % heads or dim % 2:
            raise ValueError(f"dim {dim}: must be even and a multiple of heads, {heads}")
        self.frontend = frontend
        self.subsample = Subsample(frontend.dim, dim, strides)
        layer = nn.TransformerEncoderLayer(
            dim, heads, 4 * dim, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, depth, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.positions = Positions(dim)
        self.head = nn.Linear(dim, num_classes)

    def forward(self, clips: Clips) -> Tensor:
        """-> logits (B, K)."""
        x, lens = self.subsample(*self.frontend(clips))
        x = x + self.positions(0, x.shape[1], x)
        x = self.encoder(x, src_key_padding_mask=~mask_of(lens, x.shape[1]))  # (B, T, D)
        return self.head(mean_of(x, lens))
