"""RNN transducer: a frame of sound and the tokens so far decide together what comes next (Graves, 2012).

Shapes: B batch, T frames, U tokens, D width, V vocabulary with blank as token 0.
"""

from typing import Any

import torch
from torch import Tensor, nn

from crossmedia.data.batches import Clips
from crossmedia.limits import within
from crossmedia.text.ctc import BLANK

State = tuple[Tensor, Tensor]  # h and c of the prediction network, (1, B, D) each


class TransducerNet(nn.Module):
    """Encoder, prediction network (an LSTM over the tokens written so far) and joint network."""

    def __init__(
        self,
        encoder: Any,
        vocab_size: int,
        dim: int = 256,
        embedding_dim: int = 64,
        dropout: float = 0.1,
    ):
        super().__init__()
        within(vocab_size=vocab_size, dim=dim, embedding_dim=embedding_dim, dropout=dropout)
        self.encoder = encoder
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.predictor = nn.LSTM(embedding_dim, dim, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.from_sound, self.from_text = nn.Linear(encoder.dim, dim), nn.Linear(dim, dim, bias=False)
        self.output = nn.Linear(dim, vocab_size)

    def forward(self, clips: Clips, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B, U) -> logits (B, T, U + 1, V), and the frames of each clip (B,)."""
        features, lens = self.encode(clips)
        return self.joined(features, tokens), lens

    def joined(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Logits (B, T, U + 1, V) of each frame (B, T, D) behind each start of the tokens (B, U)."""
        start = tokens.new_full((len(tokens), 1), BLANK)  # it stands for the empty text
        text, _ = self.predict(torch.cat((start, tokens), 1), None)  # (B, U + 1, D)
        return self.join(features[:, :, None], text[:, None])

    def encode(self, clips: Clips) -> tuple[Tensor, Tensor]:
        """The joint network's side of the sound (B, T, D), and the frames of each clip (B,)."""
        features, lens = self.encoder(clips)
        return self.from_sound(features), lens

    def predict(self, tokens: Tensor, state: State | None) -> tuple[Tensor, State]:
        """The joint network's side of the text after each of tokens (B, U): (B, U, D), and the next state."""
        written, after = self.predictor(self.dropout(self.embedding(tokens)), state)
        return self.from_text(self.dropout(written)), after

    def join(self, sound: Tensor, text: Tensor) -> Tensor:
        """Logits (…, V) of sides that broadcast."""
        return self.output((sound + text).tanh())
