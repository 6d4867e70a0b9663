import pytest
import torch
from sounds import tone

from crossmedia.audio.griffin_lim import GriffinLim
from crossmedia.audio.mels import LogMel
from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.errors import ConfigError

RATE = 8_000


def mel():
    return SpeechMel(LogMel(RATE, 256, 256, 64, 40))


def chirp(samples, start=200.0, end=1500.0):
    hertz = torch.linspace(start, end, samples)
    return 0.5 * torch.sin(2 * torch.pi * (hertz / RATE).cumsum(0))


def of(waveforms, lens, **changes):
    speech = mel()
    mels, frames = speech(waveforms, torch.tensor(lens))
    return GriffinLim(speech, **changes).waveforms(mels, frames), mels, frames


def test_mels_of_what_it_makes_are_the_mels_it_was_given():
    clip = chirp(4_000)
    made, mels, frames = of(clip[None], [4_000])
    assert made.shape == (1, 63 * 64) and made.abs().max() <= 1
    again, _ = mel()(made[:, :4_000], torch.tensor([4_000]))
    loud = mels > mels.max() - 1  # 17 dB
    assert (again - mels)[loud].abs().mean() < 0.15


def test_a_sample_is_where_it_was():
    clip = torch.zeros(4_000)
    clip[2_000:2_400] = torch.from_numpy(tone(1_000, 400 / RATE, rate=RATE))[:400]
    made = of(clip[None], [4_000])[0][0]
    middle = (made.square() * torch.arange(len(made))).sum() / made.square().sum()
    assert abs(middle - 2_200) < 10


def test_momentum_gets_nearer_in_as_many_turns():
    clip = (chirp(4_000) + chirp(4_000, 2_500, 700)) / 2  # which cross
    away = []
    for momentum in (0.0, 0.99):
        made, mels, frames = of(clip[None], [4_000], momentum=momentum, iterations=30)
        away.append((mel()(made[:, :4_000], torch.tensor([4_000]))[0] - mels).abs().mean().item())
    assert away[1] < 0.95 * away[0]


def test_a_clip_is_the_same_alone_and_in_a_longer_batch():
    waveforms = torch.zeros(2, 3_000)
    waveforms[0], waveforms[1, :1_700] = chirp(3_000), chirp(1_700, 900, 300)
    both, _, frames = of(waveforms, [3_000, 1_700])
    alone = of(waveforms[1:, :1_700], [1_700])[0]
    assert (both[1, : alone.shape[1]] - alone[0]).abs().max() < 1e-3
    assert not both[1, int(frames[1]) * 64 :].any() and alone.abs().max() > 0.1


def test_it_is_the_same_each_time():
    clip = chirp(2_000)[None]
    assert torch.equal(of(clip, [2_000])[0], of(clip, [2_000])[0])


def test_silence_stays_silent():
    made = of(torch.zeros(1, 2_000), [2_000])[0]
    assert made.abs().max() < 1e-4


def test_the_power_of_frequencies_fits_the_bands_and_is_not_negative():
    speech = mel()
    mels, _ = speech(chirp(4_000)[None], torch.tensor([4_000]))
    power = GriffinLim(speech)._power(mels)
    bands = power @ speech.mel.filters
    loud = mels > mels.max() - 1
    assert (power >= 0).all() and ((bands / speech.power(mels)).log()[loud]).abs().max() < 0.05


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iterations": 0}, "iterations 0: must be at least 1"),
        ({"momentum": -0.1}, "momentum -0.1: must be at least 0"),
    ],
)
def test_numbers_out_of_range_are_named(changes, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        GriffinLim(mel(), **changes)


def test_windows_that_do_not_overlap_are_refused():
    with pytest.raises(ConfigError, match=r"^model.mel.mel.hop_length=256: must be less than win_length"):
        GriffinLim(SpeechMel(LogMel(RATE, 256, 256, 256, 40)))
