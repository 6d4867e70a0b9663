import numpy as np
import pytest
import torch

from crossmedia.audio.events import (
    EVENTS,
    FADE,
    GROUND,
    HERTZ,
    LONGEST,
    PEAKS,
    SHADES,
    SoundLayout,
    render,
    samples,
    takes,
)
from crossmedia.text.sound_grammar import Event

RATE = 16_000
START, DURATION = 500, 400  # ms


def alone(event, rate=RATE, shade=0.5, ground=0.0, start=START, seed=1, spoken=None):
    """A clip of two seconds with one event."""
    shades = np.full((1, 1, SHADES), shade)
    duration = 0 if event.word else DURATION
    layout = SoundLayout(
        counts=np.array([1]),
        events=np.array([[EVENTS.index(event)]]),
        starts=np.array([[start]]),
        durations=np.array([[duration]]),
        lengths=np.array([2000]),
        shades=shades,
        grounds=np.array([ground]),
        seeds=np.array([seed]),
    )
    (waveform,) = render(layout, torch.zeros(0) if spoken is None else spoken, rate)
    return waveform


def heard(waveform, rate=RATE):
    """The samples of the event alone."""
    return waveform[samples(START, rate) : samples(START + DURATION, rate)]


def peak_hertz(part, rate=RATE):
    spectrum = torch.fft.rfft(part * torch.hann_window(len(part))).abs()
    return int(spectrum.argmax()) * rate / len(part)


@pytest.mark.parametrize("event", [event for event in EVENTS if not event.word], ids="-".join)
def test_an_event_begins_and_ends_softly_where_it_should_and_is_as_loud_as_it_is_called(event):
    waveform = alone(event)
    low, high = PEAKS[event.loudness]
    start, end = samples(START, RATE), samples(START + DURATION, RATE)
    assert waveform.shape == (2 * RATE,) and waveform.dtype == torch.float32
    assert max(waveform[:start].abs().max(), waveform[end:].abs().max()) <= GROUND[1]
    assert 0.5 * low < heard(waveform).abs().max() <= high + GROUND[1]
    edges = torch.cat((waveform[start : start + 8], waveform[end - 8 : end])).abs()
    assert edges.max() < 0.01 * high + GROUND[1]
    assert all(part.abs().max() > 0.3 * low for part in heard(waveform).chunk(3))


@pytest.mark.parametrize("pitch", HERTZ)
@pytest.mark.parametrize("shade", [0.0, 0.5, 0.999])
def test_a_tone_has_the_frequency_of_its_pitch(pitch, shade):
    low, high = HERTZ[pitch]
    found = peak_hertz(heard(alone(Event("tone", "loud", pitch), shade=shade)))
    assert found == pytest.approx(low * (high / low) ** shade, rel=0.02)


@pytest.mark.parametrize("pitch", HERTZ)
def test_a_sweep_rises_or_falls_through_the_frequency_of_its_pitch(pitch):
    middle = (HERTZ[pitch][0] * HERTZ[pitch][1]) ** 0.5
    for kind, sign in (("rise", 1), ("fall", -1)):
        parts = heard(alone(Event(kind, "loud", pitch))).chunk(5)
        found = [peak_hertz(part) for part in parts]
        assert (np.diff(found) * sign > 0).all()
        assert found[2] == pytest.approx(middle, rel=0.1)
        assert max(found) / min(found) == pytest.approx(2**0.8, rel=0.15)  # between the middles of the parts


@pytest.mark.parametrize("pitch", HERTZ)
def test_clicks_are_short_with_silence_between_and_their_ring_has_the_pitch(pitch):
    part = heard(alone(Event("clicks", "loud", pitch)))
    strong = part.abs() > 0.1 * part.abs().max()
    assert strong.float().mean() < 0.3
    starts = torch.nonzero(strong).flatten().diff() > 0.03 * RATE
    assert 2 <= int(starts.sum()) <= 6
    assert HERTZ[pitch][0] * 0.7 < peak_hertz(part) < HERTZ[pitch][1] * 1.3


def test_noise_has_no_pitch():
    spectrum = torch.fft.rfft(heard(alone(Event("noise", "loud")))).abs().square()
    bands = torch.stack([band.mean() for band in spectrum[:3200].split(400)])
    assert bands.max() < 2 * bands.min()


@pytest.mark.parametrize("rate", [16_000, 22_050, 48_000])
def test_the_same_scene_sounds_the_same_at_any_rate(rate):
    waveform = alone(Event("rise", "loud", "high"), rate=rate)
    assert len(waveform) == 2 * rate
    assert peak_hertz(heard(waveform, rate), rate) < 4_000
    tone = alone(Event("tone", "quiet", "high"), rate=rate)
    assert peak_hertz(heard(tone, rate), rate) == pytest.approx(1768, rel=0.02)


def test_the_ground_is_faint_noise_of_the_clips_own():
    waveforms = [alone(Event("tone", "loud", "low"), ground=0.999, seed=seed) for seed in (1, 1, 2)]
    before = [waveform[: samples(START, RATE)] for waveform in waveforms]
    assert torch.equal(before[0], before[1]) and not torch.equal(before[0], before[2])
    assert GROUND[1] * 0.9 < before[0].abs().max() <= GROUND[1]
    assert abs(float(before[0].mean())) < 1e-4


def test_quiet_is_far_from_loud_and_from_the_ground():
    (quiet_from, quiet_to), (loud_from, loud_to) = PEAKS["quiet"], PEAKS["loud"]
    assert loud_from > 4 * quiet_to and quiet_from > 10 * GROUND[1] and loud_to + GROUND[1] < 1


def spoken_word(seconds=0.3):
    time = torch.arange(int(seconds * RATE)) / RATE
    silence = torch.zeros(1000)
    return torch.cat((silence, 0.2 * torch.sin(2 * torch.pi * 500 * time), silence))


def test_takes_are_words_without_silence_of_peak_one_that_begin_and_end_softly():
    found = takes([spoken_word(), spoken_word(0.9)], RATE)
    assert found.shape == (2, samples(LONGEST, RATE)) and found.abs().max(1).values == pytest.approx(1.0)
    first = found[0].nonzero().flatten()
    assert first[0] <= 2 and abs(int(first[-1]) - 0.3 * RATE) < 20
    fade = int(FADE * RATE)
    assert found[:, 1 : fade // 8].abs().max() < 0.1 and found[1, -fade // 8 :].abs().max() < 0.1


def test_a_word_is_the_take_that_its_shade_names():
    spoken = torch.arange(8 * 64)[:, None] / 512 * torch.ones(samples(LONGEST, RATE))
    event = Event("word", "loud", word="blue")  # the second word
    part = heard(alone(event, shade=0.5, spoken=spoken))
    peak = (PEAKS["loud"][0] * PEAKS["loud"][1]) ** 0.5
    assert part.mean() == pytest.approx(peak * (64 + 32) / 512, rel=0.01)


def test_no_clips_are_no_waveforms():
    layout = SoundLayout(
        *(np.zeros(shape, int) for shape in (0, (0, 3), (0, 3), (0, 3), 0)),
        shades=np.zeros((0, 3, SHADES)),
        grounds=np.zeros(0),
        seeds=np.zeros(0, int),
    )
    assert render(layout, torch.zeros(0), RATE) == []
