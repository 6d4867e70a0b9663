"""A GAN of a few weights on pictures that are all light, scored by their colours."""

import functools
from typing import Any

import torch
from torch import Tensor, nn

from crossmedia.data.batches import ImageBatch, Meta
from crossmedia.metrics.features import Features
from crossmedia.nets.dcgan import Discriminator, Generator
from crossmedia.tasks.gan import GAN


class Colours(nn.Module):
    """The mean of each channel, and whether a picture is light."""

    name = "colours"

    def forward(self, images: Tensor) -> Features:
        mean = images.expand(-1, 3, -1, -1).mean((2, 3))
        light = torch.sigmoid(20 * mean.mean(1, keepdim=True))
        return Features(mean, torch.cat((light, 1 - light), 1))


class Data:
    """Sixty pictures in each split that are all light, others in each."""

    def split(self, name):
        return range(60)

    def pictures(self, split, places):
        number = ("train", "val", "test").index(split)
        noise = torch.randn(60, 1, 8, 8, generator=torch.Generator().manual_seed(number))
        yield 0.5 + 0.01 * (number + 1) * noise[[*places]]


def gan(**more: Any) -> GAN:
    torch.manual_seed(0)
    optimizer = functools.partial(torch.optim.Adam, lr=2e-3, betas=(0.5, 0.9))
    norm = more.pop("norm", "none")
    model = GAN(
        Generator(8, 1, 4, [8, 8]),
        Discriminator(8, 1, [8, 8], norm),
        Meta(),
        optimizer,
        optimizer,
        more.pop("features", Colours()),
        **more,
    )
    model.data = Data()
    return model.eval()


def batch_of(count, valid=None, first=0):
    pictures = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(first)) * 0.1 + 0.4
    valid = torch.ones(count, dtype=torch.bool) if valid is None else torch.tensor(valid)
    return ImageBatch(pictures, valid, [f"test-{first + row}" for row in range(count)])


def scored(model, *batches, split="test"):
    logged = {}
    model.log = lambda name, value: logged.update({name: float(value)})
    model.forget()
    with torch.no_grad():
        for batch in batches:
            model.score(batch, split)
        model._log_quality(split)
    return logged


def learnt(model, batch, right, steps):
    """How far made pictures lie from what is right before any step, and over the last 30: a game goes to and
    fro, so that one moment would be chance."""
    model.train().setup("fit")
    optimizers = [torch.optim.Adam(weights, lr=5e-3, betas=(0.5, 0.9)) for weights in model._weights]

    def away():
        with torch.no_grad():
            return (model.net(*model.starts.beside(batch)) - right).abs().mean().item()

    found = [away()]
    for _ in range(steps):
        for phase, optimizer in zip(model._phases, optimizers, strict=True):
            optimizer.zero_grad()
            phase.loss(batch).backward()
            optimizer.step()
        found.append(away())
    return found[0], sum(found[-30:]) / 30
