"""Sounds of any length through an encoder that was trained on short ones.

Shapes: B sounds, S samples, T frames, D width.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from crossmedia.data.batches import Clips

WINDOW, MARGIN = 16.0, 2.0  # seconds of a piece, and of what it hears before and behind
TOGETHER = 16  # pieces of one batch
LONGEST = 7200.0  # seconds of one file


def pieces(waveform: Tensor, sample_rate: int) -> list[Tensor]:
    """Stretches of a sound (S,) that overlap by twice `MARGIN` seconds; of a short one itself."""
    window, overlap = int(WINDOW * sample_rate), int(2 * MARGIN * sample_rate)
    starts = range(0, max(1, len(waveform) - overlap), window)
    return [waveform[start : start + window + overlap] for start in starts]


def encoded(
    encode: Callable[[Clips], tuple[Tensor, Tensor]],
    waveforms: Sequence[Tensor],
    samples_per_frame: int,
    sample_rate: int,
) -> tuple[Tensor, Tensor]:
    """Frames (B, T, D) and lens (B,) of whole sounds, each a waveform (S,).

    A long sound is cut into pieces that overlap by `MARGIN` seconds a side; of the overlap each piece gives
    the half that lies further from its ends, so that every frame has been heard in its surroundings, once.
    """
    window, margin = (
        int(seconds * sample_rate) // samples_per_frame * samples_per_frame for seconds in (WINDOW, MARGIN)
    )
    pieces: list[Tensor] = []
    kept: list[tuple[int, int, int | None]] = []  # the sound of a piece, and which of its frames
    for number, waveform in enumerate(waveforms):
        count = max(1, -(-(len(waveform) - margin) // window))
        for place in range(count):
            start = max(0, place * window - margin)
            end = len(waveform) if place == count - 1 else (place + 1) * window + margin
            first = (place * window - start) // samples_per_frame
            last = None if place == count - 1 else first + window // samples_per_frame
            pieces.append(waveform[start:end])
            kept.append((number, first, last))
    found: list[list[Tensor]] = [[] for _ in waveforms]
    for begin in range(0, len(pieces), TOGETHER):
        part = pieces[begin : begin + TOGETHER]
        lens = torch.tensor([len(piece) for piece in part], device=part[0].device)
        features, frames = encode(Clips(pad_sequence(part, batch_first=True), lens))
        for row, (number, first, last) in enumerate(kept[begin : begin + TOGETHER]):
            found[number].append(features[row, : int(frames[row])][first:last])
    whole = [torch.cat(parts) for parts in found]
    lens = torch.tensor([len(frames) for frames in whole], device=whole[0].device)
    return pad_sequence(whole, batch_first=True), lens
