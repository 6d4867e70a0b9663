"""An encoder that gives a memory and a decoder that reads it while it writes tokens.

Shapes: B batch, K captions of one input, N memory cells, D memory width, L tokens, V words.
"""

from torch import Tensor, nn

from crossmedia.data.batches import Clips
from crossmedia.nets.masks import mask_of


class EncoderDecoder(nn.Module):
    """Any input to text. `encoder(inputs) -> memory (B, N, D)`, or a memory and its lens (B,) where inputs
    differ in length; decoder: `forward`, `start` and `step`."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module):
        super().__init__()
        if encoder.dim != decoder.memory_dim:
            raise ValueError(
                f"decoder.memory_dim {decoder.memory_dim}: must be the encoder's dim, {encoder.dim}"
            )
        self.encoder = encoder
        self.decoder = decoder

    def encode(self, inputs: Tensor | Clips) -> tuple[Tensor, Tensor | None]:
        """Memory (B, N, D) and its mask (B, N), true = keep, None where all is kept; computed once for all
        the tokens that are read from it.
        """
        found = self.encoder(inputs)
        if isinstance(found, Tensor):
            return found, None
        memory, lens = found
        return memory, mask_of(lens, memory.shape[1])

    def forward(self, inputs: Tensor | Clips, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The score of each token's successor, (B, L, V), and where the decoder looked, (B, L, N).

        tokens (B, L); or (B, K, L), K captions of each input at the price of one encoding: the results are
        then (B, K, L, V) and (B, K, L, N).
        """
        memory, mask = self.encode(inputs)
        if tokens.dim() == 2:
            return self.decoder(memory, tokens, mask)
        captions = tokens.shape[1]
        logits, attention = self.decoder(memory, tokens.flatten(0, 1), mask)
        return logits.unflatten(0, (-1, captions)), attention.unflatten(0, (-1, captions))
