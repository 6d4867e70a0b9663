"""N-gram language models of words in the ARPA format, which KenLM, SRILM and others write."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from crossmedia.data.sources.files import need_file
from crossmedia.data.sources.text_files import lines_of
from crossmedia.errors import DataError
from crossmedia.images.read import path_text
from crossmedia.text.normalise import normalise, words

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
_LOG10 = math.log(10)
_NEVER = -10.0  # log10 of a word that the model lacks where it has no <unk> either
_SPELLINGS = 4  # of a word of a history: the likeliest
_KEPT = 1 << 16  # probabilities that a search has asked for
Gram = tuple[str, ...]


class Arpa:
    """Katz back-off over words (Katz, 1987): `log_prob(word, history)` in natural logarithms.

    Words are those that scores compare, in lower case and without punctuation at their ends. Where the model
    has several spellings of one, their probabilities add up; after a history of several, each counts as much
    as it is likely, so that the words after it still sum to 1. What the model lacks is <unk>, in a history
    too. Raises DataError naming the file and the line that is wrong.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.probs: dict[Gram, float] = {}  # log10, by the file's own spellings
        self.backoffs: dict[Gram, float] = {}
        self.spellings: dict[str, list[str]] = defaultdict(list)  # the likeliest first
        self.order = 0
        self._read()
        for (word,) in sorted((gram for gram in self.probs if len(gram) == 1), key=lambda g: -self.probs[g]):
            self.spellings[_as_scored(word)].append(word)
        self._mixed = lru_cache(_KEPT)(self._mix)

    def log_prob(self, word: str, history: tuple[str, ...]) -> float:
        """Natural log of the probability of `word` after `history`."""
        return _LOG10 * self._mixed(word, history[max(0, len(history) - self.order + 1) :])

    def _mix(self, word: str, history: Gram) -> float:
        """log10 by words as scores compare them."""
        ways = self._spelled(word)
        histories = list(product(*(self._spelled(part)[:_SPELLINGS] for part in history)))
        found = [_sum(self._katz(way, before) for way in ways) for before in histories]
        if len(histories) == 1:
            return found[0]
        weights = [self._chain(before) for before in histories]
        if _sum(weights) == -math.inf:
            weights = [0.0] * len(histories)
        total = _sum(weight + value for weight, value in zip(weights, found, strict=True))
        return total - _sum(weights)

    def _katz(self, word: str, history: Gram) -> float:
        """log10 by spellings."""
        penalty = 0.0
        while True:
            found = self.probs.get((*history, word))
            if found is not None:
                return penalty + found
            if not history:
                return penalty + _NEVER
            penalty += self.backoffs.get(history, 0.0)
            history = history[1:]

    def _chain(self, gram: Gram) -> float:
        """log10 of all its words, each after those before it; no model predicts <s>."""
        return sum(self._katz(word, gram[:k]) for k, word in enumerate(gram) if word.lower() != START)

    def _spelled(self, word: str) -> list[str]:
        return self.spellings.get(word) or self.spellings.get(UNKNOWN) or [word]

    def _read(self) -> None:
        lines = lines_of(need_file(self.path, "Give an ARPA file"))
        counts: dict[int, int] = {}
        found: Counter[int] = Counter()
        order = 0
        for number, line in lines:
            text = line.strip()
            if text == "\\data\\" or text == "\\end\\":
                order = 0
            elif text.startswith("ngram "):
                part, _, count = text.removeprefix("ngram ").partition("=")
                if not (part.strip().isdecimal() and count.strip().isdecimal()):
                    raise self._fault(number, "ngram N=count expected")
                counts[int(part)] = int(count)
            elif text.startswith("\\") and text.endswith("-grams:"):
                order = int(text[1:].partition("-")[0]) if text[1:].partition("-")[0].isdecimal() else 0
                if order not in counts:
                    raise self._fault(number, f"no line `ngram {order}=…` above it")
            elif order:
                self._take(number, text, order)
                found[order] += 1
        wrong = next((n for n in counts if counts[n] != found[n]), None)
        if not counts or not self.probs:
            raise DataError(f"{path_text(self.path)}: no n-grams in it. An ARPA file is expected")
        if wrong is not None:
            fault = f"{found[wrong]} of {counts[wrong]} {wrong}-grams"
            raise DataError(f"{path_text(self.path)}: {fault}. Fetch the file again")
        self.order = max(counts)

    def _take(self, number: int, text: str, order: int) -> None:
        parts = text.split()
        if not order + 1 <= len(parts) <= order + 2:
            raise self._fault(number, f"log10, {order} words and at most a back-off expected")
        gram = tuple(parts[1 : order + 1])
        try:
            log10, *backoff = map(float, [parts[0], *parts[order + 1 :]])
        except ValueError:
            raise self._fault(number, "a number expected") from None
        if not log10 <= 0 or any(not math.isfinite(value) for value in backoff):
            raise self._fault(number, f"{parts[0]}: the log10 of a probability expected, at most 0")
        self.probs[gram] = log10
        if backoff:
            self.backoffs[gram] = backoff[0]

    def _fault(self, number: int, fault: str) -> DataError:
        return DataError(f"{path_text(self.path)}:{number}: {fault}. Fetch the file again")


def _as_scored(word: str) -> str:
    """One that is several for the scores is never asked for."""
    if word.lower() in (START, END, UNKNOWN):
        return word.lower()
    found = words(word)
    return found[0] if len(found) == 1 else normalise(word)


# The words that are finished, the tokens behind them, and how many words of these tokens are finished too.
State = tuple[tuple[str, ...], tuple[int, ...], int]


class WordScores:
    """A model of words as a judge of a tokenizer's tokens: a word counts when the next one begins, or a blank
    ends it.
    """

    def __init__(self, model: Arpa, tokenizer: Any):
        self.model, self.tokenizer = model, tokenizer
        self.start: State = (START,), (), 0

    def step(self, state: State, token: int) -> tuple[float, State]:
        """Natural log of what `token` is worth, and the state behind it."""
        history, tokens, counted = state
        text = self.tokenizer.decode((*tokens, token))
        found = words(text)[counted:]
        if text.endswith(" "):
            total, history = self._said(history, found)
            return total, (history, (), 0)
        if len(found) > 1:
            total, history = self._said(history, found[:-1])
            own = len(words(self.tokenizer.decode((token,))))
            return total, (history, (token,), max(own - 1, 0))
        return 0.0, (history, (*tokens, token), counted)

    def end(self, state: State) -> float:
        history, tokens, counted = state
        total, history = self._said(history, words(self.tokenizer.decode(tokens))[counted:])
        return total + self.model.log_prob(END, history)

    def _said(self, history: tuple[str, ...], found: tuple[str, ...]) -> tuple[float, tuple[str, ...]]:
        total = 0.0
        for word in found:
            total += self.model.log_prob(word, history)
            history = (*history, word)[-self.model.order :]
        return total, history


def _sum(values: Iterable[float]) -> float:
    """log10 of the sum of what these are the log10 of."""
    found = list(values)
    return found[0] if len(found) == 1 else float(np.logaddexp.reduce([v * _LOG10 for v in found])) / _LOG10
