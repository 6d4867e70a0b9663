import math

import pytest
import torch

from crossmedia.nets.source import HISS, Source

RATE, HOP = 8_000, 80


def saying(hertz, voiced=30.0, harmonics=3):
    """A source that reads the pitch (T,) from the only bin of its mels, whatever that is."""
    source = Source(1, HOP, RATE, harmonics).eval()
    source.pitch = lambda mels: (mels[..., 0].log(), torch.full_like(mels[..., 0], voiced))
    return source, torch.as_tensor(hertz)[None, :, None]


def test_harmonics_are_sines_of_the_multiples_of_the_pitch():
    source, mels = saying([100.0] * 5)
    *found, _ = source(mels)[0]
    turns = torch.arange(1, 401) / 80  # a period of 80 samples
    for number, sine in enumerate(found, 1):
        assert torch.allclose(sine, (2 * math.pi * number * turns).sin(), atol=1e-4)


def test_what_is_above_half_the_sample_rate_is_left_out():
    source, mels = saying([450.0] * 4, harmonics=10)
    loud = source(mels)[0, :-1].abs().amax(1) > 0
    assert loud.tolist() == [True] * 8 + [False] * 2


def test_without_a_voice_there_is_noise_alone_and_always_the_same_outside_training():
    source, mels = saying([100.0] * 20, voiced=-40.0)
    first, again = source(mels)[0], source(mels)[0]
    assert first[:-1].abs().max() < 1e-6 and first[-1].std().item() == pytest.approx(HISS, rel=0.1)
    assert torch.equal(first, again)
    assert not torch.equal(source.train()(mels)[0, -1], again[-1])


def test_a_pitch_that_glides_never_jumps_in_phase():
    source, mels = saying(torch.linspace(80.0, 300.0, 50), harmonics=1)
    sine = source(mels)[0, 0]
    assert sine.diff().abs().max() < 2 * math.pi * 300 / RATE


def test_a_clip_has_the_same_source_alone_and_followed_by_others():
    torch.manual_seed(0)
    source = Source(4, HOP, RATE).eval()
    mels = torch.randn(2, 30, 4)
    both = source(mels)
    assert torch.allclose(both[1:], source(mels[1:]), atol=1e-3)  # roundings add up
    clear = int((19 - source.context) * HOP)  # its pitch sees nothing of what was cut off
    assert torch.allclose(both[..., :clear], source(mels[:, :20])[..., :clear], atol=1e-3)


def test_the_pitch_learns_from_itself_alone():
    source = Source(4, HOP, RATE)
    assert not source(torch.randn(1, 6, 4)).requires_grad
    assert all(found.requires_grad for found in source.pitch(torch.randn(1, 6, 4)))
