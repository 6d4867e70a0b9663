"""The sounds of sound scenes: tones, sweeps, clicks, noise and spoken words on a faint ground of noise.

Shapes: B clips, N places for events, E events of all clips, W samples of the longest event, S of a clip.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from crossmedia.text.sound_grammar import LOUDNESS_WORDS, PITCH_WORDS, WORDS, Event

PITCHED = ("tone", "rise", "fall", "clicks")
EVENTS = (
    *(Event(kind, loud, pitch) for kind in PITCHED for pitch in PITCH_WORDS for loud in LOUDNESS_WORDS),
    *(Event("noise", loud) for loud in LOUDNESS_WORDS),
    *(Event("word", loud, word=word) for word in WORDS for loud in LOUDNESS_WORDS),
)
HERTZ = {"low": (220, 440), "high": (1250, 2500)}  # of a tone or a click, and of a sweep's middle
PEAKS = {"quiet": (0.03, 0.06), "loud": (0.4, 0.8)}
GROUND = (0.0005, 0.002)  # peak of the noise below it all
OCTAVES = (0.7, 1.3)  # that a sweep goes up or down
MOST_OVERTONE = 0.5  # of a tone's octave, beside the tone
GAP = (0.06, 0.14)  # s from one click to the next
RING = 0.006  # s in which a click falls to 1/e
FADE = 0.01  # s at either end of an event
LONGEST = 600  # ms of an event
TAKES = 64  # ways in which each word is said
SHADES = 4  # numbers in [0, 1) that tell how an event sounds: its peak, its pitch or take, pace, overtone
LEAST_RATE = 16_000  # Hz; the overtone of the highest sweep is at 7.8 kHz
HEARD = 0.02  # of a word's peak: what is before the first such sample and after the last is no word

T = TypeVar("T", int, np.ndarray)


class SoundLayout(NamedTuple):
    """What sounds when in B clips; the columns past a clip's count hold no meaning."""

    counts: np.ndarray  # (B,) events in the clip
    events: np.ndarray  # (B, N) index into EVENTS, in the order of time
    starts: np.ndarray  # (B, N) ms; from one to the next there are at least LONGEST
    durations: np.ndarray  # (B, N) ms, at most LONGEST; 0 for words, which take the time of their sound
    lengths: np.ndarray  # (B,) ms of the whole clip
    shades: np.ndarray  # (B, N, SHADES)
    grounds: np.ndarray  # (B,) in [0, 1): how strong the noise below the events is
    seeds: np.ndarray  # (B,) of that noise


def render(layout: SoundLayout, spoken: Tensor, sample_rate: int) -> list[Tensor]:
    """The waveform of each clip, float32 (S,) in [-1, 1]. `spoken` is what `takes` makes of the words."""
    lens = samples(layout.lengths, sample_rate).tolist()
    noise = torch.zeros(len(lens), max(lens, default=0))  # (B, S)
    for row, count, seed in zip(noise, lens, layout.seeds.tolist(), strict=True):
        row[:count].uniform_(-1, 1, generator=torch.Generator().manual_seed(seed))
    clips = noise * torch.from_numpy(_between(GROUND, layout.grounds)).float()[:, None]
    rows, slots = np.nonzero(np.arange(layout.events.shape[1]) < layout.counts[:, None])
    events = [EVENTS[number] for number in layout.events[rows, slots].tolist()]
    starts = samples(layout.starts[rows, slots], sample_rate).tolist()
    windows = [slice(start, start + samples(LONGEST, sample_rate)) for start in starts]
    shades, seconds = layout.shades[rows, slots], layout.durations[rows, slots] / 1000
    hiss = [noise[window] for window in zip(rows.tolist(), windows, strict=True)]
    sounds = _sounds(events, shades, torch.from_numpy(seconds).float()[:, None], hiss, spoken, sample_rate)
    for row, window, sound in zip(rows.tolist(), windows, sounds, strict=True):
        clips[row, window] += sound
    return [clip[:count].clone() for clip, count in zip(clips, lens, strict=True)]


def takes(sounds: Iterable[Tensor], sample_rate: int) -> Tensor:
    """Spoken words without the silence around them, each of peak 1: (words, W), zeros behind their ends."""
    width = samples(LONGEST, sample_rate)
    time = torch.arange(width) / sample_rate
    rows = []
    for sound in sounds:
        heard = (sound.abs() > HEARD * sound.abs().max()).nonzero()
        sound = sound[int(heard[0]) : int(heard[-1]) + 1][:width]
        row = torch.zeros(width)
        row[: len(sound)] = sound / sound.abs().max()
        rows.append(row * _fade(time, torch.tensor(len(sound) / sample_rate)))
    return torch.stack(rows)


def samples(milliseconds: T, sample_rate: int) -> T:
    """How many samples are in so many milliseconds."""
    return milliseconds * sample_rate // 1000


def _sounds(
    events: list[Event],
    shades: np.ndarray,
    seconds: Tensor,
    hiss: list[Tensor],
    spoken: Tensor,
    sample_rate: int,
) -> Tensor:
    """The events by themselves, (E, W) in [-1, 1]; `hiss` (W,) is the noise of which each could be made."""
    time = torch.arange(samples(LONGEST, sample_rate)) / sample_rate  # (W,)
    sounds = torch.empty(len(events), len(time))
    for kind in {event.kind: None for event in events}:
        places = [place for place, event in enumerate(events) if event.kind == kind]
        picked = [events[place] for place in places]
        if kind == "word":
            words = np.array([WORDS.index(event.word) for event in picked])
            sounds[places] = spoken[words * TAKES + (TAKES * shades[places, 1]).astype(int)]
        elif kind == "noise":
            sounds[places] = torch.stack([hiss[place] for place in places]) * _fade(time, seconds[places])
        else:
            sound = _pitched(kind, picked, shades[places], seconds[places], time)
            sounds[places] = sound * _fade(time, seconds[places])
    peaks = [
        _between(PEAKS[event.loudness], shade) for event, shade in zip(events, shades[:, 0], strict=True)
    ]
    return sounds * torch.tensor(peaks).float()[:, None]


def _pitched(kind: str, events: list[Event], shades: np.ndarray, seconds: Tensor, time: Tensor) -> Tensor:
    """(E, W) in [-1, 1]: tones, sweeps or clicks of like kind."""
    pitch = [_between(HERTZ[event.pitch], shade) for event, shade in zip(events, shades[:, 1], strict=True)]
    hertz = torch.tensor(pitch).float()[:, None]  # (E, 1)
    pace, overtone = torch.from_numpy(shades[:, 2:]).float().split(1, dim=1)  # (E, 1) each
    if kind == "clicks":
        gap = GAP[0] + (GAP[1] - GAP[0]) * pace  # (E, 1) s
        since = (time - FADE) % gap  # (E, W) s; the first click is not in the fade
        return torch.exp(-since / RING) * torch.sin(2 * math.pi * hertz * since)
    overtone = MOST_OVERTONE * overtone
    if kind == "tone":
        cycles = hertz * time  # (E, W)
    else:
        octaves = OCTAVES[0] + (OCTAVES[1] - OCTAVES[0]) * pace
        octaves = octaves if kind == "rise" else -octaves
        growth = math.log(2) * octaves / seconds  # (E, 1) 1/s
        cycles = hertz * 2 ** (-octaves / 2) * torch.expm1(growth * time) / growth
    phase = 2 * math.pi * cycles
    return (phase.sin() + overtone * (2 * phase).sin()) / (1 + overtone)


def _fade(time: Tensor, seconds: Tensor) -> Tensor:
    """From 0 to 1 at the start, back at `seconds`, by half a period of a cosine; 0 behind it."""
    ramp = (torch.minimum(time, seconds - time) / FADE).clamp(0, 1)
    return (1 - torch.cos(math.pi * ramp)) / 2


def _between(limits: tuple[float, float], shade: np.ndarray) -> np.ndarray:
    """Evenly on a scale of ratios from the lower limit, where the shade is 0, to the upper one."""
    low, high = limits
    return low * (high / low) ** shade
