"""Corpus BLEU (Papineni et al., 2002) with all references, over words of any script."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics.text import BLEUScore

from crossmedia.metrics.texts import Words, paired


class Bleu(BLEUScore):
    """BLEU-n over the whole set, without smoothing; every output counts, an empty one too.

    `note` says after `compute` why the score had to be 0, and is empty where there is nothing to say.
    """

    full_state_update = False

    def __init__(self, n_gram: int = 4):
        if n_gram < 1:
            raise ValueError(f"n_gram {n_gram}: must be at least 1")
        super().__init__(n_gram)
        self.note = ""
        # Whole numbers: the score is the same however the set is cut into batches and ranks.
        self.add_state("preds_len", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("target_len", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("numerator", torch.zeros(n_gram, dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("denominator", torch.zeros(n_gram, dtype=torch.long), dist_reduce_fx="sum")
        self.add_state("possible", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, preds: Sequence[str], target: Sequence[Sequence[str]]) -> None:
        matches, totals = [0] * self.n_gram, [0] * self.n_gram
        for pred, references in paired(preds, target):
            # The closest reference's length; of two as close the shorter's, as in nltk and sacreBLEU.
            lengths = [len(text) for text in references]
            self.target_len += min((abs(length - len(pred)), length) for length in lengths)[1]
            self.preds_len += len(pred)
            self.possible += sum(max(length - self.n_gram + 1, 0) for length in lengths)
            for order in range(1, self.n_gram + 1):
                found = _n_grams(pred, order)
                allowed: Counter[Words] = Counter()
                for text in references:
                    allowed |= _n_grams(text, order)
                matches[order - 1] += (found & allowed).total()
                totals[order - 1] += found.total()
        self.numerator += torch.tensor(matches, device=self.device)
        self.denominator += torch.tensor(totals, device=self.device)

    def compute(self) -> Tensor:
        self.note = ""
        for what, count in (("references", self.possible), ("outputs", self.denominator[-1])):
            if not count:
                self.note = f"no {self.n_gram}-grams in the {what}"
                break
        return super().compute()


def _n_grams(text: Words, order: int) -> Counter[Words]:
    return Counter(text[start : start + order] for start in range(len(text) - order + 1))
