"""The encoder and the decoder of pictures: sizes of their grids, layout, what cannot be."""

import pytest
import torch

from crossmedia.nets.autoencoder import Decoder, Encoder, Residual

TINY = {"widths": (4, 8), "blocks": 1}


@pytest.mark.parametrize(("size", "widths", "side"), [(8, (4,), 4), (28, (4, 4), 7), (64, (4, 4, 4), 8)])
def test_a_level_halves_the_side_and_the_decoder_gives_it_back(size, widths, side):
    images = torch.randn(2, 1, size, size)
    features = Encoder(size, 1, widths, blocks=1, dim=5)(images)
    assert features.shape == (2, 5, side, side)
    assert Decoder(size, 2, widths, blocks=1, dim=5)(features).shape == (2, 2, size, size)


def test_channels_last_gives_the_same_and_keeps_the_layout():
    encoder, images = Encoder(8, **TINY), torch.randn(2, 3, 8, 8)
    plain = encoder(images)
    encoder, images = (part.to(memory_format=torch.channels_last) for part in (encoder, images))
    torch.testing.assert_close(encoder(images), plain)
    assert encoder(images).is_contiguous(memory_format=torch.channels_last)


def test_every_parameter_gets_a_gradient():
    encoder, decoder = Encoder(8, **TINY), Decoder(8, **TINY)
    decoder(encoder(torch.randn(2, 3, 8, 8))).square().sum().backward()
    for net in (encoder, decoder):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_a_block_begins_near_its_input():
    torch.manual_seed(0)
    x = torch.randn(2, 8, 4, 4)
    assert (Residual(8)(x) - x).abs().mean() < 0.1 * x.abs().mean()


def test_under_autocast_the_last_layer_keeps_the_levels_of_a_pixel_apart():
    with torch.autocast("cpu", torch.bfloat16):
        pixels = Decoder(8, **TINY)(torch.randn(2, 64, 2, 2))
    assert pixels.dtype == torch.float32 and not torch.equal(pixels, pixels.bfloat16().float())


@pytest.mark.parametrize("net", [Encoder, Decoder])
@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"image_size": 10}, "image_size 10: must be a multiple of 4"),
        ({"widths": ()}, r"widths \[\]: must be one or more numbers"),
        ({"widths": (4, 0)}, r"widths \[4, 0\]: must be at least 1 each"),
        ({"blocks": -1}, "blocks -1: must be at least 0"),
        ({"dim": 0}, "dim 0: must be at least 1"),
    ],
)
def test_a_value_that_cannot_be_is_refused(net, given, fault):
    with pytest.raises(ValueError, match=fault):
        net(**{"image_size": 8, **TINY, **given})
