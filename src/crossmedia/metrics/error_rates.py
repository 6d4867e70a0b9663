"""Word and character error rates, and the edits of which they are made."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor
from torchmetrics import Metric

from crossmedia.limits import one_of
from crossmedia.text.normalise import spelled, unspaced, words

Unit = Literal["words", "characters"]
Edit = Literal["equal", "replace", "delete", "insert"]


class Edits(NamedTuple):
    """How an output differs from its reference, which has `total` units."""

    substitutions: int
    deletions: int
    insertions: int
    total: int

    @property
    def rate(self) -> float:
        """The edits by the reference's units; of an empty reference by one."""
        return (self.substitutions + self.deletions + self.insertions) / max(self.total, 1)


def units(text: str, unit: Unit) -> tuple[str, ...]:
    """The words of a text as the normaliser cuts them, or the characters of these words in a row and the
    blanks between.
    """
    return words(text) if unit == "words" else tuple(spelled(text))


def edits(output: str, reference: str, unit: Unit = "words") -> Edits:
    """The fewest substitutions, deletions and insertions that make the reference of the output."""
    said, meant = units(output, unit), units(reference, unit)
    kinds = [kind for kind, *_ in Levenshtein.editops(meant, said)]
    return Edits(kinds.count("replace"), kinds.count("delete"), kinds.count("insert"), len(meant))


def aligned(output: str, reference: str) -> list[tuple[Edit, str, str]]:
    """What became of each word: (edit, words of the reference, words of the output), in order."""
    said, meant = words(output), words(reference)
    found: list[tuple[Edit, str, str]] = []
    for step in Levenshtein.opcodes(meant, said):
        was, now = meant[step.src_start : step.src_end], said[step.dest_start : step.dest_end]
        texts = unspaced(" ".join(was)), unspaced(" ".join(now))
        found.append((step.tag, *texts))  # pyright: ignore[reportArgumentType]
    return found


class ErrorRate(Metric):
    """Edits of all outputs by the units of all references: WER over words, CER over characters.

    `part` names one kind of edit; without it all count. Texts are compared as the normaliser writes them.
    """

    higher_is_better = False
    is_differentiable = False
    full_state_update = False
    counts: Tensor

    def __init__(
        self, unit: Unit = "words", part: Literal["substitutions", "deletions", "insertions"] | None = None
    ):
        super().__init__()
        one_of(get_args(Unit), unit=unit)
        self.unit: Unit = unit
        self.part = part
        self.add_state("counts", torch.zeros(4, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, preds: Sequence[str], target: Sequence[str]) -> None:
        found = [edits(pred, text, self.unit) for pred, text in zip(preds, target, strict=True)]
        if found:
            self.counts += torch.tensor(found, device=self.device).sum(0)

    def compute(self) -> Tensor:
        wrong = self.counts[Edits._fields.index(self.part)] if self.part else self.counts[:3].sum()
        return wrong / self.counts[3].clamp(min=1)
