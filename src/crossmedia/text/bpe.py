"""Text to ids of word pieces: byte pair encoding (Sennrich et al., 2016) by the `tokenizers` library."""

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any, Self

from crossmedia.text.normalise import normalise
from crossmedia.text.tokenizer import CAP, SPECIALS, UNK, Tokenizer

_BLANK = "▁"  # what the library writes before a word


class BpeTokenizer(Tokenizer):
    """Pieces of words and punctuation in any script; the alphabet is the characters of the texts.

    `merges` are the pairs that `fit` joined, in order; a pair rarer than `min_count` is not joined.
    """

    def __init__(
        self,
        vocab_size: int = CAP,
        min_count: int = 1,
        vocab: Sequence[str] = (),
        merges: Sequence[Sequence[str]] = (),
    ):
        super().__init__(vocab_size, min_count, vocab)
        self._merges = [(left, right) for left, right in merges]
        self._bpe = _library(self._tokens, self._merges)

    def fit(self, texts: Iterable[str]) -> Self:
        """A fitted copy; ValueError where texts are lacking, or room in `vocab_size` for their characters."""
        texts = [text for text in map(normalise, texts) if text]
        if not texts:
            raise ValueError(f"min_count {self.min_count}: must leave tokens to learn; the texts hold none")
        # Each merge needs a joint inside some word; the library reserves memory for all that it is asked for.
        words = {word for text in texts for word in text.split()}
        most = len(SPECIALS) + 2 * sum(len(word) + 1 for word in words)
        vocab, merges = _learn(texts, self.min_count, min(self.cap, most))
        if len(vocab) > self.cap:
            most = len(_learn(texts, self.min_count, most)[0])
            raise ValueError(
                f"vocab_size {self.cap}: must be from {len(vocab)} ({len(SPECIALS)} special tokens and each "
                f"character) to {most} (all that these texts give)"
            )
        return type(self)(self.cap, self.min_count, vocab[len(SPECIALS) :], merges)

    def encode(self, text: str) -> list[int]:
        self._need_fit()
        return self._bpe.encode(normalise(text)).ids

    def config(self) -> dict[str, Any]:
        return super().config() | {"merges": [list(pair) for pair in self._merges]}

    def _join(self, tokens: list[str]) -> str:
        return "".join(tokens).replace(_BLANK, " ").strip()


def _library(tokens: Sequence[str], merges: list[tuple[str, str]]) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    ids = {token: index for index, token in enumerate(tokens)}
    library = Tokenizer(models.BPE(vocab=ids, merges=merges, unk_token=SPECIALS[UNK]))
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(replacement=_BLANK), pre_tokenizers.Punctuation("isolated")]
    )
    return library


def _learn(texts: list[str], min_count: int, size: int) -> tuple[list[str], list[list[str]]]:
    """Every token in the order of its id, and the merges."""
    # A library that has worked in parallel warns at each fork, and data loaders fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

    from tokenizers import trainers

    library = _library(SPECIALS, [])
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=min_count, special_tokens=list(SPECIALS), show_progress=False
    )
    library.train_from_iterator(texts, trainer)
    model = json.loads(library.to_str())["model"]
    return sorted(model["vocab"], key=model["vocab"].get), model["merges"]
