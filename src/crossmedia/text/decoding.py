"""Beam search for every autoregressive text decoder, all hypotheses of a batch at once.

Shapes: B samples still searched, R hypotheses of each (1 at first, then the beam), N = B * R, V vocabulary,
C candidates, L tokens. What is small is kept on the host by numpy, whose calls cost a tenth of torch's.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from crossmedia.limits import within
from crossmedia.text.tokenizer import BOS, EOS

# What each hypothesis has of its own, and what those of a sample have in common: nested tuples of tensors
# with first dimension N and B.
State = tuple[Any, Any]
Step = Callable[[Tensor, State], tuple[Tensor, State]]  # tokens (N,), state -> logits (N, V), state

_SHRINK = 0.75  # samples that are done leave the batch when at most this part of it is still open


class Hypothesis(NamedTuple):
    tokens: list[int]  # without bos and eos
    score: float  # log-probability over the length penalty
    finished: bool  # false where the length limit cut it


@torch.no_grad()
def beam_search(
    step: Step,
    state: State,
    batch: int,
    beam: int = 3,
    max_len: int | Sequence[int] = 50,
    length_penalty: float = 0.6,
    normalise: bool = True,
) -> list[Hypothesis]:
    """The best hypothesis of each sample by log-probability / ((5 + length) / 6) ** length_penalty.

    The length penalty is that of Wu et al. (2016). Without `normalise` what `step` gives is added as it is;
    no value may be above 0. `step` may write in place what a sample's hypotheses have in common, never what
    each has of its own.

    A hypothesis has at most `max_len` tokens, or those of its own sample, its eos included; pad and bos are
    never chosen. A sample is searched until no open hypothesis can overtake its best finished one; at the
    limit the open ones compete as they are. The greedy hypothesis never falls off the beam: no score is below
    greedy's, and a beam of 1 is greedy search.
    """
    within(beam=beam, max_len=max_len, length_penalty=length_penalty)
    limits = np.broadcast_to(max_len, batch)
    most = int(limits.max(initial=0))
    penalty = ((5 + np.arange(most + 1, dtype=np.float32)) / 6) ** length_penalty

    best = _Best(batch, most)
    samples = np.arange(batch)  # (B,) the sample of each row
    totals = np.zeros((batch, 1), np.float32)  # (B, R) log-probabilities, -inf in an empty slot
    prefixes = np.zeros((batch, 1, most), np.int64)  # (B, R, L)
    # Without a place of its own it falls off a narrow beam in up to one sample of seven (random models).
    greedy = np.ones(batch, bool)  # (B,) slot 0 holds the greedy hypothesis
    last = torch.full((batch,), BOS, device=_device(state))  # (N,)

    for length in range(1, most + 1):
        logits, state = step(last, state)
        rows, slots = np.arange(len(samples))[:, None], totals.shape[1]
        log_probs = logits.float().log_softmax(-1) if normalise else logits.clone()  # (N, V)
        scores, parents, tokens = _candidates(log_probs, totals, greedy, beam)  # (B, C) each

        ends = tokens == EOS
        if ends[:, :beam].any():
            ending = np.where(ends[:, :beam], scores[:, :beam], -np.inf)
            column = ending.argmax(1)[:, None]  # (B, 1)
            prefix = prefixes[rows, parents[rows, column]][:, 0]  # (B, L)
            best.take(samples, ending[rows, column][:, 0] / penalty[length], prefix, length - 1, True)
            greedy &= ~ends[:, 0]
            scores[ends] = -np.inf
            still_open = rows, np.isneginf(scores).argsort(1, kind="stable")
            scores, parents, tokens = scores[still_open], parents[still_open], tokens[still_open]

        totals, parents, tokens = scores[:, :beam], parents[:, :beam], tokens[:, :beam]  # (B, R)
        prefixes = prefixes[rows, parents]
        prefixes[:, :, length - 1] = tokens
        if beam == 1:
            totals[~greedy] = -np.inf  # its only hypothesis has ended
        # A log-probability only falls: over the largest penalty it bounds what a hypothesis can reach.
        bound = totals.max(1) / penalty[limits[samples]]
        full = limits[samples] == length
        if full.any():
            best.take(samples[full], bound[full], prefixes[full, totals[full].argmax(1)], length, False)
            totals[full] = -np.inf
        going = ~full & (bound > best.score[samples])
        if not going.any():
            break
        own, common = state
        parents = rows * slots + parents
        if going.sum() <= _SHRINK * len(samples):
            samples, greedy, prefixes = samples[going], greedy[going], prefixes[going]
            totals, tokens, parents = totals[going], tokens[going], parents[going]
            common = _select(common, torch.from_numpy(going.nonzero()[0]).to(last.device))
        last = torch.from_numpy(tokens.ravel()).to(last.device)
        state = _select(own, torch.from_numpy(parents.ravel()).to(last.device)), common
    return best.hypotheses()


def _candidates(
    log_probs: Tensor, totals: np.ndarray, greedy: np.ndarray, beam: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, parent slots and tokens (B, C) of what may follow: greedy's choice, then the best.

    One more than the beam of each hypothesis are enough for a beam of all of them: one may be an end.
    """
    log_probs[:, :EOS] = -torch.inf  # pad and bos
    listed, index = log_probs.topk(min(beam + 1, log_probs.shape[1]))
    batch, slots = totals.shape
    scores = listed.cpu().numpy().reshape(batch, slots, -1) + totals[:, :, None]
    scores = scores.reshape(batch, -1)
    rank = -scores
    rank[greedy, 0] = -np.inf
    order = rank.argsort(1, kind="stable")  # (B, C)
    rows = np.arange(batch)[:, None]
    tokens = index.cpu().numpy().reshape(batch, -1)
    return scores[rows, order], order // listed.shape[1], tokens[rows, order]


class _Best:
    """The best hypothesis of each sample so far."""

    def __init__(self, batch: int, max_len: int):
        self.score = np.full(batch, -np.inf, np.float32)
        self._tokens = np.zeros((batch, max_len), np.int64)
        self._length = np.zeros(batch, np.int64)
        self._finished = np.zeros(batch, bool)

    def take(
        self, samples: np.ndarray, score: np.ndarray, prefixes: np.ndarray, length: int, finished: bool
    ) -> None:
        """Keep those of the hypotheses, one a sample, that are better than what is kept."""
        better = score > self.score[samples]
        samples = samples[better]
        self.score[samples] = score[better]
        self._tokens[samples] = prefixes[better]
        self._length[samples] = length
        self._finished[samples] = finished

    def hypotheses(self) -> list[Hypothesis]:
        columns = (values.tolist() for values in (self._tokens, self._length, self.score, self._finished))
        return [
            Hypothesis(tokens[:length], score, finished)
            for tokens, length, score, finished in zip(*columns, strict=True)
        ]


def _device(part: Any) -> torch.device | None:
    if isinstance(part, Tensor):
        return part.device
    return next(filter(None, map(_device, part)), None) if isinstance(part, tuple) else None


def _select(part: Any, rows: Tensor) -> Any:
    """Those rows of each tensor in a nested tuple; what is no tensor stays as it is."""
    if isinstance(part, Tensor):
        return part.index_select(0, rows)
    return tuple(_select(each, rows) for each in part) if isinstance(part, tuple) else part
