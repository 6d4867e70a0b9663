"""Decoding of connectionist temporal classification (Graves et al., 2006): greedy, and prefix beam search.

Shapes: B batch, T frames, V tokens. Blank is token 0, which texts have as padding.
"""

import math
from collections import defaultdict
from typing import Any, Protocol
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

from crossmedia.limits import within
from crossmedia.text.tokenizer import PAD

BLANK = PAD
_LEAST = -9.0  # a token less likely than e^-9 at a frame extends no prefix there
_SURE = math.log(0.9999)  # a frame as sure as this of its blank leaves every prefix as it is


class LanguageModel(Protocol):
    """Judges a text token by token: what its tokens and its end are worth adds up to its log-probability."""

    start: Any  # the state before the first token

    def step(self, state: Any, token: int) -> tuple[float, Any]:
        """Natural log of what `token` is worth, and the state behind it."""
        ...

    def end(self, state: Any) -> float:
        """Natural log of what the end is worth."""
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


class _Prefix:
    """A text as its last token and the text before it; what is on no beam any more is let go."""

    __slots__ = ("__weakref__", "before", "said", "token", "worth")

    def __init__(self, before: "_Prefix | None", token: int, worth: float, said: Any):
        self.before, self.token = before, token
        self.worth, self.said = worth, said  # by language model and length, and the model's state

    def tokens(self) -> list[int]:
        found, prefix = [], self
        while prefix.before is not None:
            found.append(prefix.token)
            prefix = prefix.before
        return found[::-1]


class _Paths:
    """Log-probabilities of the paths to a prefix that end in blank, and in its last token."""

    __slots__ = ("blank", "token")

    def __init__(self, blank: float = -math.inf, token: float = -math.inf):
        self.blank, self.token = blank, token

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
    tokens. A beam as wide as there are prefixes makes it exact, but for the paths with a token of at most
    e^-9 at its frame, or with any where blank has 0.9999 or more: these are left out, whatever the beam.
    """
    within(beam=beam)
    if not lm_weight:  # 0 · -inf is no number
        language_model = None
    log_probs = logits.float().log_softmax(-1).cpu().numpy()
    searched = (row[:length] for row, length in zip(log_probs, lens.tolist(), strict=True))
    return [_search(row, beam, language_model, lm_weight, length_bonus) for row in searched]


def _search(
    log_probs: np.ndarray, beam: int, model: LanguageModel | None, lm_weight: float, length_bonus: float
) -> list[int]:
    known: WeakValueDictionary[tuple[int, int], _Prefix] = WeakValueDictionary()

    def longer(prefix: _Prefix, token: int) -> _Prefix:
        key = id(prefix), token  # a known prefix keeps the one before it, so that no other has its id
        found = known.get(key)
        if found is None:
            score, said = model.step(prefix.said, token) if model else (0.0, None)
            worth = prefix.worth + lm_weight * score + length_bonus
            known[key] = found = _Prefix(prefix, token, worth, said)
        return found

    paths = {_Prefix(None, BLANK, 0.0, model.start if model else None): _Paths(0.0)}
    for frame in log_probs:
        blank = float(frame[BLANK])
        if blank >= _SURE:
            paths = {prefix: _Paths(found.both + blank) for prefix, found in paths.items()}
            continue
        tokens = [
            (token, float(frame[token]))
            for token in np.flatnonzero(frame > _LEAST).tolist()
            if token != BLANK
        ]
        reached: dict[_Prefix, _Paths] = defaultdict(_Paths)
        for prefix, found in paths.items():
            both, here = found.both, reached[prefix]
            here.blank = _plus(here.blank, both + blank)
            for token, logp in tokens:
                goes_on = prefix.token == token  # without a blank between, the token goes on
                there = reached[longer(prefix, token)]
                there.token = _plus(there.token, (found.blank if goes_on else both) + logp)
                if goes_on:
                    here.token = _plus(here.token, found.token + logp)
        ranked = sorted(reached, key=lambda prefix: -reached[prefix].both - prefix.worth)
        paths = {prefix: reached[prefix] for prefix in ranked[:beam]}

    def total(prefix: _Prefix) -> float:
        ending = lm_weight * model.end(prefix.said) if model else 0.0
        return paths[prefix].both + prefix.worth + ending

    return max(paths, key=total).tokens()


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
