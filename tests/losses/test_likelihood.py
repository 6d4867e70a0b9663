"""Likelihoods of pixels and latents beside values worked out by hand and by torch's distributions."""

from math import exp, log, pi

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from crossmedia.losses.likelihood import (
    bernoulli,
    discretised_logistic,
    gaussian,
    gaussian_kl,
    importance_weighted,
)

LEVELS = torch.arange(256) / 127.5 - 1  # the 8-bit pixels in [-1, 1]


def sigmoid(x):
    return 1 / (1 + exp(-x))


@pytest.mark.parametrize(
    ("mean", "log_scale"), [(0.0, -3.0), (0.9, -7.0), (-2.0, -5.0), (3.0, 0.0), (0.1, 2.0)]
)
def test_the_256_levels_share_a_probability_of_1(mean, log_scale):
    found = discretised_logistic(LEVELS, torch.tensor(mean), torch.tensor(log_scale))
    assert found.exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_a_pixel_has_the_mass_between_the_edges_of_its_bin():
    mean, scale = 0.1, exp(-2)
    pixel = LEVELS[150].item()  # 0.176
    mass = sigmoid((pixel + 1 / 255 - mean) / scale) - sigmoid((pixel - 1 / 255 - mean) / scale)
    found = discretised_logistic(LEVELS[150], torch.tensor(mean), torch.tensor(-2.0))
    assert found.item() == pytest.approx(log(mass), abs=1e-4)


def test_black_and_white_have_all_that_lies_beyond():
    mean, scale = torch.tensor([0.2, 0.2]), torch.tensor([0.0, 0.0])
    found = discretised_logistic(torch.tensor([-1.0, 1.0]), mean, scale)
    assert found.tolist() == pytest.approx(
        [log(sigmoid(-1 + 1 / 255 - 0.2)), log(1 - sigmoid(1 - 1 / 255 - 0.2))], abs=1e-5
    )


def test_a_pixel_far_off_is_improbable_but_no_infinity_and_its_gradient_is_finite():
    mean, log_scale = torch.tensor(1.0, requires_grad=True), torch.tensor(-20.0, requires_grad=True)
    found = discretised_logistic(LEVELS[10], mean, log_scale)
    found.backward()
    assert -3000 < found.item() < -1000  # the scale is no less than exp(-7)
    assert mean.grad is not None and mean.grad < 0 and torch.isfinite(mean.grad)


def test_a_bernoulli_pixel_is_white_above_the_middle():
    logits = torch.tensor([2.0, 2.0, -1.0])
    pixels = torch.tensor([1.0, -1.0, 0.3])
    expected = Bernoulli(logits=logits).log_prob(torch.tensor([1.0, 0.0, 1.0]))
    torch.testing.assert_close(bernoulli(pixels, logits), expected)


def test_the_gaussian_s_density_and_kl_are_those_of_torch():
    mean, log_variance, point = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    mine, prior = Normal(mean, (0.5 * log_variance).exp()), Normal(torch.zeros(4, 5), 1)
    torch.testing.assert_close(gaussian(point, mean, log_variance), mine.log_prob(point))
    torch.testing.assert_close(gaussian_kl(mean, log_variance), kl_divergence(mine, prior))
    assert gaussian(torch.zeros(1), torch.zeros(1), torch.zeros(1)).item() == pytest.approx(
        -0.5 * log(2 * pi)
    )


def test_the_kl_of_a_case_worked_out_by_hand():
    found = gaussian_kl(torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, log(4)]))
    assert found.tolist() == pytest.approx([0, 0.5, 0.5 * (4 - 1 - log(4))])


def test_the_importance_weighted_bound_is_the_log_of_the_mean_weight():
    weights = torch.tensor([[log(1.0), log(3.0)], [-2000.0, -2000.0]])
    assert importance_weighted(weights).tolist() == pytest.approx([log(2), -2000])
    assert importance_weighted(weights[:, :1]).tolist() == pytest.approx([0, -2000], abs=1e-6)
