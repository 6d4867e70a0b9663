"""What the two players of a GAN minimise, and what keeps the discriminator smooth. B samples."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

Loss = Literal["non_saturating", "hinge", "wgan_gp"]
LOSSES = get_args(Loss)


def discriminator_loss(kind: Loss, real: Tensor, fake: Tensor) -> Tensor:
    """From the scores of real and made pictures, (B,), or (B, L) by several nets; the larger, the more real.

    Non-saturating (Goodfellow et al., 2014), hinge (Lim and Ye, 2017), Wasserstein (Arjovsky et al., 2017).
    """
    if kind == "non_saturating":
        return F.softplus(-real).mean() + F.softplus(fake).mean()
    if kind == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    return fake.mean() - real.mean()


def generator_loss(kind: Loss, fake: Tensor) -> Tensor:
    return F.softplus(-fake).mean() if kind == "non_saturating" else -fake.mean()


def gradient_penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """(‖∇D‖₂ - 1)² at random points between real and made pictures (Gulrajani et al., 2017)."""
    part = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    between = (part * real + (1 - part) * fake).detach().requires_grad_(True)
    return ((_gradient(discriminator, between).flatten(1).norm(dim=1) - 1) ** 2).mean()


def r1_penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """½ ‖∇D‖₂² at real pictures (Mescheder et al., 2018).

    The gradient is that of the sum of the batch's scores: under batch norm it is a picture's own only
    approximately, as each picture moves the others' scores a little, too.
    """
    real = real.detach().requires_grad_(True)
    return 0.5 * _gradient(discriminator, real).flatten(1).square().sum(1).mean()


def _gradient(discriminator: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Of each picture's score, the mean of its judges', by the pictures; itself differentiable."""
    scores = discriminator(images).reshape(len(images), -1).mean(1)
    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return gradient.float()
