"""Mel-cepstral distortion beside the package mel-cepstral-distance, warping beside every path."""

import numpy as np
import pytest
import torch
from mel_cepstral_distance import compare_audio_files
from scipy.io import wavfile

from crossmedia.errors import NonFiniteError
from crossmedia.metrics.cepstra import mel_cepstra, mel_cepstral_distortion, warped

SETTINGS = {"s": 0, "D": 13, "align_target": "mfcc", "dtw_radius": None}


def sound(samples, seed):
    """Noise whose spectrum falls and wanders, so that no two frames are alike."""
    draw = torch.Generator().manual_seed(seed)
    low = torch.randn(samples, generator=draw).cumsum(0)
    swell = torch.sin(torch.arange(samples) / 700)
    return 0.02 * (low - low.mean()) / low.std() + 0.1 * swell * torch.randn(samples, generator=draw)


@pytest.mark.parametrize(
    ("rate", "samples"), [(16_000, (4_000, 5_003)), (22_050, (4_410, 4_000)), (8_000, (2_049, 1_600))]
)
def test_it_is_what_the_package_gives_of_the_same_files(rate, samples, tmp_path):
    pair = [sound(count, seed) for seed, count in enumerate(samples)]
    paths = [tmp_path / f"{place}.wav" for place in range(2)]
    for path, waveform in zip(paths, pair, strict=True):
        wavfile.write(path, rate, waveform.numpy())
    expected, _ = compare_audio_files(*paths, **SETTINGS)
    assert mel_cepstral_distortion(*pair, rate) == pytest.approx(expected, rel=1e-4)


def test_silence_has_no_shape_and_loudness_does_not_count():
    frames = mel_cepstra(torch.zeros(1_000), 16_000)
    assert frames.shape == (4, 13) and frames.abs().max() < 1e-10  # all bands are alike
    quiet, loud = (mel_cepstra(gain * sound(2_000, 0), 16_000) for gain in (0.5, 1))
    assert torch.allclose(quiet, loud) and loud.abs().max() > 1


def paths(rows, columns):
    """Every way from the first cell to the last."""
    if rows == columns == 1:
        return [[(0, 0)]]
    before = [(rows - 1, columns - 1), (rows - 1, columns), (rows, columns - 1)]
    return [[*path, (rows - 1, columns - 1)] for step in before if min(step) for path in paths(*step)]


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (3, 5), (5, 4)])
def test_no_way_costs_less(shape):
    costs = np.random.default_rng(0).random(shape)
    rows, columns = warped(costs)
    every = [sum(costs[cell] for cell in path) for path in paths(*shape)]
    assert costs[rows, columns].sum() == pytest.approx(min(every))
    assert list(zip(rows, columns, strict=True)) in paths(*shape)


def test_of_equal_ways_the_shortest_is_taken():
    rows, columns = warped(np.zeros((4, 4)))
    assert rows.tolist() == columns.tolist() == [0, 1, 2, 3]


def test_speech_at_half_the_pace_is_the_same_speech():
    slow = np.repeat(np.arange(5.0), 2)
    rows, columns = warped(np.abs(np.arange(5.0)[:, None] - slow))
    assert rows.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4] and columns.tolist() == list(range(10))


@pytest.mark.parametrize("samples", [0, 1, 511, 513])
def test_a_sound_shorter_than_a_frame_is_one_frame(samples):
    assert len(mel_cepstra(sound(2_000, 0)[:samples], 16_000)) == 1
    found = mel_cepstral_distortion(sound(2_000, 0)[:samples], sound(9_000, 1), 16_000)
    assert 0 < found < 20


def test_a_sound_that_is_none_is_refused():
    with pytest.raises(NonFiniteError, match="made waveform: not finite"):
        mel_cepstral_distortion(torch.tensor([0.0, float("nan")]), sound(2_000, 0), 16_000)
