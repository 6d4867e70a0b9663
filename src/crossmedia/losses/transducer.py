"""The transducer's loss: -log of the sum over all alignments of a text (Graves, 2012).

Shapes: B batch, T frames, U tokens, V vocabulary with blank as token 0.
"""

import torch
from torch import Tensor

from crossmedia.text.ctc import BLANK


def transducer_loss(logits: Tensor, tokens: Tensor, frames: Tensor, lens: Tensor) -> Tensor:
    """logits (B, T, U + 1, V), tokens (B, U), frames (B,), lens (B,) -> (B,) nats.

    The forward variables of a whole frame at once: going along the tokens adds their log-probabilities, so
    that with E their running sum, α(u) = E(u) + log Σ exp(from the frame before, at v ≤ u, - E(v)).
    """
    log_probs = logits.float().log_softmax(-1)
    blank = log_probs[..., BLANK]  # (B, T, U + 1)
    index = tokens[:, None, :, None].expand(-1, log_probs.shape[1], -1, 1)
    emit = log_probs[:, :, :-1].gather(-1, index).squeeze(-1)  # (B, T, U)
    sums = torch.nn.functional.pad(emit.cumsum(-1), (1, 0))  # (B, T, U + 1)
    batch = torch.arange(len(tokens), device=tokens.device)
    alpha = sums[:, 0]
    found = [alpha[batch, lens] + blank[batch, 0, lens]]
    for frame in range(1, logits.shape[1]):
        before = alpha + blank[:, frame - 1]
        alpha = sums[:, frame] + (before - sums[:, frame]).logcumsumexp(-1)
        found.append(alpha[batch, lens] + blank[batch, frame, lens])
    return -torch.stack(found, 1)[batch, frames - 1]
