"""A speech encoder read by two: a decoder that writes token by token, and CTC frame by frame.

Shapes: B batch, T frames, D encoder width, L tokens, V vocabulary.
"""

from typing import Any, NamedTuple

from torch import Tensor, nn

from crossmedia.data.batches import Clips
from crossmedia.limits import within
from crossmedia.nets.masks import mask_of


class Joint(NamedTuple):
    logits: Tensor  # (B, L, V) of each token's successor
    attention: Tensor  # (B, L, T)
    ctc_logits: Tensor  # (B, T, V)
    lens: Tensor  # (B,) frames


class JointNet(nn.Module):
    """Hybrid CTC/attention (Watanabe et al., 2017). `encoder(clips) -> features (B, T, D), lens (B,)`; the
    decoder is one that captions too: `forward`, `start` and `step`."""

    def __init__(self, encoder: Any, decoder: nn.Module, vocab_size: int):
        super().__init__()
        within(vocab_size=vocab_size)
        if encoder.dim != decoder.memory_dim:
            raise ValueError(
                f"decoder.memory_dim {decoder.memory_dim}: must be the encoder's dim, {encoder.dim}"
            )
        self.encoder, self.decoder = encoder, decoder
        self.ctc = nn.Linear(encoder.dim, vocab_size)

    def encode(self, clips: Clips) -> tuple[Tensor, Tensor]:
        """Features (B, T, D) and the frames of each clip (B,)."""
        return self.encoder(clips)

    def forward(self, clips: Clips, tokens: Tensor) -> Joint:
        """tokens (B, L), from bos on."""
        memory, lens = self.encode(clips)
        logits, attention = self.decoder(memory, tokens, mask_of(lens, memory.shape[1]))
        return Joint(logits, attention, self.ctc(memory), lens)
