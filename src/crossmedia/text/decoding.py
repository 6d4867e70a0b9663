"""Beam search for every autoregressive text decoder, all hypotheses of a batch at once.

Shapes: B samples still searched, R hypotheses of each (1 at first, then the beam), N = B * R, V vocabulary,
C candidates, L tokens. What is small is kept on the host by numpy, whose calls cost a tenth of torch's.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from crossmedia.text.tokenizer import BOS, EOS

State = (
    Any  # a nested tuple of tensors with first dimension N, or B where the hypotheses of a sample share them
)
Step = Callable[[Tensor, State], tuple[Tensor, State]]  # tokens (N,), state -> logits (N, V), state

_SHRINK = 0.75  # samples that are done leave the batch when at most this part of it is still open


class Hypothesis(NamedTuple):
    tokens: list[int]  # without bos and eos
    score: float  # log-probability over the length penalty
    finished: bool  # false where the length limit cut it


@torch.no_grad()
def beam_search(
    step: Step, state: State, batch: int, beam: int = 3, max_len: int = 50, length_penalty: float = 0.6
) -> list[Hypothesis]:
    """The best hypothesis of each sample by log-probability / ((5 + length) / 6) ** length_penalty.

    The length penalty is that of Wu et al. (2016). What a hypothesis has of its own must come back from
    `step` as new tensors, never written in place: a tensor that always comes back as the same object, as a
    memory does, counts as common to the hypotheses of its sample, and keeps one row for all of them.

    A hypothesis has at most `max_len` tokens, its eos included; pad and bos are never chosen. A sample is
    searched until no open hypothesis can overtake its best finished one; at the limit the open ones compete
    as they are. The greedy hypothesis never falls off the beam: no score is below greedy's, and a beam of 1
    is greedy search.
    """
    limits = (("beam", beam, 1), ("max_len", max_len, 1), ("length_penalty", length_penalty, 0))
    for name, value, least in limits:
        if value < least:
            raise ValueError(f"{name} {value}: must be at least {least}")
    penalty = ((5 + np.arange(max_len + 1, dtype=np.float32)) / 6) ** length_penalty
    device = next(_leaves(state), torch.empty(0)).device

    best = _Best(batch, max_len)
    samples = np.arange(batch)  # (B,) the sample of each row
    totals = np.zeros((batch, 1), np.float32)  # (B, R) log-probabilities, -inf in an empty slot
    prefixes = np.zeros((batch, 1, max_len), np.int64)  # (B, R, L)
    # Without a place of its own it falls off a narrow beam in up to one sample of seven (random models).
    greedy = np.ones(batch, bool)  # (B,) slot 0 holds the greedy hypothesis
    last = torch.full((batch,), BOS, device=device)  # (N,)
    shared = {id(leaf): leaf for leaf in _leaves(state)}

    for length in range(1, max_len + 1):
        if not len(samples):
            break
        logits, state = step(last, state)
        scores, parents, tokens = _candidates(logits, totals, greedy, beam)  # (B, C) each
        everyone = np.arange(len(samples))

        ends = tokens == EOS
        on_beam = slice(beam + 1)  # greedy's and the best
        ending = np.where(ends[:, on_beam], scores[:, on_beam], -np.inf)
        if ending.max() > -np.inf:
            column = ending.argmax(1)  # (B,)
            prefix = prefixes[everyone, parents[everyone, column]]  # (B, L)
            best.take(samples, ending[everyone, column] / penalty[length], prefix, length - 1, True)

        greedy &= ~ends[:, 0]
        scores[ends] = -np.inf
        order = np.isneginf(scores).argsort(1, kind="stable")  # greedy's first
        chosen = everyone[:, None], order[:, :beam]
        totals, parents, tokens = scores[chosen], parents[chosen], tokens[chosen]  # (B, R)
        prefixes = prefixes[everyone[:, None], parents]
        prefixes[:, :, length - 1] = tokens

        if beam == 1:
            totals[~greedy] = -np.inf  # its only hypothesis has ended
        # A log-probability only falls: over the largest penalty it bounds what a hypothesis can reach.
        score, slot = totals.max(1) / penalty[max_len], totals.argmax(1)
        if length == max_len:
            best.take(samples, score, prefixes[everyone, slot], length, False)
            break
        going = score > best.score[samples]
        slots = logits.shape[0] // len(samples)  # R of this step
        index = everyone[:, None] * slots + parents
        fewer = going.sum() <= _SHRINK * len(samples)
        stay = torch.from_numpy(np.flatnonzero(going)).to(device) if fewer else None
        if fewer:
            samples, totals, index, tokens = samples[going], totals[going], index[going], tokens[going]
            prefixes, greedy = prefixes[going], greedy[going]
        last = torch.from_numpy(tokens.ravel()).to(device)
        rows = torch.from_numpy(index.ravel()).to(device)  # (N,)
        state, shared = _reorder(state, rows, shared, stay)
    return best.hypotheses()


def _candidates(
    logits: Tensor, totals: np.ndarray, greedy: np.ndarray, beam: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, parent slots and tokens (B, C) of what may follow: greedy's choice, then the best 2 * beam.

    Twice the beam, as half of them may be ends. A score of -inf marks what is no candidate: greedy's choice
    once the greedy hypothesis has ended or where the list repeats it, and what a small vocabulary lacks.
    """
    batch, slots = totals.shape
    log_probs = logits.float().log_softmax(-1).view(batch, slots, -1)  # (B, R, V)
    vocab_size = log_probs.shape[-1]
    log_probs[..., :EOS] = -torch.inf  # pad and bos
    first = log_probs[:, 0].argmax(-1, keepdim=True)  # (B, 1) before rounding by the totals
    every = log_probs.add_(torch.from_numpy(totals).to(logits.device)[..., None]).view(batch, -1)  # (B, R V)
    listed, index = every.topk(min(2 * beam, slots * vocab_size))

    scores = np.full((batch, 1 + 2 * beam), -np.inf, np.float32)
    places = np.zeros((batch, 1 + 2 * beam), np.int64)
    places[:, :1] = first.cpu().numpy()
    scores[:, 0] = np.where(greedy, every.gather(1, first).cpu().numpy()[:, 0], -np.inf)
    width = 1 + listed.shape[1]
    places[:, 1:width] = index.cpu().numpy()
    repeated = greedy[:, None] & (places[:, 1:width] == places[:, :1])
    scores[:, 1:width] = np.where(repeated, -np.inf, listed.cpu().numpy())
    return scores, places // vocab_size, places % vocab_size


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


def _leaves(state: State) -> Iterator[Tensor]:
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, tuple):
        for part in state:
            yield from _leaves(part)


def _reorder(
    state: State, rows: Tensor, shared: dict[int, Tensor], stay: Tensor | None
) -> tuple[State, dict[int, Tensor]]:
    """The state of the chosen hypotheses, and those of its tensors that are still shared.

    `shared` holds the tensors that every step so far has handed back untouched, a row a sample: they change
    only where samples leave, and keep the rows that `stay`.
    """
    leaves = list(_leaves(state))
    untouched = [id(leaf) in shared for leaf in leaves]
    moved = [
        leaf.index_select(0, rows) if not same else leaf if stay is None else leaf.index_select(0, stay)
        for leaf, same in zip(leaves, untouched, strict=True)
    ]
    shared = {id(leaf): leaf for leaf, same in zip(moved, untouched, strict=True) if same}
    return _rebuild(state, iter(moved)), shared


def _rebuild(state: State, leaves: Iterator[Tensor]) -> State:
    if isinstance(state, Tensor):
        return next(leaves)
    return tuple(_rebuild(part, leaves) for part in state) if isinstance(state, tuple) else state
