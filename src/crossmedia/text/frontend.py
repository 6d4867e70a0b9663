"""What a text is to a speech synthesiser: words in lower case, or phonemes, with the marks that are heard."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from crossmedia.audio.speak import phonemes_of
from crossmedia.errors import brief
from crossmedia.limits import within
from crossmedia.text.english import read_aloud
from crossmedia.text.normalise import normalise
from crossmedia.text.tokenizer import CharTokenizer

_SPELLINGS = [
    (re.compile("(?<=[0-9])[–—](?=[0-9$€£¥])"), "-"),  # a range
    (re.compile("[–—―]|-{2,}"), " - "),
    (re.compile(r"\.{2,}|…"), ". "),
]
_TIDY = [
    (re.compile(r"([^\w\s'])(?: ?\1)+"), r"\1"),
    (re.compile(r" +(?=[.,!?;:](?!\w))"), ""),
    (re.compile(r"(?<=[,;!?])(?=[^\W\d_])"), " "),
    (re.compile(r"^(?:[.,!?;:-]+(?: |$))+"), ""),
]
_HEARD = "#%&*/@\\_‰§"  # punctuation to Unicode, and yet read aloud
_ENDS = [re.compile(r"(?<=[.!?]) "), re.compile("(?<=[,;:]) | (?=- )"), re.compile(" ")]


class SpeechText:
    """Texts for a tokenizer by characters: in lower case, of letters, single blanks and stated punctuation.

    `numbers` writes English numbers, units and abbreviations as words, and names what it cannot read in a
    ValueError; without it digits and signs stay as they are, for other languages. `phonemes` is a voice of
    espeak-ng, as "en-us": words become their phonemes in IPA.
    """

    def __init__(self, numbers: bool = True, phonemes: str | None = None, punctuation: str = ".,!?;:-"):
        for mark in punctuation:
            if unicodedata.category(mark)[0] != "P" or normalise(mark) != mark:
                raise ValueError(f"punctuation {punctuation!r}: {mark!r} is no mark of punctuation")
        if numbers and phonemes is not None and not phonemes.startswith("en"):
            raise ValueError(f"phonemes {phonemes!r}: numbers become English words; it needs numbers=false")
        self.numbers = numbers
        self.phonemes = phonemes
        self.punctuation = punctuation
        self._said: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        """What a tokenizer is fitted on and given; of characters, calling it twice changes nothing."""
        text = self.written(text)
        if self.phonemes is None:
            return text
        if text not in self._said:
            self._say([text])
        return self._said[text]

    def written(self, text: str) -> str:
        """Its words and marks, before they become phonemes."""
        return _written(text, self.numbers, self.punctuation)

    def prepare(self, texts: Iterable[str]) -> None:
        """Find the phonemes of many texts in one process, where each would take one."""
        if self.phonemes is not None:
            written = set(map(self.written, texts))
            new = sorted(written - self._said.keys())
            if new:
                self._say(new)

    def sentences(self, text: str, most: int) -> list[str]:
        """What `__call__` gives, in parts of at most `most` characters; none where the text has no word.

        A longer text is cut at the ends of sentences; a longer sentence at its commas, then between words.
        """
        within(most=most)
        text = self(text)
        sentences = _ENDS[0].split(text) if len(text) > most else [text]
        parts = [part for sentence in sentences for part in _cut(sentence, most, _ENDS[1:])]
        return [part for part in parts if part.strip(f"{self.punctuation} '")]

    def config(self) -> dict[str, Any]:
        """Plain values that build an equal front end."""
        return {
            "_target_": "crossmedia.text.frontend.SpeechText",
            "numbers": self.numbers,
            "phonemes": self.phonemes,
            "punctuation": self.punctuation,
        }

    def _say(self, texts: list[str]) -> None:
        cut = [list(_clauses(text, self.punctuation)) for text in texts]
        words = [words for clauses in cut for words, _ in clauses]
        said = iter(phonemes_of(words, self.phonemes or ""))
        for text, clauses in zip(texts, cut, strict=True):
            self._said[text] = normalise(" ".join(next(said) + mark for _, mark in clauses))


def need_known(text: str, tokenizer: CharTokenizer) -> None:
    """Raise ValueError that names the characters which no training text had: nobody can say `<unk>`."""
    lacking = sorted(set(text) - set(tokenizer.vocab))
    if lacking:
        names = ", ".join(map(repr, lacking[:10]))
        known = "".join(sorted(tokenizer.vocab)).strip()
        were = "was" if len(lacking) == 1 else "were"
        raise ValueError(f"text: {names} {were} not in the training texts; known are {known}")


@lru_cache(maxsize=1 << 16)  # a set's texts come again in every epoch
def _written(text: str, english: bool, punctuation: str) -> str:
    text = normalise(text)
    while (once := _once(text, english, punctuation)) != text:
        text = once  # and again, for a mark that went may leave an abbreviation
    return text


def _once(given: str, english: bool, punctuation: str) -> str:
    text = given
    for pattern, spelling in _SPELLINGS:
        text = pattern.sub(spelling, text)
    if english:
        text = read_aloud(text)
    text = " ".join(_kept(text, given if english else None, punctuation).split())
    for pattern, spelling in _TIDY:
        text = pattern.sub(spelling, text)
    return text


def _kept(text: str, given: str | None, punctuation: str) -> str:
    """Letters and stated punctuation, blanks for the rest; what else is read aloud must stay, or is named as
    it stands in the `given` text.
    """
    chars = []
    for place, char in enumerate(text):
        kind = unicodedata.category(char)[0]
        if char == "'":
            inside = text[place - 1 : place].isalpha() and text[place + 1 : place + 2].isalpha()
            chars.append(char if inside or char in punctuation else " ")
        elif kind in "LM" or char in punctuation or char in "\u200c\u200d":  # which shape letters
            chars.append(char)
        elif char.isspace() or (kind == "P" and char not in _HEARD):
            chars.append(" ")
        elif given is None:
            chars.append(char)
        else:
            token = brief(next(word for word in given.split() if char in word))
            raise ValueError(f"text: {char!r} has no reading, in '{token}'; write it in words")
    return "".join(chars)


def _clauses(text: str, punctuation: str) -> Iterator[tuple[str, str]]:
    """The words up to a mark, and the mark: with a blank where it stands alone, empty at the end."""
    words = []
    for word in text.split():
        bare = word.rstrip(punctuation)
        if bare:
            words.append(bare)
        if bare != word:
            yield " ".join(words), " " * (not bare) + word[len(bare) :]
            words = []
    yield " ".join(words), ""


def _cut(text: str, most: int, ends: list[re.Pattern[str]]) -> list[str]:
    if len(text) <= most:
        return [text]
    if not ends:
        return [text[start : start + most] for start in range(0, len(text), most)]
    parts: list[str] = []
    for piece in ends[0].split(text):
        if parts and len(parts[-1]) + 1 + len(piece) <= most:
            parts[-1] += f" {piece}"
        else:
            parts += _cut(piece, most, ends[1:])
    return parts
