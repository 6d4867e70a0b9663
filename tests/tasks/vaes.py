"""VAEs small enough to follow by hand."""

from functools import partial
from math import log

import torch
from torch import nn

from crossmedia.data.batches import ImageBatch, Meta
from crossmedia.images.transforms import ImageTransform
from crossmedia.nets.variational import ConvVAE
from crossmedia.tasks.vae import VAE

ADAM = partial(torch.optim.Adam, lr=1e-2)
PIXELS = 1 * 4 * 4
BITS = 1 / (log(2) * PIXELS)
IMAGES = (torch.randint(0, 256, (5, 1, 4, 4), generator=torch.Generator().manual_seed(0)) / 127.5 - 1).float()


class Fixed(nn.Module):
    """The latents of a picture are its first pixels; what they draw is one grey, the first latent's."""

    latents, latent_shape, outputs = 2, (2,), 2

    def __init__(self, log_variance=0.0, log_scale=-1.0):
        super().__init__()
        self.log_variance, self.log_scale = log_variance, nn.Parameter(torch.tensor(log_scale))

    def encode(self, images):
        mean = images.flatten(1)[:, :2]
        return mean, torch.full_like(mean, self.log_variance)

    def decode(self, latents):
        mean = latents[:, :1, None, None].expand(-1, 1, 4, 4)
        return torch.cat((mean, self.log_scale.expand_as(mean)), 1)

    def forward(self, images, noise):
        mean, log_variance = self.encode(images)
        return self.decode(mean + (0.5 * log_variance).exp() * noise), mean, log_variance


class Stub(nn.Module):
    """Reads two attributes: whether the picture is light, and nothing else, alike in all."""

    name = "stub"

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3))

    def agreement(self, images, others):
        light = images.mean((1, 2, 3)) > 0
        return 0.5 + 0.5 * (light == (others.mean((1, 2, 3)) > 0)).float()


def made(net=None, **more):
    return VAE(net or Fixed(), Meta(image=ImageTransform(4, 1)), ADAM, **more).eval()


def batch(images=IMAGES, valid=None, names="abcde"):
    valid = torch.ones(len(images), dtype=torch.bool) if valid is None else torch.tensor(valid)
    return ImageBatch(images, valid, list(names[: len(images)]))


def conv(**more):
    torch.manual_seed(0)
    return ConvVAE(4, 1, **{"widths": (8,), "blocks": 1, "latents": 4, **more})
