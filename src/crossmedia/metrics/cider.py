"""CIDEr-D (Vedantam et al., 2015): agreement with the references, n-grams weighted by their rarity."""

import math
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from crossmedia.metrics.texts import Words, pack, paired, unpack

_ORDERS = (1, 2, 3, 4)
_SIGMA = 6.0  # of the Gaussian penalty on a difference in length (section 6)
_SCALE = 10.0

Weights = dict[Words, float]


class CiderD(Metric):
    """The mean of `cider_d` over the set, 0 to 10; n-grams are as rare as in all references of the set."""

    higher_is_better = True
    full_state_update = False
    packed: list[Tensor]  # one tensor after ranks have met

    def __init__(self):
        super().__init__()
        self.add_state("packed", [], dist_reduce_fx="cat")

    def update(self, preds: Sequence[str], target: Sequence[Sequence[str]]) -> None:
        self.packed.append(pack(paired(preds, target)).to(self.device))

    def compute(self) -> Tensor:
        parts = [self.packed] if isinstance(self.packed, Tensor) else self.packed
        scores = _scores([pair for part in parts for pair in unpack(part)])
        return torch.tensor(math.fsum(scores) / max(len(scores), 1), device=self.device)


def cider_d(preds: Sequence[str], target: Sequence[Sequence[str]]) -> list[float]:
    """Each output's score, 0 to 10. A set of one sample scores 0: nothing in it is rare."""
    return _scores(paired(preds, target))


def _scores(pairs: list[tuple[Words, list[Words]]]) -> list[float]:
    documents: Counter[Words] = Counter()
    counted = []
    for pred, references in pairs:
        grams = [_n_grams(reference) for reference in references]
        documents.update(set().union(*grams))
        counted.append((_n_grams(pred), grams))
    size = math.log(max(len(pairs), 1))
    rarity = {gram: size - math.log(count) for gram, count in documents.items()}
    scores = []
    for (pred, references), (found, grams) in zip(pairs, counted, strict=True):
        output = _weigh(found, rarity, size)
        total = sum(
            _similarity(output, _weigh(gram, rarity, size)) * _penalty(len(pred), len(reference))
            for gram, reference in zip(grams, references, strict=True)
        )
        scores.append(_SCALE * total / len(references))
    return scores


def _n_grams(text: Words) -> Counter[Words]:
    return Counter(text[at : at + order] for order in _ORDERS for at in range(len(text) - order + 1))


def _weigh(counts: Counter[Words], rarity: Weights, unseen: float) -> list[Weights]:
    """TF-IDF of the n-grams of each order; an n-gram of no reference counts as one of a single document."""
    weights: list[Weights] = [{} for _ in _ORDERS]
    for gram, count in counts.items():
        weights[len(gram) - 1][gram] = count * rarity.get(gram, unseen)
    return weights


def _similarity(output: list[Weights], reference: list[Weights]) -> float:
    """Cosine with the output's weights clipped to the reference's, the mean over orders."""
    total = 0.0
    for mine, theirs in zip(output, reference, strict=True):
        product = sum(
            min(weight, theirs[gram]) * theirs[gram] for gram, weight in mine.items() if gram in theirs
        )
        norms = math.hypot(*mine.values()) * math.hypot(*theirs.values())
        total += product / norms if norms else 0.0
    return total / len(_ORDERS)


def _penalty(length: int, other: int) -> float:
    # The authors' scorer measures length in bigrams, which differs from words in empty texts alone.
    return math.exp(-((max(length - 1, 0) - max(other - 1, 0)) ** 2) / (2 * _SIGMA**2))
