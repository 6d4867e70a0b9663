import librosa
import numpy as np
import pytest
import torch
from sounds import tone

from crossmedia.audio.mels import FLOOR, LogMel, mel_filters

SIZES = [
    {},
    {"sample_rate": 22_050, "n_fft": 1_024, "win_length": 1_024, "hop_length": 256, "f_max": 8_000.0},
    {"sample_rate": 16_000, "n_fft": 512, "win_length": 399, "hop_length": 100, "n_mels": 40, "f_min": 50.0},
    {"sample_rate": 8_000, "n_fft": 256, "win_length": 200, "hop_length": 80, "n_mels": 20},
]


def noise(*shape):
    return torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32))


def of_librosa(waveform, sizes):
    names = {"sample_rate": "sr", "f_min": "fmin", "f_max": "fmax"}
    given = {"sample_rate": 16_000, "n_fft": 400, "win_length": 400, "hop_length": 160, "n_mels": 80, **sizes}
    words = {names.get(name, name): value for name, value in given.items()}
    return np.log(np.maximum(librosa.feature.melspectrogram(y=waveform.numpy(), **words), FLOOR)).T


@pytest.mark.parametrize("sizes", SIZES)
def test_a_batch_is_what_librosa_gives_one_by_one(sizes):
    waveforms = noise(3, 7_777)
    mels = LogMel(**sizes)(waveforms)
    theirs = np.stack([of_librosa(waveform, sizes) for waveform in waveforms])
    assert mels.shape == theirs.shape and mels.dtype == torch.float32
    assert np.abs(mels.numpy() - theirs).max() < 1e-4


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels", "f_min", "f_max"),
    [
        (16_000, 400, 80, 0.0, 8_000.0),
        (22_050, 1_024, 80, 0.0, 8_000.0),
        (44_100, 2_048, 128, 20.0, 16_000.0),
    ],
)
def test_the_filters_are_librosas(rate, n_fft, n_mels, f_min, f_max):
    theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=f_min, fmax=f_max)
    assert np.abs(mel_filters(rate, n_fft, n_mels, f_min, f_max).numpy() - theirs.T).max() < 1e-6


@pytest.mark.parametrize("samples", [1, 159, 160, 161, 399, 400, 1_000, 16_000])
def test_a_clip_has_the_same_frames_alone_and_in_a_longer_batch(samples):
    net, clip = LogMel(), noise(samples)
    batch = torch.zeros(3, 20_000)
    batch[1, :samples] = clip
    batch[2] = noise(20_000)
    (frames,) = net.frames(torch.tensor([samples])).tolist()
    alone = net(clip[None])[0]
    assert len(alone) == frames == 1 + samples // 160
    assert (net(batch)[1, :frames] - alone).abs().max() < 1e-5


def test_a_tone_is_brightest_in_its_band_at_its_time():
    clip = torch.cat([torch.zeros(8_000), torch.from_numpy(tone(1_000, 0.5))])
    mels = LogMel()(clip[None])[0]
    centres = librosa.mel_frequencies(82, fmin=0, fmax=8_000)[1:-1]
    assert abs(centres[int(mels[75].argmax())] - 1_000) < 40
    assert mels[40].max() < -20 < mels[75].max()


def test_silence_is_finite():
    assert torch.equal(LogMel()(torch.zeros(2, 500)), torch.full((2, 4, 80), FLOOR).log())


def test_bfloat16_around_it_costs_no_precision():
    net, waveforms = LogMel(), noise(2, 4_000)
    with torch.autocast("cpu", torch.bfloat16):
        mels = net(waveforms)
    assert mels.dtype == torch.float32 and torch.equal(mels, net(waveforms))


def test_gradients_reach_the_waveform():
    waveforms = noise(2, 4_000).requires_grad_()
    LogMel()(waveforms).sum().backward()
    assert waveforms.grad is not None and waveforms.grad.isfinite().all() and waveforms.grad.any()


def test_it_has_nothing_to_save():
    assert not LogMel().state_dict() and not list(LogMel().parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_same():
    waveforms = noise(2, 16_000)
    assert (LogMel().cuda()(waveforms.cuda()).cpu() - LogMel()(waveforms)).abs().max() < 1e-3


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"n_fft": 401}, "n_fft 401: must be even"),
        ({"win_length": 401}, "win_length 401: must be at most n_fft 400"),
        ({"hop_length": 0}, "hop_length 0: must be at least 1"),
        ({"f_max": 8_001.0}, "f_max 8001.0: must be at most half of sample_rate 16000"),
        ({"f_max": 0.0}, "f_max 0.0: must be above 0"),
        ({"f_min": 8_000.0}, "f_min 8000.0: must be below f_max 8000"),
        ({"n_mels": 200}, r"n_mels 200: must be fewer for n_fft 400: \d+ bands hold no frequency"),
    ],
)
def test_sizes_that_do_not_fit_are_named(sizes, said):
    with pytest.raises(ValueError, match=said):
        LogMel(**sizes)
