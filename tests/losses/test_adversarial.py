"""Values worked out by hand."""

import math

import pytest
import torch

from crossmedia.losses.adversarial import discriminator_loss, generator_loss, gradient_penalty, r1_penalty

REAL, FAKE = torch.tensor([0.5, 2.0]), torch.tensor([-3.0, 1.0])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("hinge", (0.5 + 0.0) / 2 + (0.0 + 2.0) / 2),
        ("wgan_gp", -1.0 - 1.25),
        (
            "non_saturating",
            (math.log(1 + math.exp(-0.5)) + math.log(1 + math.exp(-2))) / 2
            + (math.log(1 + math.exp(-3)) + math.log(1 + math.exp(1))) / 2,
        ),
    ],
)
def test_the_discriminators_loss(kind, value):
    assert discriminator_loss(kind, REAL, FAKE).item() == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("hinge", 1.0),
        ("wgan_gp", 1.0),
        ("non_saturating", (math.log(1 + math.exp(3)) + math.log(1 + math.exp(-1))) / 2),
    ],
)
def test_the_generators_loss(kind, value):
    assert generator_loss(kind, FAKE).item() == pytest.approx(value, rel=1e-6)


def linear(weights):
    return lambda images: (images * weights).sum((1, 2, 3))


def test_the_penalty_is_the_squared_distance_of_the_slope_from_one():
    weights = torch.tensor([3.0, 4.0]).view(1, 1, 1, 2)  # a slope of 5 everywhere
    real, fake = torch.randn(4, 1, 1, 2), torch.randn(4, 1, 1, 2)
    assert gradient_penalty(linear(weights), real, fake).item() == pytest.approx(16.0)


def test_the_penalty_is_taken_between_the_real_and_the_made():
    seen = []

    def judge(images):
        seen.append(images.detach())
        return images.square().sum((1, 2, 3))

    gradient_penalty(judge, torch.zeros(64, 1, 1, 2), torch.ones(64, 1, 1, 2))
    (between,) = seen
    assert between.min() >= 0 and between.max() <= 1 and len(between[:, 0, 0, 0].unique()) == 64
    assert torch.equal(between[..., 0], between[..., 1])  # one point on each line


def test_r1_is_half_the_squared_slope_at_the_real():
    weights = torch.tensor([3.0, 4.0]).view(1, 1, 1, 2)
    assert r1_penalty(linear(weights), torch.randn(4, 1, 1, 2)).item() == pytest.approx(12.5)


def test_penalties_move_the_discriminator():
    weights = torch.tensor([3.0, 4.0]).view(1, 1, 1, 2).requires_grad_(True)
    r1_penalty(linear(weights), torch.randn(4, 1, 1, 2)).backward()
    assert weights.grad is not None and torch.allclose(weights.grad.flatten(), torch.tensor([3.0, 4.0]))


def test_of_several_judges_the_penalty_is_that_of_their_mean():
    weights = torch.tensor([3.0, 4.0]).view(1, 1, 1, 2)

    def judges(images):
        return torch.stack([linear(weights)(images), linear(3 * weights)(images)], 1)  # on average 2 weights

    assert r1_penalty(judges, torch.randn(4, 1, 1, 2)).item() == pytest.approx(50.0)
    assert discriminator_loss("hinge", torch.stack([REAL, REAL], 1), torch.stack([FAKE, FAKE], 1)) == 1.25
