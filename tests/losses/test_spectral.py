"""The distance of spectra, by hand and under padding."""

import math

import pytest
import torch

from crossmedia.losses.spectral import MultiResolutionSTFT

SMALL = [(64, 16, 48), (32, 8, 32)]


def sounds(*samples):
    return [0.3 * torch.randn(count, generator=torch.Generator().manual_seed(count)) for count in samples]


def lens(*samples):
    return torch.tensor(samples)


def test_half_as_loud_by_hand():
    """‖Y - Y/2‖ / ‖Y‖ = ½ at every size, and log 2 in every cell."""
    (real,) = sounds(4_000)
    found = MultiResolutionSTFT()(real[None] / 2, real[None], lens(4_000))
    assert found.tolist() == pytest.approx([0.5 + math.log(2)], rel=1e-4)


def test_two_samples_by_hand():
    """Frames of two samples under a Hann window (0, 1): the spectrum of each is its last sample's size."""
    made, real = torch.tensor([[0.0, 0.1, 0.4]]), torch.tensor([[0.0, 0.3, 0.4]])
    found = MultiResolutionSTFT([(2, 1, 2)])(made, real, lens(3))
    floor = math.sqrt(1e-7)
    cells = 8  # of four frames, middles on samples 0 to 3, two frequencies each
    apart = math.sqrt(2 * 0.2**2) / math.sqrt(2 * (0.3**2 + 0.4**2 + 2 * floor**2))
    assert found.item() == pytest.approx(apart + 2 * math.log(3) / cells, rel=1e-4)


def test_equal_sounds_are_no_distance_apart_and_the_sizes_are_averaged():
    made, real = torch.stack(sounds(900, 900)) * torch.tensor([[1.0], [0.7]])
    assert MultiResolutionSTFT()(real[None], real[None], lens(900)).item() == 0
    each = [MultiResolutionSTFT([sizes])(made[None], real[None], lens(900)).item() for sizes in SMALL]
    assert MultiResolutionSTFT(SMALL)(made[None], real[None], lens(900)).item() == pytest.approx(
        sum(each) / 2
    )


@pytest.mark.parametrize("samples", [1, 16, 333])
def test_padding_changes_nothing(samples):
    distance, (made, real) = MultiResolutionSTFT(SMALL), [sound[:samples] for sound in sounds(334, 335)]
    batch = torch.randn(2, 3, 700)  # what lies behind the end does not count
    batch[0, 1, :samples], batch[1, 1, :samples] = made, real
    found = distance(*batch, lens(700, samples, 5))
    alone = distance(made[None], real[None], lens(samples))
    assert found[1].item() == pytest.approx(alone.item(), rel=1e-5)


def test_gradients_are_finite_where_all_is_equal_or_silent():
    (real,) = sounds(500)
    for made in (real[None].clone(), torch.zeros(1, 500)):
        made.requires_grad_()
        MultiResolutionSTFT(SMALL)(made, real[None], lens(500)).sum().backward()
        assert made.grad is not None and made.grad.isfinite().all()


def test_a_step_down_the_gradient_comes_nearer():
    made, real = torch.stack(sounds(501, 502)[:1] * 2) * torch.tensor([[0.2], [1.0]])
    made = made[None].requires_grad_()
    before = MultiResolutionSTFT(SMALL)(made, real[None], lens(501))
    before.sum().backward()
    after = MultiResolutionSTFT(SMALL)((made - 0.1 * made.grad).detach(), real[None], lens(501))
    assert after < before


def test_silence_and_nothing_have_numbers():
    distance, real = MultiResolutionSTFT(SMALL), torch.stack(sounds(500))
    assert 1 < distance(0 * real, real, lens(500)).item() < 20
    assert distance(0 * real, 0 * real, lens(500)).item() == 0
    assert distance(real, real, lens(0)).item() == 0


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([], r"resolutions \[\]: must be one or more"),
        ([(512, 0, 512)], "hop_length 0: must be at least 1"),
        ([(512, 128, 513)], "win_length 513: must be at most n_fft 512"),
    ],
)
def test_sizes_that_do_not_fit_are_named(sizes, said):
    with pytest.raises(ValueError, match=said):
        MultiResolutionSTFT(sizes)
