"""Residual generator and critic: sizes, gradients, samples that do not depend on each other."""

import pytest
import torch

from crossmedia.nets.resgan import ResDiscriminator, ResGenerator


def test_latents_become_pictures_of_the_asked_size_and_gradients_reach_every_weight():
    torch.manual_seed(0)
    net = ResGenerator(16, channels=1, latent_dim=5, width=6)
    pictures = net(torch.randn(3, 5))
    assert pictures.shape == (3, 1, 16, 16) and pictures.abs().max() <= 1
    pictures.square().sum().backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None
        idle = name.startswith("blocks") and name.endswith(("0.bias", "1.bias", "skip.bias"))
        if "norms" in name or not idle:  # a norm that follows takes a bias out again
            assert weight.grad.abs().sum() > 1e-2, name


@pytest.mark.parametrize("norm", ["spectral", "none"])
def test_pictures_become_a_score_each_and_gradients_reach_every_weight(norm):
    torch.manual_seed(0)
    net = ResDiscriminator(channels=1, width=6, norm=norm)
    scores = net(torch.randn(3, 1, 16, 16))
    assert scores.shape == (3,)
    scores.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters())


@pytest.mark.parametrize("net", [ResGenerator(8, 1, 4, 6), ResDiscriminator(1, 6)])
def test_a_sample_alone_is_as_in_a_batch(net):
    inputs = torch.randn(3, 4) if isinstance(net, ResGenerator) else torch.randn(3, 1, 8, 8)
    net(inputs)
    net.eval()
    torch.testing.assert_close(
        net(inputs), torch.cat([net(row[None]) for row in inputs]), atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("size", [4, 24])
def test_a_size_that_no_doubling_makes_is_refused(size):
    with pytest.raises(ValueError, match=rf"^image_size {size}: must be 8, 16, 32, …"):
        ResGenerator(size)
