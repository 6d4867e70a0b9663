"""What CTC makes of texts that are written token by token: joint decoding (Watanabe et al., 2017, II-C).

Shapes: B samples, N = B · R hypotheses, R of each sample, T frames, V vocabulary, C candidates.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from crossmedia.nets.masks import mask_of
from crossmedia.text.ctc import BLANK
from crossmedia.text.decoding import State, Step
from crossmedia.text.tokenizer import EOS

MOST = 40  # tokens that CTC judges behind a prefix: those that the decoder likes best, and the end
_NEVER = -1e5  # a logarithm that can be subtracted


class Paths(NamedTuple):
    """Logarithms of what CTC gives to each prefix."""

    token: Tensor  # (N, T + 1) the first t frames spell it and end in its last token
    blank: Tensor  # (N, T + 1) they spell it and end in blank
    whole: Tensor  # (N,) all frames spell it and whatever follows
    last: Tensor  # (N,) its last token


class JointSteps:
    """The steps of a decoder, its log-probabilities weighed with CTC's: what `beam_search` takes.

    A token behind a prefix is worth (1 - `weight`) · log p of the decoder + `weight` · log of the share of
    the prefix's probability that goes on with it; the end, of the share that ends there.
    """

    def __init__(self, step: Step, weight: float):
        self._step, self.weight = step, weight

    @staticmethod
    def start(state: State, logits: Tensor, lens: Tensor) -> State:
        """The decoder's state with CTC's beside it: CTC's logits (B, T, V), the frames of each clip (B,)."""
        own, common = state
        logits = logits.cpu() if logits.device.type == "mps" else logits  # which has no float64
        gone = ~mask_of(lens.to(logits.device), logits.shape[1])
        log_probs = logits.double().log_softmax(-1).clamp(min=_NEVER).masked_fill(gone[..., None], _NEVER)
        log_probs[..., BLANK] = log_probs[..., BLANK].masked_fill(gone, 0.0)
        return (own, None), (common, log_probs)

    def __call__(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """What each token behind each prefix (N,) is worth (N, V), and the state behind."""
        (own, paths), (common, log_probs) = state
        logits, (own, common) = self._step(tokens, (own, common))
        mine = logits.float().log_softmax(-1)
        sample = torch.arange(len(log_probs), device=log_probs.device)
        sample = sample.repeat_interleave(len(tokens) // len(log_probs))
        last = tokens.to(log_probs.device)
        paths = _empty(log_probs) if paths is None else _longer(Paths(*paths), last, log_probs, sample)
        liked = mine.topk(min(MOST, mine.shape[1])).indices.to(log_probs.device)  # (N, C)
        entered = (_before(paths, liked) + _of(log_probs, sample, liked)).logsumexp(1)
        theirs = torch.full_like(log_probs[sample, 0], -torch.inf).scatter(1, liked, entered)
        theirs[:, EOS] = torch.logaddexp(paths.token[:, -1], paths.blank[:, -1])
        theirs = (theirs - paths.whole[:, None]).to(mine)
        return (1 - self.weight) * mine + self.weight * theirs, ((own, tuple(paths)), (common, log_probs))


def _empty(log_probs: Tensor) -> Paths:
    """Of the prefix without a token, one a sample."""
    blank = F.pad(log_probs[..., BLANK].cumsum(1), (1, 0))
    none = torch.zeros_like(blank[:, 0])
    return Paths(torch.full_like(blank, -torch.inf), blank, none, torch.full_like(none, BLANK).long())


def _longer(paths: Paths, tokens: Tensor, log_probs: Tensor, sample: Tensor) -> Paths:
    """Of each prefix with its token (N,) behind it."""
    before = _before(paths, tokens[:, None])[..., 0]  # (N, T)
    own = _of(log_probs, sample, tokens[:, None])[..., 0]
    token = _summed(before, own)
    blank = _summed(token[:, :-1], log_probs[sample, :, BLANK])
    return Paths(token, blank, (before + own).logsumexp(1), tokens)


def _of(log_probs: Tensor, sample: Tensor, tokens: Tensor) -> Tensor:
    """Tokens (N, C) at each frame of their sample (N,): (N, T, C)."""
    frames = torch.arange(log_probs.shape[1], device=log_probs.device)
    return log_probs[sample[:, None, None], frames[:, None], tokens[:, None]]


def _before(paths: Paths, tokens: Tensor) -> Tensor:
    """The frames before each spell the prefix, and one of the tokens (N, C) may follow: (N, T, C).

    What equals the last one needs a blank between.
    """
    both = torch.logaddexp(paths.token, paths.blank)[:, :-1, None]
    return torch.where((tokens == paths.last[:, None])[:, None], paths.blank[:, :-1, None], both)


def _summed(enters: Tensor, stays: Tensor) -> Tensor:
    """f(0) = 0, f(t) = (f(t - 1) + enters(t)) · stays(t), all in logarithms: (N, T) twice -> (N, T + 1)."""
    total = stays.cumsum(1)
    return F.pad((enters + stays - total).logcumsumexp(1) + total, (1, 0), value=-torch.inf)
