"""Sounds of any length through a net that was trained on short ones: cut at pauses, else into pieces that
overlap.

Shapes: B sounds, S samples, T frames, D width.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from crossmedia.data.batches import Clips

HEARD = 20.0  # seconds of a piece, where nobody knows how long the sounds of training were
MARGIN = 2.0  # seconds that a piece shares with its neighbours on each side, at most a sixth of it
TOGETHER = 16  # pieces of one batch
LONGEST = 7200.0  # seconds of one file
QUIET, PAUSE = 25.0, 0.25  # dB below the loud parts, and seconds


def stretches(waveform: Tensor, sample_rate: int, longest: float = HEARD) -> list[Tensor]:
    """A sound (S,) of at most `longest` seconds itself; of a longer one what lies between its pauses.

    A pause is quieter than the loud parts (the 95th percentile of 20 ms frames) by `QUIET` dB for `PAUSE`
    seconds. Of digital silence there is nothing.
    """
    if len(waveform) <= longest * sample_rate:
        return [waveform]
    hop = sample_rate // 100
    power = pad(waveform, (hop, hop)).unfold(0, 2 * hop, hop).square().mean(1)  # a frame every 10 ms
    loud = power.sort().values[int(0.95 * len(power))]
    places = (power > loud / 10 ** (QUIET / 10)).nonzero().flatten()
    if not len(places):
        return []
    after = (places.diff() > 100 * PAUSE).nonzero().flatten() + 1  # the first loud frame behind each pause
    found = []
    for part in places.tensor_split(after.cpu()):
        found.append(waveform[int(part[0]) * hop : (int(part[-1]) + 1) * hop])
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
) -> tuple[Tensor, Tensor]:
    """Frames (B, T, D) and lens (B,) of whole sounds, each a waveform (S,).

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
        count = max(1, -(-(len(waveform) - margin) // window))
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
        lens = torch.tensor([len(piece) for piece in part], device=part[0].device)
        features, frames = encode(Clips(pad_sequence(part, batch_first=True), lens))
        for row, (number, first, last) in enumerate(kept[begin : begin + TOGETHER]):
            found[number].append(features[row, : int(frames[row])][first:last])
    whole = [torch.cat(parts) for parts in found]
    lens = torch.tensor([len(part) for part in whole], device=whole[0].device)
    return pad_sequence(whole, batch_first=True), lens


def _margin(longest: float) -> float:
    return min(MARGIN, longest / 6)
