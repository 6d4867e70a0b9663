"""An encoder that gives a memory and a decoder that reads it while it writes tokens.

Shapes: B batch, K captions of one input, N memory cells, D memory width, L tokens, V words.
"""

from torch import Tensor, nn


class EncoderDecoder(nn.Module):
    """Any input to text. `encoder(inputs) -> memory (B, N, D)`; decoder: `forward`, `start` and `step`."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module):
        super().__init__()
        if encoder.dim != decoder.memory_dim:
            raise ValueError(
                f"decoder.memory_dim {decoder.memory_dim}: must be the encoder's dim, {encoder.dim}"
            )
        self.encoder = encoder
        self.decoder = decoder

    def encode(self, inputs: Tensor) -> Tensor:
        """Memory (B, N, D), computed once for all the tokens that are read from it."""
        return self.encoder(inputs)

    def forward(self, inputs: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The score of each token's successor, (B, L, V), and where the decoder looked, (B, L, N).

        tokens (B, L); or (B, K, L), K captions of each input at the price of one encoding: the results are
        then (B, K, L, V) and (B, K, L, N).
        """
        memory = self.encode(inputs)
        if tokens.dim() == 2:
            return self.decoder(memory, tokens)
        captions = tokens.shape[1]
        logits, attention = self.decoder(memory, tokens.flatten(0, 1))
        return logits.unflatten(0, (-1, captions)), attention.unflatten(0, (-1, captions))
