"""An encoder of sound and a score of every token at each of its frames.

Shapes: B batch, T frames, D encoder width, V tokens.
"""

from typing import Any

from torch import Tensor, nn

from crossmedia.data.batches import Clips
from crossmedia.limits import within


class CTCNet(nn.Module):
    """Clips to the logits of each frame. `encoder(clips) -> features (B, T, D), lens (B,)`."""

    def __init__(self, encoder: Any, vocab_size: int):
        super().__init__()
        within(vocab_size=vocab_size)
        self.encoder = encoder
        self.head = nn.Linear(encoder.dim, vocab_size)

    def forward(self, clips: Clips) -> tuple[Tensor, Tensor]:
        """-> logits (B, T, V), and the frames of each clip (B,)."""
        features, lens = self.encoder(clips)
        return self.head(features), lens
