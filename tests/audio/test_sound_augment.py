"""Speed and noise of waveforms, drawn by each clip's own generator."""

import pickle

import numpy as np
import pytest
import torch
from sounds import peak_hertz, save, tone

from crossmedia.audio.augment import SoundAugment
from crossmedia.data.batches import Sample
from crossmedia.data.order import generator
from crossmedia.data.views import clips_of
from crossmedia.errors import DataError

RATE = 16_000
SOUND = torch.from_numpy(tone())


def ratio(augment, sound=SOUND, draw=None):
    """Signal to noise in dB."""
    noise = augment(sound, draw or generator(0)) - sound
    return float(10 * (sound.square().mean() / noise.square().mean()).log10())


@pytest.mark.parametrize("speed", [0.9, 1.003, 1.1])
def test_a_faster_clip_is_shorter_and_higher(speed):
    found = SoundAugment(RATE, [speed])(SOUND, generator(0))
    assert found.dtype == torch.float32
    assert len(found) == pytest.approx(RATE / speed, abs=1)
    assert peak_hertz(found, RATE) == pytest.approx(440 * speed, abs=2)


def test_every_speed_is_drawn_and_one_keeps_the_clip():
    augment = SoundAugment(RATE, [0.9, 1.0, 1.1])
    found = {len(augment(SOUND, generator(0, number))) for number in range(20)}
    assert found == {len(SoundAugment(RATE, [speed])(SOUND, generator(0))) for speed in (0.9, 1.0, 1.1)}
    assert torch.equal(SoundAugment(RATE, [1.0])(SOUND, generator(0)), SOUND)


def test_white_noise_has_the_ratio_that_is_drawn():
    assert ratio(SoundAugment(RATE, [1.0], [10, 10])) == pytest.approx(10, abs=0.01)
    found = [ratio(SoundAugment(RATE, [1.0], [0, 20]), draw=generator(number)) for number in range(30)]
    assert min(found) < 5 and max(found) > 15 and all(-0.1 < value < 20.1 for value in found)


def test_silence_of_any_length_up_to_the_longest_stands_at_both_ends():
    augment, ends = SoundAugment(RATE, [1.0], silence=0.1), []
    for number in range(40):
        found = augment(SOUND, generator(number))
        start = int((found != 0).nonzero()[0]) - int((SOUND != 0).nonzero()[0])
        assert torch.equal(found[start : start + len(SOUND)], SOUND)
        ends += [start, len(found) - len(SOUND) - start]
    assert 0 <= min(ends) < 200 and 1400 < max(ends) <= 1600


def test_noise_is_measured_by_the_sound_and_lies_on_the_silence_too():
    augment = SoundAugment(RATE, [1.0], [10, 10], silence=1.0)
    found = augment(SOUND, generator(0))
    assert (found != 0).float().mean() > 0.99
    plain = SoundAugment(RATE, [1.0], silence=1.0)(SOUND, generator(0))
    noise = (found - plain).square().mean()
    assert float(10 * (SOUND.square().mean() / noise).log10()) == pytest.approx(10, abs=0.01)


def test_noise_comes_from_the_sounds_of_a_folder_at_the_clips_rate(tmp_path):
    save(tmp_path / "hum.wav", tone(100.0, 0.3, 8000), rate=8000)
    augment = SoundAugment(RATE, [1.0], [0, 0], str(tmp_path))
    noise = augment(SOUND, generator(0)) - SOUND
    assert peak_hertz(noise, RATE) == pytest.approx(100, abs=5)
    assert ratio(augment) == pytest.approx(0, abs=0.01)


def test_noise_may_be_long_and_what_macos_leaves_beside_it_is_none(tmp_path):
    save(tmp_path / "hum.wav", tone(100.0, 61, 8000), rate=8000)
    (tmp_path / "._hum.wav").write_bytes(b"Mac OS X")
    (noise,) = SoundAugment(RATE, [1.0], [0, 0], str(tmp_path)).noises
    assert len(noise) == 61 * RATE


def test_silent_noise_and_silent_clips_leave_a_clip_as_it_is(tmp_path):
    save(tmp_path / "nothing.wav", np.zeros(8000, np.float32))
    silent = SoundAugment(RATE, [1.0], [10, 10], str(tmp_path))
    assert torch.equal(silent(SOUND, generator(0)), SOUND)
    quiet = SoundAugment(RATE, [0.9], [10, 10])(torch.zeros(RATE), generator(0))
    assert not quiet.any() and torch.isfinite(quiet).all()


def test_a_draw_is_the_generator_s_alone():
    augment = SoundAugment(RATE, snr=[0, 20])
    one, again, other = (augment(SOUND, generator(0, name)) for name in ("a", "a", "b"))
    assert torch.equal(one, again) and (len(one) != len(other) or not torch.equal(one, other))


@pytest.mark.parametrize(
    "given, said",
    [
        ({"snr": [20, 10]}, "snr [20, 10]: must be two numbers of dB, the lower one first"),
        ({"snr": [10]}, "must be two numbers of dB"),
        ({"noises": "x"}, "snr null: must be two numbers of dB where there are noises"),
        ({"snr": 10}, "snr 10: must be a list of numbers"),
        ({"speeds": 1.1}, "speeds 1.1: must be a list of numbers"),
        ({"speeds": None}, "speeds None: must be a list of numbers"),
        ({"speeds": []}, "speeds []: must be one or more factors"),
        ({"speeds": [0.1]}, "speeds [0.1]: must be between 0.5 and 2"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given, said):
    with pytest.raises(ValueError) as raised:
        SoundAugment(RATE, **given)
    assert said in str(raised.value)


def test_a_folder_without_sounds_is_named_before_the_first_clip_or_at_it(tmp_path):
    empty, moved = (SoundAugment(RATE, snr=[0, 10], noises=f"{tmp_path}{name}") for name in ("", "/moved"))
    with pytest.raises(DataError, match="no sound in it"):
        empty.ready()
    with pytest.raises(DataError) as raised:
        moved(SOUND, generator(0))
    assert raised.value.lines == [f"{tmp_path}/moved: no such folder. Expected a folder of sounds"]


def test_scoring_needs_no_noises(tmp_path):
    augment = SoundAugment(RATE, snr=[0, 10], noises=f"{tmp_path}/moved")
    assert torch.equal(clips_of([Sample("a", waveform=SOUND)], None, augment).waveforms[0], SOUND)


def test_noises_are_read_once(tmp_path):
    path = save(tmp_path / "hum.wav")
    augment = SoundAugment(RATE, snr=[0, 10], noises=str(tmp_path))
    augment.ready()
    path.unlink()
    assert len(augment(SOUND, generator(0))) and len(pickle.loads(pickle.dumps(augment)).noises) == 1


def test_without_noises_there_is_nothing_to_read():
    augment = SoundAugment(RATE, snr=[0, 10])
    augment.ready()
    assert augment.fingerprint() is None


def test_other_names_and_sizes_of_noises_have_another_fingerprint(tmp_path):
    found = []
    for place, (name, seconds) in enumerate([("hum", 1.0), ("hum", 1.0), ("hum", 0.5), ("hiss", 1.0)]):
        folder = tmp_path / str(place)
        folder.mkdir()
        save(folder / f"{name}.wav", tone(seconds=seconds))
        (folder / "notes.txt").write_text(str(place))
        found.append(SoundAugment(RATE, snr=[0, 10], noises=str(folder)).fingerprint())
    assert found[0] == found[1] and len(set(found)) == 3
