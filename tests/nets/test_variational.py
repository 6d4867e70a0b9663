"""Nets of VAEs: latents of a picture, the pixels' numbers that they become, noise."""

import pytest
import torch

from crossmedia.nets.variational import ConvVAE, DenseVAE

TINY = {"widths": (4, 8), "blocks": 1}


def vae(**more):
    return ConvVAE(8, **{**TINY, "latents": 3, **more})


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (vae(), (3,)),
        (vae(bottleneck="grid"), (3, 2, 2)),
        (DenseVAE(8, 3, (6,), (6, 6), latents=3, outputs=2), (3,)),
    ],
)
def test_a_picture_becomes_flat_latents_and_they_two_numbers_a_pixel_channel(net, shape):
    assert net.latent_shape == shape and net.latents == torch.Size(shape).numel()
    mean, log_variance = net.encode(torch.randn(2, 3, 8, 8))
    assert mean.shape == log_variance.shape == (2, net.latents)
    assert net.decode(mean).shape == (2, 6, 8, 8)


@pytest.mark.parametrize("net", [vae(), vae(bottleneck="grid"), DenseVAE(8, 3, (6,), (6, 6), outputs=2)])
def test_every_parameter_gets_a_gradient(net):
    numbers, mean, log_variance = net(torch.randn(4, 3, 8, 8), torch.randn(4, net.latents))
    (numbers.square().sum() + mean.sum() + log_variance.sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_noise_is_added_by_the_deviation_that_the_picture_has():
    net, images, noise = vae(), torch.randn(2, 3, 8, 8), torch.randn(2, 3)
    numbers, mean, log_variance = net(images, noise)
    torch.testing.assert_close(numbers, net.decode(mean + log_variance.exp().sqrt() * noise))
    assert not torch.equal(net(images, -noise)[0], numbers)


@pytest.mark.parametrize("bottleneck", ["dense", "grid"])
def test_a_picture_s_latents_are_its_own_whatever_shares_its_batch(bottleneck):
    net, images = vae(bottleneck=bottleneck), torch.randn(3, 3, 8, 8)
    whole, alone = net.encode(images)[0][1:2], net.encode(images[1:2])[0]
    torch.testing.assert_close(whole, alone)
    torch.testing.assert_close(net.decode(alone), net.decode(net.encode(images)[0])[1:2])


def test_under_autocast_the_last_layer_keeps_the_levels_of_a_pixel_apart():
    net = vae()
    with torch.autocast("cpu", torch.bfloat16):
        numbers = net.decode(torch.randn(2, 3))
        mean, _ = net.encode(torch.randn(2, 3, 8, 8))
    assert numbers.dtype == mean.dtype == torch.float32
    assert not torch.equal(numbers, numbers.bfloat16().float())


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"image_size": 10}, "image_size 10: must be a multiple of 4"),
        ({"latents": 0}, "latents 0: must be at least 1"),
        ({"outputs": 0}, "outputs 0: must be at least 1"),
        ({"bottleneck": "wide"}, "bottleneck wide: must be one of dense, grid"),
    ],
)
def test_a_value_that_cannot_be_is_refused(given, fault):
    with pytest.raises(ValueError, match=fault):
        ConvVAE(**{"image_size": 8, **TINY, **given})
