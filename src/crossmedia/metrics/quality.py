"""How well a set of generated pictures passes for a set of real ones, by the features that a frozen net sees.

Shapes: N real, M generated, D features, K classes. All arithmetic is in float64.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from crossmedia.errors import DataError, NonFiniteError
from crossmedia.metrics.features import NEEDED, Features, scores_pictures

SCORES = {
    "fid": "min",
    "kid": "min",
    "inception_score": "max",
    "precision": "max",
    "recall": "max",
    "density": "max",
    "coverage": "max",
    "sure": "max",
}
_LEAST = 2  # samples of which a set has a covariance, or pairs
_SURE = 0.9
_BLOCK = 1 << 22  # pairs at a time, 32 MB
_SAME = 1e-6  # of a length: what float32 leaves of two equal ones may differ by less


class Quality(Metric):
    """The scores `SCORES` of generated pictures beside real ones, by the features of a net.

    `features` takes pictures (B, C, H, W) in [-1, 1] and gives `Features`; its `name` belongs to the name of
    each score. It stands still, and is no part of `parameters()` or `state_dict()`. `sure` is the share of
    generated pictures of which its largest probability is at least 0.9. After `compute` `n` is the number
    of generated pictures that were scored, beside as many real ones.
    """

    full_state_update = False
    real: Any  # a list of tensors; one tensor after ranks have met
    fake: Any
    probabilities: Any
    keys: Any

    def __init__(self, features: nn.Module):
        super().__init__()
        if not scores_pictures(features):
            raise ValueError(f"features {type(features).__name__}: {NEEDED}")
        self.name = str(features.name)
        self._held = [features.requires_grad_(False)]  # in a list, so no submodule
        for state in ("real", "fake", "probabilities", "keys"):  # flat: a rank may have none of unknown width
            self.add_state(state, [], dist_reduce_fx="cat")
        self.n = 0

    @staticmethod
    def scores_of(features: Any) -> dict[str, str]:
        """Name and better direction of each score by the features of that class or net."""
        return {f"{score}_{features.name}": better for score, better in SCORES.items()}

    @staticmethod
    def need(n: int, split: str = "pictures") -> None:
        """Raise DataError where `n` pictures are too few: to be asked before any is generated."""
        if n < _LEAST:
            raise DataError(
                f"{split}: {n} to score, but FID and KID compare sets of at least {_LEAST}. "
                "Give the split more pictures, or lift its trainer.limit_…_batches"
            )

    def ready(self) -> None:
        """Read the features' file, where they have one, so that a fault of it is told before any is made."""
        read = getattr(self._held[0], "read", None)
        if read:
            read()

    @torch.no_grad()
    def features_of(self, images: Tensor) -> Features:
        """What the net sees in pictures (B, C, H, W) in [-1, 1], in float32 under any precision."""
        if not len(images):
            return Features(images.new_zeros(0, 0).float(), images.new_zeros(0, 0).float())
        net = self._held[0].to(images.device).eval()
        with torch.autocast(images.device.type, enabled=False):
            features, probabilities = net(images.float().clamp(-1, 1))
        return Features(features.float(), probabilities.float())

    def update(self, real: Tensor, fake: Tensor, keys: Sequence[int] | Tensor) -> None:
        """As many real pictures as generated ones, a rank's batch without any, too.

        `keys` are the pairs' places in the set: by them the scores are the same to the last bit in any order.
        """
        if len(real) != len(fake):
            raise ValueError(f"fake {len(fake)}: must be as many pictures as real, {len(real)}")
        places = torch.as_tensor(keys, dtype=torch.long, device=real.device)
        if len(places) != len(real):
            raise ValueError(f"keys {len(places)}: must be one for each of {len(real)} pairs")
        seen, made = self.features_of(real), self.features_of(fake)
        self.real.append(seen.features.flatten())
        self.fake.append(made.features.flatten())
        self.probabilities.append(made.probabilities.flatten())
        self.keys.append(places)

    def compute(self) -> dict[str, Tensor]:
        self.n = sum(map(len, self.keys)) if isinstance(self.keys, list) else len(self.keys)
        self.need(self.n)
        order = dim_zero_cat(self.keys).argsort(stable=True)
        parts = (self.real, self.fake, self.probabilities)
        real, fake, probabilities = (dim_zero_cat(part).view(self.n, -1)[order] for part in parts)
        for what, features in (("real", real), ("generated", fake), ("generated", probabilities)):
            if not features.isfinite().all():
                raise NonFiniteError(f"{self.name} features of the {what} pictures: not finite, so no score")
        scores = {
            "fid": frechet(real, fake),
            "inception_score": inception_score(probabilities),
            **pairs(real, fake)._asdict(),
            "sure": (probabilities.amax(1) >= _SURE).float().mean(),
        }
        return {name: scores[name].float().to(real.device) for name in SCORES}


def frechet(real: Tensor, fake: Tensor) -> Tensor:
    """FID: the Fréchet distance of two normal distributions (Heusel et al., 2017), of (N, D) and (M, D).

    The trace of the root of the covariances' product is the sum of the singular values of their factors'
    product: real and finite where a covariance has no full rank, and 0 for a set with itself.
    """
    _need_two(real, fake)
    means, factors = zip(*(_factored(features) for features in (real, fake)), strict=True)
    traces = sum(np.square(factor).sum() for factor in factors)
    root = np.linalg.svd(factors[0].T @ factors[1], compute_uv=False).sum()
    distance = np.square(means[0] - means[1]).sum() + traces - 2 * root
    return torch.tensor(max(distance, 0.0), dtype=torch.double)


def _factored(features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The mean (D,) and a factor (D, ≤ D) of the covariance, factor @ factor.T."""
    # NumPy's product of a matrix with itself takes half of torch's time
    x = features.detach().cpu().numpy().astype(np.float64)  # (N, D)
    mean = x.mean(0)
    x -= mean
    count, width = x.shape
    if count <= width:
        return mean, x.T / np.sqrt(count - 1)
    covariance = x.T @ x / (count - 1)
    noise = width * np.finfo(np.float64).eps
    try:
        factor = np.linalg.cholesky(covariance)
        if factor.diagonal().min() ** 2 > noise * covariance.diagonal().max():
            return mean, factor
    except np.linalg.LinAlgError:
        pass  # not of full rank, as with a feature that is always 0
    values, vectors = np.linalg.eigh(covariance)
    keep = values > noise * values[-1]
    return mean, vectors[:, keep] * np.sqrt(values[keep])


def inception_score(probabilities: Tensor) -> Tensor:
    """exp E KL(p(y|x) ‖ p(y)) (Salimans et al., 2016) of (M, K), over the whole set as one split; 1 to K."""
    p = _double(probabilities)
    return (torch.special.entr(p.mean(0)).sum() - torch.special.entr(p).sum(1).mean()).exp()


class Pairs(NamedTuple):
    kid: Tensor
    precision: Tensor
    recall: Tensor
    density: Tensor
    coverage: Tensor


def kernel(real: Tensor, fake: Tensor) -> Tensor:
    """KID: the unbiased squared MMD with the kernel (x·y / D + 1)³ (Bińkowski et al., 2018).

    Of (N, D) and (M, D), over all pairs, not over random subsets as is usual: there is nothing to draw or to
    choose. Being unbiased, it may fall below 0 where the distributions are close.
    """
    return pairs(real, fake).kid


def pairs(real: Tensor, fake: Tensor, k: int = 3, dense_k: int = 5) -> Pairs:
    """All scores that compare each with each, in one pass over the pairs; KID as `kernel` has it.

    Precision and recall are the shares of the generated samples within the real ones' reach, and of real
    within generated (Kynkäänniemi et al., 2019): a sample reaches to its k-th neighbour, which is within.
    Density is how many real samples reach a generated one on average, over `dense_k`, coverage the share of
    real samples that reach any (Naeem et al., 2020): the k-th neighbour is just out of reach, as in the
    authors' code, so of a set with itself both are 1. A k above N - 1 or M - 1 is lowered to it.
    Lengths that float32 cannot tell apart count as equal.
    """
    _need_two(real, fake)
    real, fake = _double(real), _double(fake)
    k, dense_k = (min(wanted, len(real) - 1, len(fake) - 1) for wanted in (k, dense_k))
    real_kernel, own, dense = _within(real, k, dense_k)
    fake_kernel, other, _ = _within(fake, k, dense_k)
    lengths, other_lengths = (x.square().sum(1) for x in (real, fake))
    spot = _SAME**2 * torch.stack([lengths.mean(), other_lengths.mean()]).amax()  # within it two are one
    own, other = (reach * (1 + 2 * _SAME) + spot for reach in (own, other))
    dense = (dense * (1 - 2 * _SAME)).clamp(min=spot)
    precise = torch.zeros(len(fake), dtype=torch.bool, device=fake.device)
    recalled, reached, covered, between = (real.new_zeros(()) for _ in range(4))
    for rows in _blocks(real, fake):
        products = real[rows] @ fake.T  # (rows, M)
        squares = _squares(products, lengths[rows], other_lengths)
        precise |= (squares <= own[rows, None]).any(0)
        recalled += (squares <= other).any(1).sum()
        reached += (squares <= dense[rows, None]).sum()
        covered += (squares.amin(1) <= dense[rows]).sum()
        between += _cubic_(products, real.shape[1]).sum()
    return Pairs(
        real_kernel + fake_kernel - 2 * between / (len(real) * len(fake)),
        precise.double().mean(),
        recalled / len(real),
        reached / (dense_k * len(fake)),
        covered / len(real),
    )


def _within(x: Tensor, *ks: int) -> tuple[Tensor, ...]:
    """The kernel's mean over pairs of two different samples, and for each k the squared distance of each
    sample to its k-th neighbour (N,)."""
    lengths = x.square().sum(1)
    total, nearest = x.new_zeros(()), []
    for rows in _blocks(x, x):
        products = x[rows] @ x.T  # (rows, N)
        squares = _squares(products, lengths[rows], lengths)
        nearest.append(squares.topk(max(ks) + 1, largest=False, sorted=True).values)  # the first is itself
        total += _cubic_(products, x.shape[1]).sum()
    total -= _cubic_(lengths, x.shape[1]).sum()
    reaches = torch.cat(nearest)
    return total / (len(x) * (len(x) - 1)), *(reaches[:, k] for k in ks)


def _cubic_(products: Tensor, width: int) -> Tensor:
    return products.div_(width).add_(1).pow_(3)


def _squares(products: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Squared distances from the products and the squared lengths."""
    return (rows[:, None] + columns).sub_(products, alpha=2)


def _blocks(rows: Tensor, columns: Tensor) -> Iterator[slice]:
    step = max(1, _BLOCK // len(columns))
    return (slice(start, start + step) for start in range(0, len(rows), step))


def _double(x: Tensor) -> Tensor:
    return (x.cpu() if x.device.type == "mps" else x).detach().double()  # mps has no float64


def _need_two(*sets: Tensor) -> None:
    for features in sets:
        if len(features) < _LEAST:
            raise ValueError(f"{len(features)} samples: must be at least {_LEAST}")
