"""The scores of two sets of features, by hand, by brute force and beside others' arithmetic."""

import numpy as np
import pytest
import torch
from scipy import linalg
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from crossmedia.metrics import quality
from crossmedia.metrics.quality import (
    frechet,
    inception_score,
    kernel,
    pairs,
)


def draw(count, width, seed=0, shift=0.0, scale=1.0):
    source = torch.Generator().manual_seed(seed)
    mixed = torch.randn(width, width, generator=torch.Generator().manual_seed(9)) / width**0.5
    return torch.randn(count, width, generator=source) @ mixed * scale + shift


def line(*points):
    return torch.tensor(points)[:, None].float()


REAL, FAKE = draw(300, 16), draw(250, 16, seed=1, shift=0.2, scale=1.1)


class Rows(torch.nn.Module):
    """Pictures that are features already."""

    num_features = 16

    def forward(self, rows):
        return rows


def by_root(real, fake):
    """As pytorch-fid."""
    means = [part.double().numpy().mean(0) for part in (real, fake)]
    first, second = (np.cov(part.double().numpy(), rowvar=False) for part in (real, fake))
    gap = means[0] - means[1]
    return gap @ gap + np.trace(first) + np.trace(second) - 2 * np.trace(linalg.sqrtm(first @ second)).real


def test_fid_is_that_of_the_matrix_root():
    assert frechet(REAL, FAKE).item() == pytest.approx(by_root(REAL, FAKE), rel=1e-9)


def test_fid_is_that_of_torchmetrics():
    peer = FrechetInceptionDistance(Rows())
    peer.update(REAL.double(), real=True)
    peer.update(FAKE.double(), real=False)
    assert frechet(REAL, FAKE).item() == pytest.approx(peer.compute().item(), rel=1e-6)


@pytest.mark.parametrize(
    ("fake", "distance"),
    [
        ([[-2, 0], [2, 0]], 2 + 8 - 2 * 4),  # variances 2 and 8 in the same direction
        ([[0, -2], [0, 2]], 2 + 8),  # in different ones
        ([[2, 5], [4, 5]], 9 + 25),  # the means alone
        ([[7, 0], [7, 0]], 49 + 2),  # nothing but one picture
    ],
)
def test_fid_of_two_samples_each_is_worked_out_by_hand(fake, distance):
    real = torch.tensor([[-1.0, 0], [1, 0]])
    assert frechet(real, torch.tensor(fake).float()).item() == pytest.approx(distance, abs=1e-12)


def test_fid_of_fewer_samples_than_features_is_that_of_the_samples_own_space():
    real, fake = draw(20, 6), draw(15, 6, seed=1, shift=0.3)
    turn = torch.linalg.qr(torch.randn(40, 40, generator=torch.Generator().manual_seed(2)).double()).Q[:6]
    wide = frechet(real.double() @ turn, fake.double() @ turn)
    assert wide.item() == pytest.approx(by_root(real, fake), rel=1e-9)
    few = frechet(real[:5].double() @ turn, fake.double() @ turn)
    assert few.item() == pytest.approx(frechet(real[:5], fake).item(), rel=1e-9)


def test_features_that_never_vary_or_repeat_others_leave_fid_as_it_is():
    alike = [torch.cat([part, part[:, :3], torch.zeros(len(part), 2)], 1) for part in (REAL, FAKE)]
    weighed = [part * torch.tensor([2**0.5] * 3 + [1.0] * 13) for part in (REAL, FAKE)]
    assert frechet(*alike).item() == pytest.approx(by_root(*weighed), rel=1e-6)


@pytest.mark.parametrize("rank", [6, 15])
@pytest.mark.parametrize("seed", range(4))  # noise of either sign
def test_directions_in_which_one_set_never_varies_add_no_noise(rank, seed):
    real, fake = draw(300, rank, seed).double(), draw(250, 16, seed + 10).double()
    turn = torch.randn(rank, 16, generator=torch.Generator().manual_seed(seed)).double()
    covariances = [np.cov(part.numpy(), rowvar=False) for part in (real, fake @ turn.T)]
    root = np.trace(linalg.sqrtm(covariances[0] @ covariances[1])).real  # rank × rank
    gap = (real @ turn).mean(0) - fake.mean(0)
    told = gap.square().sum() + (real @ turn).var(0).sum() + fake.var(0).sum() - 2 * root
    assert frechet(real @ turn, fake).item() == pytest.approx(told.item(), rel=1e-12)


@pytest.mark.parametrize("count", [2, 5, 16, 17, 300])
def test_a_set_with_itself_has_fid_0_whichever_rank_its_covariance_has(count):
    for part in (draw(count, 16), draw(count, 16).clamp(min=1), 1e4 + draw(count, 16), torch.ones(count, 16)):
        assert 0 <= frechet(part, part).item() <= 1e-12 * part.double().square().sum().item()


@pytest.mark.filterwarnings("ignore:Metric .* will save all extracted features")
def test_kid_is_that_of_torchmetrics_on_the_whole_set():
    peer = KernelInceptionDistance(Rows(), subsets=1, subset_size=250)
    peer.set_dtype(torch.double)
    peer.update(REAL[:250].double(), real=True)
    peer.update(FAKE.double(), real=False)
    assert kernel(REAL[:250], FAKE).item() == pytest.approx(peer.compute()[0].item(), rel=1e-6)


def test_kid_is_the_mean_over_pairs_that_a_loop_finds():
    real, fake = draw(9, 4), draw(7, 4, seed=1)

    def mean(first, second, own):
        values = [
            float(x.double() @ y.double() / 4 + 1) ** 3
            for i, x in enumerate(first)
            for j, y in enumerate(second)
            if not (own and i == j)
        ]
        return sum(values) / len(values)

    told = mean(real, real, True) + mean(fake, fake, True) - 2 * mean(real, fake, False)
    assert kernel(real, fake).item() == pytest.approx(told, rel=1e-12)


def test_a_kid_below_0_is_given_as_it_is():
    points = line(0, 1)  # kernel: 1 between the two, 1 and 8 of each with itself
    assert kernel(points, points).item() == 1 + 1 - 2 * (1 + 1 + 1 + 8) / 4


@pytest.mark.filterwarnings("ignore:Metric .* will save all extracted features", "ignore:std")
def test_inception_score_is_that_of_torchmetrics_in_one_split():
    logits = 3 * draw(200, 16)
    peer = InceptionScore(Rows(), splits=1)
    peer.update(logits.double())
    assert inception_score(logits.softmax(1)).item() == pytest.approx(peer.compute()[0].item(), rel=1e-6)


def test_inception_score_goes_from_1_to_the_number_of_classes():
    assert inception_score(torch.eye(5).repeat(3, 1)).item() == pytest.approx(5)
    assert inception_score(torch.eye(5)[:1].repeat(3, 1)).item() == pytest.approx(1)
    assert inception_score(torch.full((3, 5), 0.2)).item() == pytest.approx(1)


def test_points_on_a_line_are_counted_by_hand():
    real, fake = line(0, 1, 3, 7), line(1.5, 2, 20, 21)
    # k 1: real reach 1, 1, 2, 4; the generated 0.5, 0.5, 1, 1
    found = pairs(real, fake, k=1, dense_k=1)
    assert found.precision == 2 / 4  # 1.5 and 2
    assert found.recall == 1 / 4  # 1 alone, at the very end of 1.5's reach
    assert found.density == 3 / 4  # 1 reaches 1.5, 3 reaches 1.5 and 2; 2 is just out of 1's reach
    assert found.coverage == 2 / 4
    # k 2: real reach 3, 2, 3, 6
    assert pairs(real, fake, dense_k=2).density == (2 + 2 + 2 + 2) / (2 * 4)


def brute(real, fake, k, dense_k):
    real, fake = real.double().tolist(), fake.double().tolist()

    def reach(points, k):
        return [sorted(np.linalg.norm(np.subtract(x, y)) for y in points)[k] for x in points]

    def gaps(k, of):
        return [
            [np.linalg.norm(np.subtract(x, y)) - r for y in (fake if of is real else real)]
            for x, r in zip(of, reach(of, k), strict=True)
        ]

    own, other, dense = np.array(gaps(k, real)), np.array(gaps(k, fake)), np.array(gaps(dense_k, real))
    return [
        (own <= 0).any(0).mean(),
        (other <= 0).any(0).mean(),
        (dense < 0).sum(0).mean() / dense_k,
        (dense < 0).any(1).mean(),
    ]


@pytest.mark.parametrize(("k", "dense_k"), [(3, 5), (1, 2), (5, 3)])
def test_neighbours_are_those_that_a_loop_counts(k, dense_k):
    real, fake = draw(40, 3), draw(30, 3, seed=1, shift=0.5)
    found = pairs(real, fake, k, dense_k)
    assert [part.item() for part in found[1:]] == pytest.approx(brute(real, fake, k, dense_k), abs=1e-12)


def test_a_set_with_itself_is_precise_whole_and_of_density_1():
    assert [part.item() for part in pairs(REAL, REAL)[1:]] == pytest.approx([1, 1, 1, 1])


def test_copies_are_inside_one_another_though_nothing_is_between():
    real = REAL[:4].repeat(6, 1)
    noise = 1e-7 * draw(24, 16, seed=3)  # what a batch of another size makes of equal pictures
    found = pairs(real, real + noise)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert pairs(torch.ones(8, 3), torch.ones(8, 3)).coverage == 1
    assert pairs(torch.zeros(8, 3), torch.zeros(8, 3)).coverage == 1


def test_a_k_beyond_the_set_is_lowered_to_all_others():
    real, fake = line(0, 1, 2), line(0.5, 4, 9)
    assert pairs(real, fake, 3, 5) == pairs(real, fake, 2, 2)
    assert pairs(real[:2], fake, 3, 5) == pairs(real[:2], fake, 1, 1)
    assert pairs(real, fake[:2], 3, 5) == pairs(real, fake[:2], 1, 1)


def test_blocks_leave_no_seam(monkeypatch):
    whole = pairs(REAL, FAKE)
    monkeypatch.setattr(quality, "_BLOCK", 7 * 250)
    cut = pairs(REAL, FAKE)
    assert cut.kid.item() == pytest.approx(whole.kid.item(), rel=1e-10)
    assert cut[1:] == whole[1:]


@pytest.mark.parametrize("score", [frechet, kernel, pairs])
def test_one_sample_is_refused(score):
    for sets in ((REAL[:1], FAKE), (REAL, FAKE[:1])):
        with pytest.raises(ValueError, match="1 samples: must be at least 2"):
            score(*sets)
