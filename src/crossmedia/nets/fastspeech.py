"""FastSpeech 2: from characters to log-mels, all frames at once (Ren et al., 2021).

Shapes: B batch, L characters, T frames, M mel bins, D width, H heads, S speakers.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.limits import within
from crossmedia.nets.masks import emptied, padding
from crossmedia.nets.transformer import Positions

WINDOW = 3  # characters that a predictor sees at once
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
        self.predictors = Predictors(dim, len(Foreseen._fields), dropout)
        self.style = nn.Linear(2 * WINDOW, dim)
        self.decoder = Stack(dim, depth, heads, hidden, kernel, dropout)
        self.frames = nn.Linear(dim, n_mels)

    def forward(
        self, tokens: Tensor, lens: Tensor, style: Style, speakers: Tensor | None = None
    ) -> tuple[Tensor, Foreseen]:
        """Mels (B, T, M) of texts that are spoken in a given way, and the way that the net foresees."""
        gone = padding(lens, tokens.shape[1])
        x = self.encoded(tokens, gone, speakers)
        return self.drawn(x, gone, style)[0], self.foreseen(x, gone)

    def encoded(self, tokens: Tensor, gone: Tensor | None, speakers: Tensor | None) -> Tensor:
        """(B, L, D), zeros behind each text's end."""
        x = self.encoder(self.embedding(tokens), gone)
        return x if self.speaker is None else emptied(x + self.speaker(speakers)[:, None], gone)

    def foreseen(self, x: Tensor, gone: Tensor | None) -> Foreseen:
        return Foreseen(*self.predictors(x, gone))

    def drawn(self, x: Tensor, gone: Tensor | None, style: Style) -> tuple[Tensor, Tensor]:
        """Encoded texts (B, L, D) in a given way: (B, T, M), zeros behind each end, and frames (B,)."""
        values = emptied(torch.stack([style.pitch, style.energy], -1).to(x.dtype), gone)  # (B, L, 2)
        x = x + self.style(windows(values, WINDOW))
        x, frames = spread(x, emptied(style.durations, gone))  # (B, T, D)
        gone = padding(frames, x.shape[1])
        return emptied(self.frames(self.decoder(x, gone)), gone), frames

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
        gone = padding(lens, tokens.shape[1])
        x = self.encoded(tokens, gone, speakers)
        way = self.foreseen(x, gone)
        durations = way.log_durations.float().clamp(0, LONGEST).expm1() / speed
        ends = emptied(durations, gone).cumsum(1).round().long()  # of the sums: they are as much faster, too
        ends = ends.clamp(min=1)  # a clip has a frame
        cut = ends.clamp(max=most[:, None])
        durations = cut.diff(dim=1, prepend=torch.zeros_like(cut[:, :1]))
        mels, frames = self.drawn(x, gone, Style(durations, way.pitch + pitch, way.energy))
        return mels, frames, ends[:, -1] <= most


def spread(x: Tensor, durations: Tensor) -> tuple[Tensor, Tensor]:
    """Each row of x (B, L, D) as often as its duration (B, L) says: (B, T, D), and the frames of each (B,),
    behind which the last row goes on."""
    frames = durations.sum(1)
    ends = durations.cumsum(1)  # (B, L)
    places = torch.arange(int(frames.max()), device=x.device)
    rows = torch.searchsorted(ends, places.expand(len(x), -1).contiguous(), right=True)  # (B, T)
    rows = rows.clamp(max=x.shape[1] - 1)
    return x.gather(1, rows[..., None].expand(-1, -1, x.shape[2])), frames


class Stack(nn.Module):
    """Positions, then `depth` layers of self-attention and of two convolutions (Ren et al., 2019)."""

    def __init__(self, dim: int, depth: int, heads: int, hidden: int, kernel: int, dropout: float):
        super().__init__()
        self.dim, self.dropout = dim, nn.Dropout(dropout)
        self.layers = nn.ModuleList(_Layer(dim, heads, hidden, kernel, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.positions = Positions(dim)

    def forward(self, x: Tensor, gone: Tensor | None) -> Tensor:
        """x (B, T, D), gone (B, T) true behind each clip's end -> (B, T, D), zeros there."""
        x = self.dropout(x + self.positions(0, x.shape[1], x))
        for layer in self.layers:
            x = layer(x, gone)
        return emptied(self.norm(x), gone)


class _Layer(nn.Module):
    """Normalised before each part (Xiong et al., 2020), which trains without a long warm-up."""

    def __init__(self, dim: int, heads: int, hidden: int, kernel: int, dropout: float):
        super().__init__()
        self.heads, self.kernel = heads, kernel
        self.attention_norm, self.feed_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.query_key_value, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.wide = nn.Linear(dim * kernel, hidden)
        self.narrow = nn.Linear(hidden, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, gone: Tensor | None) -> Tensor:
        parts: Any = self.query_key_value(self.attention_norm(x)).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (B, H, T, D/H) each
        kept = None if gone is None else ~gone[:, None, None]
        seen = F.scaled_dot_product_attention(query, key, value, kept).transpose(1, 2).flatten(2)
        x = x + self.dropout(self.out(seen))
        wide = self.wide(windows(emptied(self.feed_norm(x), gone), self.kernel))
        return x + self.dropout(self.narrow(wide.relu()))


class Predictors(nn.Module):
    """N numbers of each character, each by two convolutions of its own (section 2.3), all at once."""

    def __init__(self, dim: int, count: int, dropout: float):
        super().__init__()
        self.weights, self.biases = _uniform(dim * WINDOW, 2, count, dim * WINDOW, dim)
        self.scales = nn.Parameter(torch.ones(2, count, 1, dim))  # of the norms
        self.shifts = nn.Parameter(torch.zeros(2, count, 1, dim))
        self.dropout = nn.Dropout(dropout)
        self.out_weight, self.out_bias = _uniform(dim, count, dim, 1)

    def forward(self, x: Tensor, gone: Tensor | None) -> Tensor:
        """x (B, L, D), zeros where a text is over (B, L) -> (N, B, L), zeros there, too."""
        size, x = x.shape[:2], x[None]
        for weight, bias, scale, shift in zip(
            self.weights, self.biases, self.scales, self.shifts, strict=True
        ):
            seen = windows(x, WINDOW).flatten(1, 2).expand(len(weight), -1, -1)  # (N, B · L, D · W)
            each = torch.baddbmm(bias, seen, weight).relu()  # (N, B · L, D)
            each = self.dropout(F.layer_norm(each, each.shape[-1:]) * scale + shift)
            x = each.unflatten(1, size)
            if gone is not None:
                x = x.masked_fill(gone[..., None], 0)
        found = torch.baddbmm(self.out_bias, x.flatten(1, 2), self.out_weight).view(-1, *size)
        return found if gone is None else found.masked_fill(gone, 0)


def windows(x: Tensor, size: int) -> Tensor:
    """What `size` places see that lie around each, zeros beyond both ends: (…, T, D) -> (…, T, D · size).

    A linear layer of it is a convolution, without the turns and the start that cost a short text's more than
    its products.
    """
    return F.pad(x, (0, 0, size // 2, size // 2)).unfold(-2, size, 1).flatten(-2)


def _uniform(inputs: int, *shape: int) -> tuple[nn.Parameter, nn.Parameter]:
    """Weights of this shape and their biases, as torch begins a layer of so many inputs."""
    bound = inputs**-0.5
    weights = torch.empty(shape).uniform_(-bound, bound)
    bias = torch.empty(*shape[:-2], 1, shape[-1]).uniform_(-bound, bound)
    return nn.Parameter(weights), nn.Parameter(bias)
