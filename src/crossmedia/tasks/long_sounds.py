"""Sounds of any length through a net that was trained on short ones: cut in pauses, else into pieces that
overlap.

Shapes: B sounds, S samples, T frames, D width.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool1d, max_pool1d, pad
from torch.nn.utils.rnn import pad_sequence

from crossmedia.data.batches import Clips

HEARD = 20.0  # seconds of a piece, where nobody knows how long the sounds of training were
MARGIN = 2.0  # seconds that a piece shares with its neighbours on each side, at most a sixth of it
TOGETHER = 16  # pieces of one batch
ALIKE = 2  # times the shortest, the longest of what is decoded together
LONGEST = 7200.0  # seconds of one file
FRAMES = 100  # levels a second, each of 20 ms
PAUSE, QUIET = 0.25, 20.0  # seconds, and dB below the loudest on both sides
EVEN, SILENT = 10.0, 60.0  # dB above the quietest of a pause, dB below the loudest of all: nothing said
EDGE = 0.15  # seconds of a pause that a stretch keeps: as much silence as training puts round its clips


def stretches(waveform: Tensor, sample_rate: int, longest: float = HEARD) -> list[Tensor]:
    """A sound (S,) of at most `longest` seconds itself; a longer one cut in its pauses.

    A pause is quieter by `QUIET` dB for `PAUSE` seconds than something before it and something behind it, up
    to the pauses next to it: so a quiet voice beside a loud one is none. All of the sound is in some stretch,
    but for the even parts of pauses: what is not louder by `EVEN` dB than the quietest within a second, or is
    `SILENT`. Of digital silence there is nothing.
    """
    if len(waveform) <= longest * sample_rate:
        return [waveform]
    hop = sample_rate // FRAMES
    power = pad(waveform, (hop, hop)).unfold(0, 2 * hop, hop).square().mean(1).double().cpu()  # each 10 ms
    if not power.any():
        return []
    levels = 10 * (power / power.max()).log10().clamp(min=-(SILENT + QUIET) / 10)  # dB, the loudest is 0
    starts, stops = [0], []
    for stop, start in _cuts(levels):
        stops.append(stop * hop)
        starts.append(start * hop)
    stops.append(len(waveform))
    return [waveform[start:stop] for start, stop in zip(starts, stops, strict=True) if start < stop]


def _cuts(levels: Tensor) -> Iterator[tuple[int, int]]:
    """The frames where a stretch ends and the next one begins, in order."""
    smooth = avg_pool1d(pad(levels[None], (2, 2), mode="replicate"), 5, 1)[0]  # a click is no word
    valleys, said = _valleys(levels), 0
    for valley, end in zip([0, *valleys], [*valleys, len(levels)], strict=True):
        part = levels[valley:end]
        loud = valley + (part > part.max() - QUIET).nonzero().flatten()
        yield from _cuts_of_pause(smooth, said, int(loud[0]), valley)
        said = int(loud[-1]) + 1
    yield from _cuts_of_pause(smooth, said, len(levels), len(levels))


def _cuts_of_pause(smooth: Tensor, start: int, stop: int, valley: int) -> Iterator[tuple[int, int]]:
    """Cuts out what is even in the pause from `start` to `stop`; where nothing is, cuts at its `valley`."""
    edge = int(EDGE * FRAMES)
    around = smooth[max(0, start - FRAMES) : stop + FRAMES]  # a second more: quiet words alone are even, too
    quiet = smooth[start:stop] <= max(float(around.min()) + EVEN, -SILENT)
    turns = start + pad(quiet.int(), (1, 1)).diff().nonzero().view(-1, 2)  # where each even run begins, ends
    runs = [(first, last) for first, last in turns.tolist() if last - first > 2 * edge]
    for first, last in runs:
        yield first + edge if first else 0, last - edge if last < len(smooth) else last
    if not runs and start < valley < stop:
        yield valley, valley


def _valleys(levels: Tensor) -> list[int]:
    """The quietest frame of each pause: in one pass, each after a fall by `QUIET` and before such a rise."""
    width = int(PAUSE * FRAMES)
    highest = max_pool1d(levels[None], width, 1, width // 2)[0].tolist()  # a pause is low all of its time
    found, peak, valley, falls = [], highest[0], 0, False
    for frame, level in enumerate(highest):
        if falls and level < highest[valley]:
            valley = frame
        elif falls and level >= highest[valley] + QUIET:
            found.append(valley)
            peak, falls = level, False
        elif not falls:
            peak, falls, valley = max(peak, level), level <= peak - QUIET, frame
    return found


def pieces(waveform: Tensor, sample_rate: int, longest: float = HEARD) -> list[Tensor]:
    """Parts of a sound (S,) that overlap by twice the margin; of a short one itself."""
    margin = _margin(longest)
    window, overlap = int((longest - 2 * margin) * sample_rate), int(2 * margin * sample_rate)
    starts = range(0, max(1, len(waveform) - overlap), window)
    return [waveform[start : start + window + overlap] for start in starts]


def encoded(
    encode: Callable[[Clips], tuple[Tensor, Tensor]],
    waveforms: Sequence[Tensor],
    samples_per_frame: int,
    sample_rate: int,
    longest: float = HEARD,
) -> list[Tensor]:
    """The frames (T, D) of each whole sound, a waveform (S,).

    A long sound is cut into pieces that overlap by a margin a side; of the overlap each piece gives the half
    that lies further from its ends, so that every frame has been heard in its surroundings, once.
    """
    margin, window = (
        max(1, int(seconds * sample_rate) // samples_per_frame) * samples_per_frame
        for seconds in (_margin(longest), longest - 2 * _margin(longest))
    )
    heard: list[Tensor] = []
    kept: list[tuple[int, int, int | None]] = []  # the sound of a piece, and which of its frames
    for number, waveform in enumerate(waveforms):
        whole = len(waveform) <= longest * sample_rate  # as in training and in scoring
        count = 1 if whole else -(-(len(waveform) - margin) // window)
        for place in range(count):
            start = max(0, place * window - margin)
            end = len(waveform) if place == count - 1 else (place + 1) * window + margin
            first = (place * window - start) // samples_per_frame
            last = None if place == count - 1 else first + window // samples_per_frame
            heard.append(waveform[start:end])
            kept.append((number, first, last))
    found: list[list[Tensor]] = [[] for _ in waveforms]
    for begin in range(0, len(heard), TOGETHER):
        part = heard[begin : begin + TOGETHER]
        features, frames = encode(Clips.of(part))
        for row, (number, first, last) in enumerate(kept[begin : begin + TOGETHER]):
            found[number].append(features[row, : int(frames[row])][first:last])
    return [torch.cat(parts) for parts in found]


def by_length(decode: Callable[[Tensor, Tensor], list[str]], sounds: Sequence[Tensor]) -> list[str]:
    """The text of each sound's frames (T, D), by `decode(frames (B, T, D), lens (B,))` of some of about one
    length: beside an hour without a pause, a thousand short sounds would be as long."""
    order = sorted(range(len(sounds)), key=lambda k: len(sounds[k]))
    texts = [""] * len(sounds)
    while order:
        longest = ALIKE * len(sounds[order[0]])
        some = [k for k in order[:TOGETHER] if len(sounds[k]) <= longest]
        order = order[len(some) :]
        lens = torch.tensor([len(sounds[k]) for k in some], device=sounds[0].device)
        found = decode(pad_sequence([sounds[k] for k in some], batch_first=True), lens)
        for k, text in zip(some, found, strict=True):
            texts[k] = text
    return texts


def _margin(longest: float) -> float:
    return min(MARGIN, longest / 6)
