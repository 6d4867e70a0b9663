"""FastSpeech 2: from characters to log-mels, all frames at once (Ren et al., 2021).

Shapes: B batch, L characters, T frames, M mel bins, D width, H heads, S speakers.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.limits import within
from crossmedia.nets.masks import mask_of, masked
from crossmedia.nets.transformer import sinusoids

LONGEST = 5.0  # of the logarithm of one and a character's frames: 147 of them


class Style(NamedTuple):
    """How each character is spoken: (B, L) each."""

    durations: Tensor  # frames
    pitch: Tensor  # log Hz, 0 where training has its mean, 1 a deviation above
    energy: Tensor


class Foreseen(NamedTuple):
    """What the net would choose: (B, L) each."""

    log_durations: Tensor  # log(1 + frames)
    pitch: Tensor
    energy: Tensor


class FastSpeech2(nn.Module):
    """Two stacks of feed-forward Transformers, and between them each character's vector as often as it has
    frames.

    Pitch and energy are predicted a character, as in FastPitch (Łańcucki, 2021), and enter by a convolution.
    With `speakers`, each has a vector that is added to the encoded text.
    """

    def __init__(
        self,
        vocab_size: int,
        n_mels: int = 80,
        dim: int = 256,
        depth: int = 4,
        heads: int = 2,
        hidden: int = 1024,
        kernel: int = 9,
        dropout: float = 0.1,
        speakers: int = 0,
    ):
        super().__init__()
        within(vocab_size=vocab_size, n_mels=n_mels, dim=dim, depth=depth, heads=heads, hidden=hidden)
        within(kernel=kernel, dropout=dropout, speakers=speakers)
        if dim % heads or dim % 2:
            raise ValueError(f"dim {dim}: must be even and a multiple of heads, {heads}")
        if kernel % 2 == 0:
            raise ValueError(f"kernel {kernel}: must be odd")
        self.n_mels, self.speakers = n_mels, speakers
        self.embedding = nn.Embedding(vocab_size, dim)
        self.speaker = nn.Embedding(speakers, dim) if speakers else None
        self.encoder = Stack(dim, depth, heads, hidden, kernel, dropout)
        self.durations, self.pitch, self.energy = (Predictor(dim, dropout) for _ in range(3))
        self.style = nn.Conv1d(2, dim, 3, padding=1)
        self.decoder = Stack(dim, depth, heads, hidden, kernel, dropout)
        self.frames = nn.Linear(dim, n_mels)

    def forward(
        self, tokens: Tensor, lens: Tensor, style: Style, speakers: Tensor | None = None
    ) -> tuple[Tensor, Foreseen]:
        """Mels (B, T, M) of texts that are spoken in a given way, and the way that the net foresees."""
        x = self.encoded(tokens, lens, speakers)
        return self.drawn(x, lens, style)[0], self.foreseen(x, lens)

    def encoded(self, tokens: Tensor, lens: Tensor, speakers: Tensor | None) -> Tensor:
        """(B, L, D), zeros behind each text's end."""
        x = self.encoder(self.embedding(tokens), lens)
        return x if self.speaker is None else masked(x + self.speaker(speakers)[:, None], lens)

    def foreseen(self, x: Tensor, lens: Tensor) -> Foreseen:
        gone = ~mask_of(lens, x.shape[1])
        return Foreseen(self.durations(x, gone), self.pitch(x, gone), self.energy(x, gone))

    def drawn(self, x: Tensor, lens: Tensor, style: Style) -> tuple[Tensor, Tensor]:
        """Encoded texts (B, L, D) in a given way: (B, T, M), zeros behind each end, and frames (B,)."""
        gone = ~mask_of(lens, x.shape[1])
        values = torch.stack([style.pitch, style.energy], 1).to(x.dtype)  # (B, 2, L)
        x = x + self.style(values.masked_fill(gone[:, None], 0.0)).transpose(1, 2)
        x, frames = spread(x, style.durations.masked_fill(gone, 0))  # (B, T, D)
        return masked(self.frames(self.decoder(x, frames)), frames), frames

    def speak(
        self,
        tokens: Tensor,
        lens: Tensor,
        most: Tensor,
        speakers: Tensor | None = None,
        speed: float = 1.0,
        pitch: float = 0.0,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Mels (B, T, M) in the way that the net foresees, so much faster and higher, frames (B,), and
        whether `most` (B,) frames were enough."""
        x = self.encoded(tokens, lens, speakers)
        way = self.foreseen(x, lens)
        durations = way.log_durations.float().clamp(0, LONGEST).expm1() / speed
        ends = masked(durations, lens).cumsum(1).round().long()  # of the sums: they are as much faster, too
        ends = ends.clamp(min=1)  # a clip has a frame
        cut = ends.clamp(max=most[:, None])
        durations = cut.diff(dim=1, prepend=torch.zeros_like(cut[:, :1]))
        mels, frames = self.drawn(x, lens, Style(durations, way.pitch + pitch, way.energy))
        return mels, frames, ends[:, -1] <= most


def spread(x: Tensor, durations: Tensor) -> tuple[Tensor, Tensor]:
    """Each row of x (B, L, D) as often as its duration (B, L) says: (B, T, D), zeros at the end, T (B,)."""
    frames = durations.sum(1)
    ends = durations.cumsum(1)  # (B, L)
    places = torch.arange(int(frames.max()), device=x.device)
    rows = torch.searchsorted(ends, places.expand(len(x), -1).contiguous(), right=True)  # (B, T)
    rows = rows.clamp(max=x.shape[1] - 1)
    return masked(x.gather(1, rows[..., None].expand(-1, -1, x.shape[2])), frames), frames


class Stack(nn.Module):
    """Positions, then `depth` layers of self-attention and of two convolutions (Ren et al., 2019)."""

    def __init__(self, dim: int, depth: int, heads: int, hidden: int, kernel: int, dropout: float):
        super().__init__()
        self.dim, self.dropout = dim, nn.Dropout(dropout)
        self.layers = nn.ModuleList(_Layer(dim, heads, hidden, kernel, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, lens: Tensor) -> Tensor:
        """x (B, T, D) -> (B, T, D), zeros behind each clip's end."""
        kept = mask_of(lens, x.shape[1])
        gone = ~kept[..., None]  # (B, T, 1)
        x = self.dropout(x + sinusoids(x.shape[1], self.dim).to(x))
        for layer in self.layers:
            x = layer(x, kept[:, None, None], gone)
        return self.norm(x).masked_fill(gone, 0.0)


class _Layer(nn.Module):
    """Normalised before each part (Xiong et al., 2020), which trains without a long warm-up."""

    def __init__(self, dim: int, heads: int, hidden: int, kernel: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.feed_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query_key_value, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.wide = nn.Conv1d(dim, hidden, kernel, padding=kernel // 2)
        self.narrow = nn.Linear(hidden, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor, gone: Tensor) -> Tensor:
        parts: Any = self.query_key_value(self.attention_norm(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (B, H, T, D/H) each
        seen = F.scaled_dot_product_attention(query, key, value, mask).transpose(1, 2).flatten(2)
        x = x + self.dropout(self.out(seen))
        wide = self.wide(self.feed_norm(x).masked_fill(gone, 0.0).transpose(1, 2)).transpose(1, 2)
        return x + self.dropout(self.narrow(wide.relu()))


class Predictor(nn.Module):
    """A number a character, by two convolutions (section 2.3)."""

    def __init__(self, dim: int, dropout: float):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(dim, dim, 3, padding=1) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))
        self.dropout, self.out = nn.Dropout(dropout), nn.Linear(dim, 1)

    def forward(self, x: Tensor, gone: Tensor) -> Tensor:
        """x (B, L, D), zeros where a text is over (B, L) -> (B, L), zeros there, too."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = self.dropout(norm(layer(x.transpose(1, 2)).transpose(1, 2).relu()))
            x = x.masked_fill(gone[..., None], 0.0)
        return self.out(x)[..., 0].masked_fill(gone, 0.0)
