"""Transformer decoder with cached keys and values (Vaswani et al., 2017), normalised before each sub-layer.

Shapes: B batch, R hypotheses of each, L tokens, S cached tokens of all of a sample's hypotheses, N memory
cells, M memory width, D model width, H heads, V words.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.limits import within

Cells = tuple[Tensor, Tensor]  # the memory's keys and values, (B, H, N, D/H) each
# Of its own a hypothesis has what it sees of the cache, (B · R, S) true=keep: the cache itself is common, so
# that none of it moves where hypotheses part. In common: the number of tokens read; the cache, with room to
# grow, (B, S or more, depth, 2, H, D/H); each layer's cells; the memory's mask (B, 1, 1, N), none where all
# of it is kept.
State = tuple[Tensor, tuple[int, Tensor, tuple[Cells, ...], Tensor | None]]


class TransformerDecoder(nn.Module):
    """Writes a token a step, attending to the tokens before it and to the memory.

    Sinusoidal positions, no length limit.

    Pre-norm (Xiong et al., 2020), which trains without a long warm-up. `forward` returns the last layer's
    attention to the memory, the mean of its heads.
    """

    def __init__(
        self,
        vocab_size: int,
        memory_dim: int = 512,
        dim: int = 512,
        depth: int = 6,
        heads: int = 8,
        dropout: float = 0.1,
    ):
        super().__init__()
        within(vocab_size=vocab_size, memory_dim=memory_dim, dim=dim)
        within(depth=depth, heads=heads, dropout=dropout)
        if dim % heads or dim % 2:
            raise ValueError(f"dim {dim}: must be even and a multiple of heads, {heads}")
        self.memory_dim, self.dim, self.heads = memory_dim, dim, heads
        self.embedding = nn.Embedding(vocab_size, dim)
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)  # of size 1 after the scale by √D (section 3.4)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(_Layer(dim, heads, memory_dim, dropout) for _ in range(depth))
        self.positions = Positions(dim)
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, vocab_size)

    def forward(self, memory: Tensor, tokens: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """memory (B, N, M), tokens (B, L), mask (B, N) true=keep -> logits (B, L, V), attention (B, L, N).

        tokens may have K rows for each of the memory's, one below another.
        """
        _, (_, _, cells, kept) = self.start(memory, mask)
        x = self.embedding(tokens) * math.sqrt(self.dim) + self.positions(0, tokens.shape[1], memory)
        x = self.dropout(x)  # (B, L, D)
        attention = x
        for layer, own in zip(self.layers, cells, strict=True):
            x, attention = layer(x, own, kept)
        return self.output(self.norm(x)), attention.mean(1)

    def start(self, memory: Tensor, mask: Tensor | None = None) -> State:
        """The state before the first token: an empty cache, and the memory's keys and values."""
        layers: Any = self.layers
        cells = [_heads(layer.key_value(memory), 2, self.heads) for layer in layers]  # (B, 2, H, N, D/H) each
        cache = memory.new_empty(len(memory), 0, len(layers), 2, self.heads, self.dim // self.heads)
        kept = None if mask is None or mask.all() else mask[:, None, None]
        nothing = memory.new_empty(len(memory), 0, dtype=torch.bool)
        return nothing, (0, cache, tuple((both[:, 0], both[:, 1]) for both in cells), kept)

    @torch.no_grad()
    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens (B · R,) -> logits (B · R, V) of what follows them, and the next state; no gradients."""
        seen, (place, cache, cells, kept) = state
        tokens = tokens.view(len(cache), -1)  # (B, R)
        hypotheses = tokens.shape[1]
        itself = torch.eye(hypotheses, dtype=torch.bool, device=seen.device).repeat(len(cache), 1)
        seen = torch.cat((seen, itself), 1)  # (B · R, S)
        end = seen.shape[1]
        if end > cache.shape[1]:
            room = cache.new_empty(len(cache), end, *cache.shape[2:])
            cache = torch.cat((cache, room), 1)
        mask = seen.view(len(cache), 1, hypotheses, end)
        x = self.embedding(tokens) * math.sqrt(self.dim) + self.positions(
            place, place + 1, cache
        )  # (B, R, D)
        layers: Any = self.layers
        for layer, cached, own in zip(layers, cache[:, :end].unbind(2), cells, strict=True):
            x = layer.step(x, cached, mask, own, kept)
        return self.output(self.norm(x)).flatten(0, 1), (seen, (place + 1, cache, cells, kept))


class _Layer(nn.Module):
    """Self-attention, attention to the memory, and a feed-forward layer four times as wide (section 3).

    GELU (Hendrycks and Gimpel, 2016) stands for the paper's ReLU.
    """

    def __init__(self, dim: int, heads: int, memory_dim: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.self_norm, self.memory_norm, self.feed_norm = (nn.LayerNorm(dim) for _ in range(3))
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(memory_dim, 2 * dim)
        self.memory_out = nn.Linear(dim, dim)
        stacks = *self.query_key_value.weight.chunk(3), *self.key_value.weight.chunk(2)
        for weight in (*stacks, self.query.weight, self.out.weight, self.memory_out.weight):
            nn.init.xavier_uniform_(weight)  # a dense layer's own start looks everywhere alike
        self.widen, self.narrow = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, cells: Cells, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """x (B, L, D) -> (B, L, D), and where each head looked in the memory, (B, H, L, N)."""
        query, key, value = _heads(self.query_key_value(self.self_norm(x)), 3, self.heads).unbind(1)
        x = x + self.dropout(
            self._join(F.scaled_dot_product_attention(query, key, value, is_causal=True), self.out)
        )
        query = self._queries(x, len(cells[0]))  # (B/K, H, K L, D/H)
        weights = query @ cells[0].transpose(-1, -2) * query.shape[-1] ** -0.5
        if mask is not None:
            weights = weights.masked_fill(~mask, float("-inf"))
        weights = weights.softmax(-1)
        x = x + self.dropout(self._join(weights @ cells[1], self.memory_out).view_as(x))
        weights = weights.unflatten(2, (-1, x.shape[1])).transpose(1, 2).flatten(0, 1)  # (B, H, L, N)
        return x + self.dropout(self.narrow(self.dropout(F.gelu(self.widen(self.feed_norm(x)))))), weights

    def step(self, x: Tensor, cache: Tensor, seen: Tensor, cells: Cells, mask: Tensor | None) -> Tensor:
        """x (B, R, D) of one more token -> (B, R, D); its keys and values fill the last R places of `cache`.

        cache (B, S, 2, H, D/H), seen (B, 1, R, S) true=keep.
        """
        inputs = self.query_key_value(self.self_norm(x)).unflatten(-1, (3, self.heads, -1))
        cache[:, -x.shape[1] :] = inputs[:, :, 1:]  # (B, R, 2, H, D/H)
        query, key, value = (part.transpose(1, 2) for part in (inputs[:, :, 0], *cache.unbind(2)))
        x = x + self._join(F.scaled_dot_product_attention(query, key, value, seen), self.out)
        query = self.query(self.memory_norm(x)).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        x = x + self._join(F.scaled_dot_product_attention(query, *cells, mask), self.memory_out)
        return x + self.narrow(F.gelu(self.widen(self.feed_norm(x))))

    def _queries(self, x: Tensor, memories: int) -> Tensor:
        """Queries (B/K, H, K L, D/H): the K rows of one memory ask together."""
        return _heads(self.query(self.memory_norm(x)).view(memories, -1, x.shape[-1]), 1, self.heads)[:, 0]

    @staticmethod
    def _join(heads: Tensor, out: nn.Module) -> Tensor:
        return out(heads.transpose(1, 2).flatten(2))  # (B, H, L, D/H) -> (B, L, D)


def _heads(x: Tensor, parts: int, heads: int) -> Tensor:
    """(B, L, parts · D) -> (B, parts, H, L, D/H)."""
    return x.unflatten(-1, (parts, heads, -1)).permute(0, 2, 3, 1, 4)


class Positions:
    """Position embeddings of as many places as were ever asked for, on each device. They are no buffer, which
    ranks would share, for each has its own length."""

    def __init__(self, dim: int):
        self.dim = dim
        self._kept: dict[torch.device, Tensor] = {}

    def __call__(self, first: int, end: int, x: Tensor) -> Tensor:
        """(L, D) of the places first … end - 1, where x is and of its type."""
        known = self._kept.get(x.device)
        if known is None or len(known) < end:
            with torch.inference_mode(False):  # whose tensors could not be trained with
                known = self._kept[x.device] = sinusoids(2 * end, self.dim).to(x.device)
        return known[first:end].to(x.dtype)


def sinusoids(length: int, dim: int) -> Tensor:
    """Position embeddings (L, D) of the places 0 … L - 1 (section 3.5)."""
    rates = torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
    angles = torch.arange(length)[:, None] * rates  # (L, D/2)
    return torch.cat((angles.sin(), angles.cos()), -1)
