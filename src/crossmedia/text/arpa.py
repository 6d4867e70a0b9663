"""N-gram language models of words in the ARPA format, which KenLM, SRILM and others write."""

import math
from pathlib import Path
from typing import Any

from crossmedia.data.sources.text_files import lines_of
from crossmedia.errors import DataError
from crossmedia.images.read import path_text
from crossmedia.text.normalise import normalise

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
_LOG10 = math.log(10)
_NEVER = -10.0  # log10 of a word that the model lacks where it has no <unk> either


class Arpa:
    """Katz back-off over words (Katz, 1987): `log_prob(word, history)` in natural logarithms.

    Raises DataError naming the file and the line that is wrong.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.probs: dict[tuple[str, ...], float] = {}
        self.backoffs: dict[tuple[str, ...], float] = {}
        self.order = 0
        self._read()

    def log_prob(self, word: str, history: tuple[str, ...]) -> float:
        """Natural log of the probability of `word` after `history`."""
        history = history[len(history) - self.order + 1 :] if self.order > 1 else ()
        penalty = 0.0
        while True:
            found = self.probs.get((*history, word))
            if found is not None:
                return _LOG10 * (penalty + found)
            if not history:
                return _LOG10 * (penalty + self.probs.get((UNKNOWN,), _NEVER))
            penalty += self.backoffs.get(history, 0.0)
            history = history[1:]

    def _read(self) -> None:
        faults: list[str] = []
        lines = lines_of(self.path, faults)
        if faults:
            raise DataError(*faults)
        counts: dict[int, int] = {}
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
        found = {n: sum(len(key) == n for key in self.probs) for n in counts}
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
        words = tuple(
            word if word in (START, END, UNKNOWN) else normalise(word) for word in parts[1 : order + 1]
        )
        try:
            self.probs[words] = float(parts[0])
            if len(parts) == order + 2:
                self.backoffs[words] = float(parts[-1])
        except ValueError:
            raise self._fault(number, "a number expected") from None

    def _fault(self, number: int, fault: str) -> DataError:
        return DataError(f"{path_text(self.path)}:{number}: {fault}. Fetch the file again")


class WordScores:
    """A model of words as a judge of a tokenizer's tokens: a word counts when the blank behind it comes.

    `tokenizer.decode` must give the text of a prefix; words end at blanks.
    """

    def __init__(self, words: Arpa, tokenizer: Any):
        self.words, self.tokenizer = words, tokenizer

    def score(self, prefix: tuple[int, ...], token: int) -> float:
        before, after = self._text(prefix), self._text((*prefix, token))
        if not after.endswith(" ") or before.endswith(" ") or not before:
            return 0.0
        *history, word = before.split()
        return self.words.log_prob(word, (START, *history))

    def end(self, prefix: tuple[int, ...]) -> float:
        text = self._text(prefix)
        history = (START, *text.split())
        last = 0.0
        if len(history) > 1 and not text.endswith(" "):
            last = self.words.log_prob(history[-1], history[:-1])
        return last + self.words.log_prob(END, history)

    def _text(self, prefix: tuple[int, ...]) -> str:
        return self.tokenizer.decode(prefix)
