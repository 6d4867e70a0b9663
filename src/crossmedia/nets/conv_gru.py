"""Convolutions and a bidirectional GRU over log-mels: the plain net of CTC recognition.

Shapes: B batch, T frames, D model width.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from crossmedia.data.batches import Clips
from crossmedia.limits import within
from crossmedia.nets.frontend import MelFrontEnd
from crossmedia.nets.masks import Subsample, masked


class ConvGRU(nn.Module):
    """Clips to a frame's features (B, T, D), after Deep Speech 2 (Amodei et al., 2016).

    One convolution over time for each of `strides`, then `depth` layers of a GRU in both directions.
    """

    def __init__(
        self,
        frontend: MelFrontEnd,
        dim: int = 256,
        depth: int = 3,
        strides: Sequence[int] = (2, 1),
        kernel: int = 5,
        dropout: float = 0.1,
    ):
        super().__init__()
        within(dim=dim, depth=depth, dropout=dropout)
        if dim % 2:
            raise ValueError(f"dim {dim}: must be even, for two directions")
        self.frontend, self.dim = frontend, dim
        self.subsample = Subsample(frontend.dim, dim, strides, kernel, dropout)
        self.samples_per_frame = frontend.mel.hop_length * self.subsample.factor
        self.gru = nn.GRU(
            dim, dim // 2, depth, batch_first=True, bidirectional=True, dropout=dropout * (depth > 1)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, clips: Clips) -> tuple[Tensor, Tensor]:
        """-> features (B, T, D), zeros behind each clip's end, and the frames of each (B,)."""
        x, lens = self.subsample(*self.frontend(clips))
        packed = pack_padded_sequence(x, lens.cpu(), batch_first=True, enforce_sorted=False)
        x, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=x.shape[1])
        return masked(self.norm(x), lens), lens
