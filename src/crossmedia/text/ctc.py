"""Decoding of connectionist temporal classification (Graves et al., 2006): greedy, and prefix beam search.

Shapes: B batch, T frames, V tokens. Blank is token 0, which texts have as padding.
"""

import math
from collections import defaultdict
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from crossmedia.limits import within
from crossmedia.text.tokenizer import PAD

BLANK = PAD
_LEAST = -9.0  # a token less likely than e^-9 at a frame extends no prefix there
_SURE = math.log(0.9999)  # a frame as sure as this of its blank leaves every prefix as it is

Prefix = tuple[int, ...]


class LanguageModel(Protocol):
    """Judges a text token by token: the scores of its tokens and its end add up to its log-probability."""

    def score(self, prefix: Prefix, token: int) -> float:
        """Natural log of what `token` after `prefix` is worth."""
        ...

    def end(self, prefix: Prefix) -> float:
        """Natural log of what the end after `prefix` is worth."""
        ...


def ctc_greedy(logits: Tensor, lens: Tensor) -> list[list[int]]:
    """The best token of each frame, repeats collapsed, blanks dropped: (B, T, V), (B,) -> token ids."""
    best = logits.argmax(-1).cpu().numpy()
    found = []
    for row, length in zip(best, lens.tolist(), strict=True):
        path = row[:length]
        starts = np.ones(length, bool)
        starts[1:] = path[1:] != path[:-1]
        found.append(path[starts & (path != BLANK)].tolist())
    return found


class _Paths(NamedTuple):
    """Log-probabilities of the paths to a prefix that end in blank, and in its last token."""

    blank: float
    token: float

    @property
    def both(self) -> float:
        return _plus(self.blank, self.token)


def ctc_beam_search(
    logits: Tensor,
    lens: Tensor,
    beam: int = 16,
    language_model: LanguageModel | None = None,
    lm_weight: float = 0.5,
    length_bonus: float = 0.0,
) -> list[list[int]]:
    """The most probable text of each clip, over all paths that spell it (Hannun et al., 2014).

    With a language model the best text is that of log p_ctc + `lm_weight` · log p_lm + `length_bonus` ·
    tokens. A beam as wide as there are prefixes makes it exact.
    """
    within(beam=beam)
    log_probs = logits.float().log_softmax(-1).cpu().numpy()
    searched = (row[:length] for row, length in zip(log_probs, lens.tolist(), strict=True))
    return [_search(row, beam, language_model, lm_weight, length_bonus) for row in searched]


def _search(
    log_probs: np.ndarray, beam: int, model: LanguageModel | None, lm_weight: float, length_bonus: float
) -> list[int]:
    worth: dict[Prefix, float] = {(): 0.0}  # what language model and length add to a prefix
    paths = {(): _Paths(0.0, -math.inf)}
    for frame in log_probs:
        if frame[BLANK] >= _SURE:
            paths = {prefix: _Paths(found.both + frame[BLANK], -math.inf) for prefix, found in paths.items()}
            continue
        tokens = [int(token) for token in np.flatnonzero(frame > _LEAST) if token != BLANK]
        blanks: dict[Prefix, float] = defaultdict(lambda: -math.inf)
        ends: dict[Prefix, float] = defaultdict(lambda: -math.inf)
        for prefix, found in paths.items():
            blanks[prefix] = _plus(blanks[prefix], found.both + frame[BLANK])
            for token in tokens:
                longer = (*prefix, token)
                if prefix and prefix[-1] == token:  # without a blank between, the token goes on
                    ends[prefix] = _plus(ends[prefix], found.token + frame[token])
                    ends[longer] = _plus(ends[longer], found.blank + frame[token])
                else:
                    ends[longer] = _plus(ends[longer], found.both + frame[token])
                if longer not in worth:
                    said = lm_weight * model.score(prefix, token) if model else 0.0
                    worth[longer] = worth[prefix] + said + length_bonus
        merged = {prefix: _Paths(blanks[prefix], ends[prefix]) for prefix in {**blanks, **ends}}
        ranked = sorted(merged, key=lambda prefix: (-merged[prefix].both - worth[prefix], prefix))
        paths = {prefix: merged[prefix] for prefix in ranked[:beam]}
    totals = {prefix: found.both + worth[prefix] for prefix, found in paths.items()}
    if model:
        totals = {prefix: total + lm_weight * model.end(prefix) for prefix, total in totals.items()}
    return list(max(totals, key=lambda prefix: (totals[prefix], prefix)))


def _plus(one: float, other: float) -> float:
    """log(e^one + e^other)."""
    if one < other:
        one, other = other, one
    return one if other == -math.inf else one + math.log1p(math.exp(other - one))


def too_long(tokens: Tensor, lens: Tensor, frames: Tensor) -> Tensor:
    """(B,) true where a text has more tokens than its clip has frames for, a blank between equal ones."""
    places = torch.arange(tokens.shape[1], device=tokens.device)[1:]
    repeats = (tokens[:, 1:] == tokens[:, :-1]) & (places < lens[:, None])
    return lens + repeats.sum(1) > frames
