"""Text to token ids and back: by word and by character."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Self

from crossmedia.limits import within
from crossmedia.text.normalise import normalise, spaced, unspaced

PAD, BOS, EOS, UNK = range(4)
CAP = 10_000  # of a vocabulary whose size nobody asked for
SPECIALS = ("<pad>", "<bos>", "<eos>", "<unk>")
_PARTED = "cannot|gimme|gonna|gotta|lemme|wanna"  # single words that the Treebank's rules part
_PLAIN = re.compile(rf"(?!.*\b(?:{_PARTED})\b)[a-z0-9]+(?:,? [a-z0-9]+)*")


class Tokenizer:
    """A vocabulary fitted on texts, immutable. A subclass says what a token is.

    Ids 0 to 3 are pad, bos, eos and unk. `vocab_size` caps the vocabulary with these; once fitted it is the
    real size, which may be smaller, and `cap` is what was asked. `vocab` is what `fit` found, in the order of
    its ids, without the special tokens; tokens rarer than `min_count` stay out.
    """

    def __init__(self, vocab_size: int = CAP, min_count: int = 1, vocab: Sequence[str] = ()):
        within(vocab_size=vocab_size, min_count=min_count)
        self.cap = vocab_size
        self.min_count = min_count
        self._tokens = (*SPECIALS, *vocab)
        self._ids = {token: index for index, token in enumerate(self._tokens) if index > UNK}

    @property
    def fitted(self) -> bool:
        return len(self._tokens) > len(SPECIALS)

    @property
    def vocab_size(self) -> int:
        return len(self._tokens) if self.fitted else self.cap

    @property
    def vocab(self) -> tuple[str, ...]:
        return self._tokens[len(SPECIALS) :]

    def fit(self, texts: Iterable[str]) -> Self:
        """A fitted copy: the most frequent tokens first, those of equal count by their characters.

        Raises ValueError where the texts leave nothing to learn.
        """
        counts = Counter(token for text in texts for token in self._split(normalise(text)))
        ranked = sorted((-count, token) for token, count in counts.items() if count >= self.min_count)
        if not ranked:
            most = max(counts.values(), default=0)
            found = f"the most frequent token occurs {most} times" if counts else "the texts hold no token"
            raise ValueError(f"min_count {self.min_count}: must leave tokens for a vocabulary; {found}")
        vocab = [token for _, token in ranked[: self.cap - len(SPECIALS)]]
        return type(self)(self.cap, self.min_count, vocab)

    def encode(self, text: str) -> list[int]:
        """Token ids, without bos and eos; unk for what the vocabulary lacks."""
        self._need_fit()
        return [self._ids.get(token, UNK) for token in self._split(normalise(text))]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """The tokens that `decode` joins: up to eos, without pad and bos."""
        self._need_fit()
        tokens = []
        for index in ids:
            if index == EOS:
                break
            if index not in (PAD, BOS):
                tokens.append(self._tokens[index])
        return tokens

    def decode(self, ids: Iterable[int]) -> str:
        """A readable text: up to eos, without pad and bos, unk as `<unk>`."""
        return self._join(self.tokens(ids))

    def config(self) -> dict[str, Any]:
        """Plain values that build an equal tokenizer."""
        kind = type(self)
        return {
            "_target_": f"{kind.__module__}.{kind.__qualname__}",
            "vocab_size": self.vocab_size,
            "min_count": self.min_count,
            "vocab": list(self.vocab),
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.config() == other.config()

    def __hash__(self) -> int:
        return hash((type(self), self.cap, self._tokens))

    def _need_fit(self) -> None:
        if not self.fitted:
            raise ValueError(f"{type(self).__name__}: has no vocabulary; call fit with the training texts")

    def _split(self, text: str) -> Iterable[str]:
        raise NotImplementedError

    def _join(self, tokens: list[str]) -> str:
        raise NotImplementedError


class WordTokenizer(Tokenizer):
    """Words and punctuation by the rules of the Penn Treebank, as nltk has them; no corpus is downloaded.

    The rules are English ones; punctuation of other scripts is parted too, and each character of a script
    without blanks between words is a token.
    """

    def _split(self, text: str) -> list[str]:
        if _PLAIN.fullmatch(text):  # where all the rules come to this, in a tenth of the time
            return text.replace(",", " ,").split()
        return _treebank()[0].tokenize(spaced(text))

    def _join(self, tokens: list[str]) -> str:
        return unspaced(_treebank()[1].detokenize(tokens))


class CharTokenizer(Tokenizer):
    """Each Unicode character of the normalised text is a token, the blank too."""

    def _split(self, text: str) -> str:
        return text

    def _join(self, tokens: list[str]) -> str:
        return "".join(tokens)


@cache
def _treebank() -> tuple[Any, Any]:
    from nltk.tokenize.treebank import TreebankWordDetokenizer, TreebankWordTokenizer  # 1 s to import

    return TreebankWordTokenizer(), TreebankWordDetokenizer()
