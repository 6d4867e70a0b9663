"""Mel-cepstral distortion (Kubichek, 1993) of two sounds that dynamic time warping lays side by side.

Shapes: S samples, T U frames, W samples of a window, F frequencies, M bands, C coefficients, P pairs.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from crossmedia.errors import NonFiniteError

WINDOW, HOP = 32, 8  # ms
BANDS, COEFFICIENTS = 20, 13  # the paper's; the coefficients are those from 1 on, as 0 is the loudness
_FLOOR = torch.finfo(torch.float64).eps  # of the power in a band


def mel_cepstral_distortion(made: Tensor, real: Tensor, sample_rate: int) -> float:
    """The mean over the pairs of frames of the Euclidean distance of their cepstra; (S,) and (S',).

    It is that of the package mel-cepstral-distance 0.0.4 with s = 0, D = 13, align_target = "mfcc" and
    dtw_radius = None: frames of 32 ms every 8 ms, 20 mel bands, logarithms to base 10. 10 √2 / 20 of it is
    the distance in dB. A sound shorter than a frame is followed by silence up to one.
    """
    costs = distances(mel_cepstra(made, sample_rate), mel_cepstra(real, sample_rate))
    return float(costs[warped(costs)].mean())


def mel_cepstra(waveform: Tensor, sample_rate: int) -> Tensor:
    """MC_i = Σ_n X_n cos(i (n - ½) π / M) of the bands' log-power X: (S,) -> (T, C) in float64.

    How loud the sound is does not count: its peak is 1.
    """
    window, hop = (sample_rate * length // 1000 for length in (WINDOW, HOP))
    sound = filled(waveform, sample_rate).double()
    sound = sound / sound.abs().amax().clamp(min=torch.finfo(torch.float32).tiny)
    frames = sound[:-1].unfold(0, window, hop)  # (T, W); the package has none that ends with the last sample
    shape = torch.hann_window(window, periodic=False, dtype=torch.float64)
    power = torch.fft.rfft(frames * shape).abs().square()  # (T, F)
    bands = (power @ _filters(sample_rate, window) + _FLOOR).log10()  # (T, M)
    number, place = torch.arange(1, COEFFICIENTS + 1)[:, None], torch.arange(BANDS) + 0.5
    return bands @ ((number * place).double() * math.pi / BANDS).cos().T


def filled(waveform: Tensor, sample_rate: int) -> Tensor:
    """On the CPU, with silence behind it up to one frame; raises NonFiniteError of what is no sound."""
    sound = waveform.detach().cpu().float()
    if not sound.isfinite().all():
        raise NonFiniteError("a made waveform: not finite, so no score")
    return F.pad(sound, (0, max(0, sample_rate * WINDOW // 1000 + 1 - len(sound))))


def distances(made: Tensor, real: Tensor) -> np.ndarray:
    """Euclidean, of each frame to each: (T, C), (U, C) -> (T, U)."""
    return torch.cdist(made, real, compute_mode="donot_use_mm_for_euclid_dist").numpy()


def warped(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of frames of least total cost from the first two to the last two: (T, U) -> (P,), (P,).

    Each step goes on by one frame in one sound or in both (Sakoe and Chiba, 1978, without slope
    constraint); of equal ways it is in both. Cells on one antidiagonal do not need each other, so each is
    one step of the loop.
    """
    rows, columns = costs.shape
    flipped = costs[:, ::-1]
    came = np.empty((rows + columns - 1, rows), np.uint8)  # antidiagonal, row: 0 from both, 1 row, 2 column
    older, last = np.full((2, rows + 1), np.inf)  # least totals of two antidiagonals, one cell ahead of them
    older[0] = 0
    for place in range(rows + columns - 1):
        low, high = max(0, place - columns + 1), min(place + 1, rows)
        ways = np.stack([older[low:high], last[low:high], last[low + 1 : high + 1]])
        came[place, low:high] = ways.argmin(0)
        now = np.full(rows + 1, np.inf)
        now[low + 1 : high + 1] = ways.min(0) + flipped.diagonal(columns - 1 - place)
        older, last = last, now
    row, column = rows - 1, columns - 1
    pairs = [(row, column)]
    while row or column:
        way = came[row + column, row]
        row, column = row - (way != 2), column - (way != 1)
        pairs.append((row, column))
    first, second = np.array(pairs[::-1]).T
    return first, second


def _filters(sample_rate: int, window: int) -> Tensor:
    """Triangles of height 1 between whole frequencies, even in mels (O'Shaughnessy, 1987): (F, M)."""
    top = 2595 * math.log10(1 + sample_rate // 2 / 700)
    hertz = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    edges = torch.from_numpy(np.floor((window + 1) * hertz / sample_rate))
    place = torch.arange(window // 2 + 1)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    up = (place - low) / (middle - low).clamp(min=1)
    down = (high - place) / (high - middle).clamp(min=1)
    return torch.minimum(up, down).clamp(min=0)
