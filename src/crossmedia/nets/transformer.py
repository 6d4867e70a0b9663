"""Transformer decoder with cached keys and values (Vaswani et al., 2017), normalised before each sub-layer.

Shapes: B batch or hypotheses, L tokens, N memory cells, M memory width, D model width, H heads, V words.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Cells = tuple[Tensor, Tensor]  # the memory's keys and values, (B, H, N, D/H) each
# The cache, (B, 2 · depth, H, tokens, D/H): keys and values of one layer after another; the cells of
# each layer; the memory's mask (B, 1, 1, N), or nothing where all of it is kept.
State = tuple[Tensor, tuple[Cells, ...], tuple[Tensor, ...]]


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
        sizes = {
            "vocab_size": vocab_size,
            "memory_dim": memory_dim,
            "dim": dim,
            "depth": depth,
            "heads": heads,
        }
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} {size}: must be at least 1")
        if dim % heads or dim % 2:
            raise ValueError(f"dim {dim}: must be even and a multiple of heads, {heads}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout {dropout}: must be at least 0 and below 1")
        self.memory_dim, self.dim, self.heads = memory_dim, dim, heads
        self.embedding = nn.Embedding(vocab_size, dim)
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)  # of size 1 after the scale by √D (section 3.4)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(_Layer(dim, heads, memory_dim, dropout) for _ in range(depth))
        self.positions: Tensor
        self.register_buffer("positions", _sinusoids(64, dim), persistent=False)
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, vocab_size)

    def forward(self, memory: Tensor, tokens: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """memory (B, N, M), tokens (B, L), mask (B, N) true=keep -> logits (B, L, V), attention (B, L, N).

        tokens may have K rows for each of the memory's, one below another.
        """
        _, cells, kept = self.start(memory, mask)
        x = self.dropout(self._embed(tokens, 0))
        attention = x
        for layer, own in zip(self.layers, cells, strict=True):
            x, attention = layer(x, own, *kept)
        return self.output(self.norm(x)), attention.mean(1)

    def start(self, memory: Tensor, mask: Tensor | None = None) -> State:
        """The state before the first token: an empty cache, and the memory's keys and values."""
        layers: Any = self.layers
        cells = [_heads(layer.key_value(memory), 2, self.heads) for layer in layers]  # (B, 2, H, N, D/H) each
        nothing = memory.new_zeros(len(memory), 2 * len(layers), self.heads, 0, self.dim // self.heads)
        kept = () if mask is None or mask.all() else (mask[:, None, None],)
        return nothing, tuple((both[:, 0], both[:, 1]) for both in cells), kept

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens (B,) -> logits (B, V) of what follows them, and the next state."""
        cache, cells, kept = state
        room = cache.new_empty(*cache.shape[:3], 1, cache.shape[4])
        cache = torch.cat((cache, room), 3)
        x = self._embed(tokens[:, None], cache.shape[3] - 1)  # (B, 1, D)
        layers: Any = self.layers
        for place, (layer, own) in enumerate(zip(layers, cells, strict=True)):
            x = layer.step(x, cache[:, 2 * place : 2 * place + 2], own, *kept)
        return self.output(self.norm(x))[:, 0], (cache, cells, kept)

    def _embed(self, tokens: Tensor, first: int) -> Tensor:
        """Words and places (B, L, D) of the tokens first, first + 1, …"""
        end = first + tokens.shape[1]
        if end > len(self.positions):
            self.positions = _sinusoids(2 * end, self.dim).to(self.positions)
        return self.embedding(tokens) * math.sqrt(self.dim) + self.positions[first:end]


class _Layer(nn.Module):
    """Self-attention, attention to the memory, and a feed-forward layer four times as wide (section 3).

    GELU (Hendrycks and Gimpel, 2016) stands for the paper's ReLU.
    """

    def __init__(self, dim: int, heads: int, memory_dim: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(memory_dim, 2 * dim)
        self.memory_out = nn.Linear(dim, dim)
        stacks = *self.query_key_value.weight.chunk(3), *self.key_value.weight.chunk(2)
        for weight in (*stacks, self.query.weight, self.out.weight, self.memory_out.weight):
            nn.init.xavier_uniform_(weight)  # a dense layer's own start looks everywhere alike
        self.feed_forward = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * dim, dim)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, cells: Cells, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x (B, L, D) -> (B, L, D), and where each head looked in the memory, (B, H, L, N)."""
        query, key, value = _heads(self.query_key_value(self.norms[0](x)), 3, self.heads).unbind(1)
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
        return x + self.dropout(self.feed_forward(self.norms[2](x))), weights

    def step(self, x: Tensor, cache: Tensor, cells: Cells, mask: Tensor | None = None) -> Tensor:
        """x (B, 1, D) of one more token -> (B, 1, D); its key and value fill the last place of `cache`."""
        inputs = _heads(self.query_key_value(self.norms[0](x)), 3, self.heads)  # (B, 3, H, 1, D/H)
        cache[:, :, :, -1:] = inputs[:, 1:]
        seen = F.scaled_dot_product_attention(inputs[:, 0], cache[:, 0], cache[:, 1])
        x = x + self._join(seen, self.out)
        seen = F.scaled_dot_product_attention(self._queries(x, len(cells[0])), *cells, attn_mask=mask)
        x = x + self._join(seen, self.memory_out).view_as(x)
        return x + self.feed_forward(self.norms[2](x))

    def _queries(self, x: Tensor, memories: int) -> Tensor:
        """Queries (B/K, H, K L, D/H): the K rows of one memory ask together."""
        return _heads(self.query(self.norms[1](x)).view(memories, -1, x.shape[-1]), 1, self.heads)[:, 0]

    @staticmethod
    def _join(heads: Tensor, out: nn.Module) -> Tensor:
        return out(heads.transpose(1, 2).flatten(2))  # (B, H, L, D/H) -> (B, L, D)


def _heads(x: Tensor, parts: int, heads: int) -> Tensor:
    """(B, L, parts · D) -> (B, parts, H, L, D/H)."""
    return x.unflatten(-1, (parts, heads, -1)).permute(0, 2, 3, 1, 4)


def _sinusoids(length: int, dim: int) -> Tensor:
    """Position embeddings (L, D) of the places 0 … L - 1 (section 3.5)."""
    rates = torch.exp(torch.arange(0, dim, 2) * (-math.log(10000.0) / dim))
    angles = torch.arange(length)[:, None] * rates  # (L, D/2)
    return torch.cat((angles.sin(), angles.cos()), -1)
