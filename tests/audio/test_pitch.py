"""The pitch of tones by their formula, of speech by the steps of YIN's paper, one frame after another."""

import numpy as np
import pytest
import torch
from sounds import tone
from spoken import SAID

from crossmedia.audio.mels import LogMel
from crossmedia.audio.pitch import Pitch
from crossmedia.audio.speak import speak

RATE, HOP = 16_000, 160


def pitch_of(waveform, **sizes):
    return Pitch(**sizes)(waveform[None], torch.tensor([len(waveform)]))[0]


def harmonics(hertz, rate=RATE, seconds=0.5):
    """Ten of them, as a larynx makes, each weaker than the one before."""
    parts = [tone(hertz * k, seconds, rate, peak=0.3 / k) for k in range(1, 11) if hertz * k < rate / 2]
    return torch.from_numpy(sum(parts[1:], parts[0]))


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050])
@pytest.mark.parametrize("hertz", [62.0, 100.3, 217.0, 333.3, 480.0])
def test_tones_have_their_pitch(hertz, rate):
    for sound in (torch.from_numpy(tone(hertz, 0.5, rate)), harmonics(hertz, rate)):
        found = pitch_of(sound, sample_rate=rate, hop_length=rate // 100)[5:-5]
        assert (1200 * (found / hertz).log2()).abs().max() < 10  # cents


def test_a_sweep_is_followed_frame_by_frame():
    seconds = torch.arange(RATE, dtype=torch.float64) / RATE
    sweep = torch.sin(2 * torch.pi * (100 * seconds + 100 * seconds**2)).float()  # from 100 to 300 Hz
    found = pitch_of(sweep)
    expected = 100 + 200 * torch.arange(len(found)) * HOP / RATE
    assert (1200 * (found / expected).log2()).abs()[5:-5].max() < 10


@pytest.mark.parametrize("samples", [1, 159, 160, 1_000, 5_001])
def test_there_are_as_many_frames_as_log_mels_and_padding_changes_none(samples):
    net, clip = Pitch(), harmonics(150)[:samples]
    batch = torch.full((3, 8_000), 0.5)
    batch[1, :samples] = clip
    found = net(batch, torch.tensor([8_000, samples, 0]))
    alone = pitch_of(clip)
    assert found.shape == LogMel()(batch).shape[:2] and len(alone) == 1 + samples // HOP
    assert torch.equal(found[1, : len(alone)], alone)
    assert not found[1, len(alone) :].any() and not found[2].any()
    assert alone.any() == (samples > 500)


def test_noise_silence_and_a_constant_are_unvoiced():
    for sound in (torch.randn(RATE), torch.zeros(4_000), torch.zeros(1)):
        assert not pitch_of(sound).any()
    assert not pitch_of(torch.full((4_000,), 0.3))[5:-5].any()


def test_what_is_40_dB_below_the_loudest_is_unvoiced():
    sound = torch.cat([harmonics(150), 0.005 * harmonics(150)])
    found = pitch_of(sound)
    assert (found[5:45] > 0).all() and not found[55:].any()


def test_a_lower_threshold_leaves_less_voiced():
    sound = harmonics(150) + 0.2 * torch.randn(RATE // 2)
    shares = [(pitch_of(sound, threshold=threshold) > 0).float().mean() for threshold in (0.05, 0.8)]
    assert shares[0] < 0.1 and shares[1] > 0.9


def in_steps(clip, middle, window=512, least=32, most=267):
    """YIN's period at a sample: steps 2 to 5 of de Cheveigné and Kawahara (2002), without their step 6."""
    padded = np.pad(clip.astype(np.float64), 1024)
    start = middle + 1024 - (window + most) // 2
    part = padded[start : start + window]
    later = np.lib.stride_tricks.sliding_window_view(padded[start + 1 : start + 1 + most + window], window)
    away = ((part - later) ** 2).sum(1)  # of lag 1 on
    mean = away * np.arange(1, most + 2) / np.maximum(np.cumsum(away), 1e-12)
    lag = next((k for k in range(least, most) if mean[k] < 0.1 and mean[k] <= mean[k + 1]), None)
    lag = int(mean[least:most].argmin()) + least if lag is None else lag
    left, here, right = away[lag - 1 : lag + 2]
    return RATE / (lag + 1 + (left - right) / (2 * max(left - 2 * here + right, 1e-12)))


def test_speech_has_the_pitch_of_the_papers_steps():
    voiced, errors = [], []
    for sound in speak(SAID, RATE):
        clip = (sound / 2**15).astype(np.float32)
        found = pitch_of(torch.from_numpy(clip)).numpy()
        own = found.nonzero()[0]
        voiced.append(len(own) / len(found))
        theirs = np.array([in_steps(clip, HOP * frame) for frame in own])
        errors.append(np.abs(np.log2(found[own] / theirs)))
    apart = np.concatenate(errors)
    assert (apart > 0.2).mean() < 0.02  # an octave is 1
    assert np.median(apart) < 0.01 and min(voiced) > 0.4


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"hop_length": 0}, "hop_length 0: must be at least 1"),
        ({"threshold": 1.5}, "threshold 1.5: must be between 0 and 1"),
        ({"f_min": 0.0}, "f_min 0.0: must be above 0 and below f_max 500.0"),
        ({"f_min": 600.0}, "f_min 600.0: must be above 0 and below f_max 500.0"),
        ({"f_max": 4_001.0}, "f_max 4001.0: must be at most a quarter of sample_rate 16000"),
    ],
)
def test_sizes_that_do_not_fit_are_named(sizes, said):
    with pytest.raises(ValueError, match=said):
        Pitch(**sizes)
