import librosa
import numpy as np
import pytest
import torch
from scipy.signal import resample_poly
from sounds import peak_hertz, save, tone

from crossmedia.audio.read import read_audio
from crossmedia.audio.transforms import AudioTransform
from crossmedia.errors import DataError

RATES = [8_000, 11_127, 16_000, 22_050, 32_000, 44_100, 48_000]


def energy(waveform):
    return float(np.square(np.asarray(waveform, np.float64)).mean())


def to_16k(samples, rate):
    return AudioTransform(16_000).prepare(torch.from_numpy(samples), rate)


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_keeps_pitch_energy_and_seconds(rate):
    waveform = to_16k(tone(rate=rate), rate)
    assert waveform.dtype == torch.float32 and abs(len(waveform) - 16_000) <= 1
    assert peak_hertz(waveform, 16_000) == pytest.approx(440, abs=2)
    assert energy(waveform) == pytest.approx(energy(tone(rate=rate)), rel=0.01)


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
def test_what_16_khz_cannot_hold_is_taken_out(rate):
    assert energy(to_16k(tone(9_000, rate=rate), rate)) < 0.01 * energy(tone(9_000, rate=rate))


def test_a_tone_near_the_top_leaves_no_other_in_its_place():
    kept = to_16k(tone(7_900, rate=44_100), 44_100).numpy()
    power = np.square(np.abs(np.fft.rfft(kept * np.hanning(len(kept)))))  # a bin a hertz
    assert power[:7_850].sum() < 0.01 * power.sum()


@pytest.mark.parametrize("rate", RATES)
def test_resampling_is_that_of_scipy(rate):
    noise = np.random.default_rng(0).uniform(-1, 1, 5_000).astype(np.float32)
    ours, theirs = to_16k(noise, rate).numpy(), resample_poly(noise.astype(np.float64), 16_000, rate)
    assert ours.shape == theirs.shape and np.abs(ours - theirs).max() < 1e-5


def test_below_the_filters_edge_it_is_librosas():
    mixed = sum(tone(hertz, rate=44_100, peak=0.2) for hertz in (100, 1_000, 4_000, 6_000))
    theirs = librosa.resample(mixed, orig_sr=44_100, target_sr=16_000, res_type="polyphase")
    soxr = librosa.resample(mixed, orig_sr=44_100, target_sr=16_000)
    ours = to_16k(mixed, 44_100).numpy()
    assert np.abs(ours - theirs).max() < 1e-5
    assert np.abs(ours - soxr)[400:-400].max() < 5e-3


@pytest.mark.parametrize("order", [1, -1])
def test_no_file_is_read_at_the_rate_of_another(tmp_path, order):
    transform = AudioTransform(16_000)
    kinds = [("a.wav", "WAV", 32_000), ("b.wav", "WAV", 16_000), ("c.flac", "FLAC", 22_050),
             ("d.mp3", "MP3", 8_000), ("e.ogg", "OGG", 48_000)]  # fmt: skip
    for name, kind, rate in kinds[::order]:
        save(tmp_path / name, kind=kind, rate=rate)
        waveform = transform.read(tmp_path / name)
        assert abs(len(waveform) - 16_000) <= 1
        assert peak_hertz(waveform, 16_000) == pytest.approx(440, abs=2)


def test_a_waveform_of_the_right_rate_is_left_as_it_is():
    waveform = torch.from_numpy(tone())
    assert torch.equal(AudioTransform().prepare(waveform, 16_000), waveform)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_silence_and_a_single_sample_are_resampled(rate):
    assert not to_16k(np.zeros(1_000, np.float32), rate).any()
    assert len(to_16k(np.ones(1, np.float32), rate)) == -(-16_000 // rate)


def test_read_names_a_broken_file_without_the_words_of_training(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"x")
    with pytest.raises(DataError) as caught:
        AudioTransform().read(path)
    words = "not an audio file that can be read (WAV, FLAC, OGG, MP3). Convert or remove it"
    assert caught.value.lines == [f"{path}: {words}"]


def test_read_is_the_file_at_the_rate(tmp_path):
    path = save(tmp_path / "a.wav", rate=22_050)
    waveform, rate = read_audio(path)
    assert torch.equal(AudioTransform(8_000).read(path), AudioTransform(8_000).prepare(waveform, rate))


def test_config_builds_an_equal_transform():
    config = AudioTransform(22_050).config()
    assert config.pop("_target_") == "crossmedia.audio.transforms.AudioTransform"
    assert AudioTransform(**config).config().items() >= config.items()


@pytest.mark.parametrize("rate", [0, 999, 384_001])
def test_a_wrong_rate_is_named(rate):
    with pytest.raises(ValueError, match=f"sample_rate {rate}: must be between 1000 and 384000"):
        AudioTransform(rate)
