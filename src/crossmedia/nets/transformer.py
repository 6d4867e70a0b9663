"""Transformer decoder with cached keys and values (Vaswani et al., 2017), normalised before each sub-layer.

Shapes: B batch or hypotheses, L tokens, N memory cells, M memory width, D model width, H heads, V words.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

Cache = tuple[Tensor, Tensor]  # keys and values, (B, H, tokens or cells, D/H) each
State = tuple[
    Tensor, tuple[tuple[Cache, Cache], ...]
]  # mask (B, N); for each layer what it wrote and the memory's


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
        self.memory_dim, self.dim = memory_dim, dim
        self.embedding = nn.Embedding(vocab_size, dim)
        nn.init.normal_(self.embedding.weight, std=dim**-0.5)  # of size 1 after the scale by √D (section 3.4)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(_Layer(dim, heads, memory_dim, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.output = nn.Linear(dim, vocab_size)

    def forward(self, memory: Tensor, tokens: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """memory (B, N, M), tokens (B, L), mask (B, N) true=keep -> logits (B, L, V), attention (B, L, N).

        tokens may have K rows for each of the memory's, one below another.
        """
        logits, attention, _ = self._advance(tokens, self.start(memory, mask))
        return logits, attention

    def start(self, memory: Tensor, mask: Tensor | None = None) -> State:
        """The state before the first token: the memory's keys and values, and nothing written."""
        if mask is None:
            mask = memory.new_ones(memory.shape[:2], dtype=torch.bool)
        layers: Any = self.layers
        return mask, tuple(layer.start(memory) for layer in layers)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """tokens (B,) -> logits (B, V) of what follows them, and the next state."""
        logits, _, state = self._advance(tokens[:, None], state)
        return logits[:, 0], state

    def _advance(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Write L more tokens: logits (B, L, V), attention (B, L, N), state."""
        mask, caches = state
        (written, _), _ = caches[0]
        before, length = written.shape[2], tokens.shape[1]
        positions = _sinusoids(before, length, self.dim, tokens.device).to(self.embedding.weight.dtype)
        x = self.dropout(self.embedding(tokens) * math.sqrt(self.dim) + positions)  # (B, L, D)
        past = None  # one token sees all that was written
        if length > 1:
            past = torch.ones(length, before + length, dtype=torch.bool, device=tokens.device).tril(before)
        new: list[tuple[Cache, Cache]] = []
        attention = x.new_zeros(())
        for layer, cache in zip(self.layers, caches, strict=True):
            x, attention, cache = layer(x, cache, past, mask[:, None, None])
            new.append(cache)
        return self.output(self.norm(x)), attention.mean(1), (mask, tuple(new))


class _Attention(nn.Module):
    """Multi-head scaled dot-product attention (section 3.2) that also returns its weights."""

    def __init__(self, dim: int, heads: int, memory_dim: int):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key_value = nn.Linear(memory_dim, 2 * dim)
        self.out = nn.Linear(dim, dim)

    def cache(self, memory: Tensor) -> Cache:
        """Keys and values (B, H, N, D/H) of the memory (B, N, M)."""
        keys, values = self.key_value(memory).chunk(2, -1)
        return self._split(keys), self._split(values)

    def forward(self, x: Tensor, cache: Cache, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """x (B, L, D), mask (…, L or 1, N) true = keep -> (B, L, D), weights (B, H, L, N)."""
        keys, values = cache
        query = self._split(self.query(x)) * keys.shape[-1] ** -0.5  # (B, H, L, D/H)
        weights = query @ keys.transpose(-1, -2)
        if mask is not None:
            weights = weights.masked_fill(~mask, float("-inf"))
        weights = weights.softmax(-1)
        return self.out((weights @ values).transpose(1, 2).flatten(2)), weights

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, L, D) -> (B, H, L, D/H)


class _Layer(nn.Module):
    """Self-attention, attention to the memory, and a dense layer four times as wide."""

    def __init__(self, dim: int, heads: int, memory_dim: int, dropout: float):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(3))
        self.self_attention = _Attention(dim, heads, dim)
        self.cross_attention = _Attention(dim, heads, memory_dim)
        self.dense = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * dim, dim)
        )
        self.dropout = nn.Dropout(dropout)

    def start(self, memory: Tensor) -> tuple[Cache, Cache]:
        cells = self.cross_attention.cache(memory)
        nothing = cells[0][:, :, :0]  # (B, H, 0, D/H)
        return (nothing, nothing), cells

    def forward(
        self, x: Tensor, cache: tuple[Cache, Cache], past: Tensor | None, mask: Tensor
    ) -> tuple[Tensor, Tensor, tuple[Cache, Cache]]:
        (keys, values), cells = cache
        normed = self.norms[0](x)
        written = self.self_attention.cache(normed)
        if keys.shape[2]:
            written = (torch.cat((keys, written[0]), 2), torch.cat((values, written[1]), 2))
        x = x + self.dropout(self.self_attention(normed, written, past)[0])
        rows, length = x.shape[:2]
        asked = self.norms[1](x).reshape(len(mask), -1, x.shape[-1])  # K rows of one memory ask together
        context, weights = self.cross_attention(asked, cells, mask)
        x = x + self.dropout(context.view(rows, length, -1))
        weights = weights.unflatten(2, (-1, length)).transpose(1, 2).flatten(0, 1)  # (B, H, L, N)
        x = x + self.dropout(self.dense(self.norms[2](x)))
        return x, weights, (written, cells)


def _sinusoids(first: int, length: int, dim: int, device: torch.device) -> Tensor:
    """Position embeddings (L, D) of the places first … first + length - 1 (section 3.5)."""
    places = torch.arange(first, first + length, device=device, dtype=torch.float32)
    rates = torch.exp(torch.arange(0, dim, 2, device=device) * (-math.log(10000.0) / dim))
    angles = places[:, None] * rates  # (L, D/2)
    return torch.cat((angles.sin(), angles.cos()), -1)
