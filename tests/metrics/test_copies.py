"""How near a copy comes to its sound; of STOI and PESQ, which are their packages', what reaches them."""

import math

import pystoi
import pytest
import torch
from spoken import SAID

from crossmedia.audio.speak import speak
from crossmedia.losses.spectral import MultiResolutionSTFT
from crossmedia.metrics import copies
from crossmedia.metrics.copies import CopyQuality

RATE = 16_000


@pytest.fixture(scope="module")
def clip():
    (sound,) = speak(SAID[:1], RATE)
    return torch.from_numpy(sound).float() / 2**15


def scored(made, real, quality=None):
    quality = quality or CopyQuality(RATE)
    quality.update(made, real)
    return {name: metric.compute().item() for name, metric in quality.scores().items()}


def test_a_copy_is_scored_by_its_measures(clip):
    made = clip + 0.02 * torch.randn(len(clip))
    found = scored([made], [clip])
    assert found["stoi"] == pytest.approx(pystoi.stoi(clip.numpy(), made.numpy(), RATE), abs=1e-6)
    assert found["stft"] == pytest.approx(
        MultiResolutionSTFT()(made[None], clip[None], torch.tensor([len(clip)])).item()
    )


def test_an_exact_copy_is_perfect_and_nothing_is_the_worst(clip):
    found = scored([clip], [clip])
    assert found["stft"] == 0 and found["stoi"] == pytest.approx(1)
    empty, silent = scored([clip[:0]], [clip]), scored([0 * clip], [clip])
    assert empty == silent and silent["stoi"] == 0 and silent["stft"] > 1
    assert silent["voicing_error"] > 0.3 and silent["f0_error"] == 0


def test_a_copy_that_is_higher_has_an_error_of_pitch_and_one_without_a_voice_of_voicing():
    seconds = torch.arange(RATE) / RATE
    low, high = ((2 * torch.pi * hertz * seconds).sin() for hertz in (200.0, 200.0 * 2 ** (1 / 12)))
    found = scored([high], [low])
    assert found["f0_error"] == pytest.approx(100, abs=3) and found["voicing_error"] == 0
    found = scored([0.1 * torch.randn(RATE)], [low])
    assert found["voicing_error"] > 0.9


def test_a_longer_copy_is_cut_and_a_shorter_one_filled_with_silence(clip):
    longer = torch.cat([clip, clip])
    assert scored([longer], [clip]) == scored([clip], [clip])
    shorter = clip[: len(clip) // 2]
    assert scored([shorter], [clip]) == scored([torch.cat([shorter, 0 * clip])], [clip])


def test_real_sounds_that_cannot_be_compared_are_left_out(clip):
    whole = scored([clip], [clip])
    assert scored([clip, clip], [clip, torch.zeros(9_000)]) == pytest.approx(whole)
    short = scored([clip, clip[:3_000]], [clip, clip[:3_000]])  # too short for STOI alone
    assert short == pytest.approx(whole)
    assert all(map(math.isfinite, scored([clip], [torch.zeros(100)]).values()))


def test_what_cannot_be_computed_is_named(monkeypatch):
    monkeypatch.setattr(copies, "find_spec", lambda name: None)
    quality = CopyQuality(RATE)
    assert quality.missing == {
        "stoi": "needs pystoi: pip install pystoi",
        "pesq": "needs pesq: pip install pesq",
    }
    assert list(quality.scores()) == ["stft", "f0_error", "voicing_error"]


def test_pesq_is_asked_for_at_its_two_rates_alone(monkeypatch, clip):
    monkeypatch.setattr(copies, "find_spec", lambda name: True)
    assert CopyQuality(22_050).missing == {"pesq": "needs 8000 or 16000 Hz, not 22050"}
    asked = []

    def pesq(made, real, rate, mode):
        asked.append((rate, mode, torch.equal(real, clip)))
        if len(asked) > 2:
            raise RuntimeError("No utterances detected")
        return torch.tensor(3.0)

    monkeypatch.setattr(copies, "perceptual_evaluation_speech_quality", pesq)
    wide, narrow = CopyQuality(RATE), CopyQuality(8_000)
    assert scored([clip, 0 * clip], [clip, clip], wide)["pesq"] == 2  # (3 + 1) / 2
    assert scored([clip], [clip], narrow)["pesq"] == 3
    assert scored([clip], [clip], narrow)["pesq"] == 3  # left out, as no one speaks
    assert asked == [(RATE, "wb", True), (8_000, "nb", True), (8_000, "nb", True)]


def test_pesq_is_that_of_its_package(clip):
    theirs = pytest.importorskip("pesq", reason="pesq builds where there is a C compiler: pip install pesq")
    made = clip + 0.02 * torch.randn(len(clip), generator=torch.Generator().manual_seed(0))
    assert scored([made], [clip])["pesq"] == pytest.approx(
        theirs.pesq(RATE, clip.numpy(), made.numpy(), "wb"), abs=1e-5
    )
    assert scored([clip], [clip])["pesq"] > 4.6
