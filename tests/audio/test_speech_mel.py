import math

import pytest
import torch

from crossmedia.audio.mels import LogMel
from crossmedia.audio.speech_mel import SpeechMel


@pytest.fixture
def mel():
    return SpeechMel(LogMel(8000, 256, 256, 64, 20))


def test_silence_is_one_number_and_padding_is_zero(mel):
    mels, frames = mel(torch.zeros(2, 640), torch.tensor([640, 320]))
    assert frames.tolist() == [11, 6]
    heard = torch.cat([mels[0], mels[1, :6]])
    assert torch.allclose(heard, mel.silence.expand_as(heard)) and (mels[1, 6:] == 0).all()
    assert mel.silence.item() == pytest.approx((math.log(1e-5) + 5.5) / 4)


def test_power_undoes_the_normalisation(mel):
    torch.manual_seed(0)
    waveforms = 0.3 * torch.randn(1, 640)
    mels, _ = mel(waveforms, torch.tensor([640]))
    assert torch.allclose(mel.power(mels), mel.mel(waveforms).exp().clamp(min=1e-5), rtol=1e-4)


def test_settings_tell_every_number_that_must_be_alike(mel):
    assert mel.settings() == {
        "sample_rate": 8000,
        "n_fft": 256,
        "win_length": 256,
        "hop_length": 64,
        "n_mels": 20,
        "f_min": 0.0,
        "f_max": 4000.0,
        "mean": -5.5,
        "deviation": 4.0,
    }
