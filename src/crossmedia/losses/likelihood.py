"""Log-probabilities, in nats, of pictures under a decoder's output, and of latents under Gaussians.

Shapes: B batch, C channels, H W image size, D latents; `...` is any.
"""

import math

import torch.nn.functional as F
from torch import Tensor

HALF_BIN = 1 / 255  # half the distance between two of the 256 levels in [-1, 1]
LEAST_LOG_SCALE = -7.0  # (Salimans et al., 2017): below it the likelihood of one exact pixel runs away


def discretised_logistic(images: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Log-probability of each 8-bit pixel, (...): the logistic's mass in its bin (Kingma et al., 2016).

    All in [-1, 1]; the two outermost bins reach to infinity (Salimans et al., 2017, section 2.1), so that the
    256 sum to 1.
    """
    scale = log_scale.clamp(min=LEAST_LOG_SCALE)
    inverse, centred = (-scale).exp(), images - mean
    above = F.logsigmoid(
        inverse * (centred + HALF_BIN)
    )  # log-probability of no more than the bin's upper edge
    below = F.logsigmoid(-inverse * (centred - HALF_BIN))  # of no less than its lower edge
    width = (-(-2 * HALF_BIN * inverse).expm1()).log()
    # σ(a) - σ(b) = σ(a) σ(-b) (1 - exp(b - a)): exact, where a difference of sigmoids would cancel
    inner = above + below + width
    return inner.where(images > HALF_BIN - 1, above).where(images < 1 - HALF_BIN, below)


def bernoulli(images: Tensor, logits: Tensor) -> Tensor:
    """Log-probability of each pixel of black and white pictures, (...): one above 0 is white."""
    return -F.binary_cross_entropy_with_logits(logits, (images > 0).to(logits.dtype), reduction="none")


def gaussian(latents: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Log-density of each latent, (...), under a Gaussian of its own."""
    deviation = (latents - mean).square() * (-log_variance).exp()
    return -0.5 * (deviation + log_variance + math.log(2 * math.pi))


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL of each latent's Gaussian to the standard one, (..., D) (Kingma and Welling, 2014, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def importance_weighted(log_weights: Tensor) -> Tensor:
    """The bound of Burda et al. (2016), (B,), from K draws of log p(x, z) - log q(z | x), (B, K)."""
    return log_weights.logsumexp(1) - math.log(log_weights.shape[1])
