"""What a synthesis shows of one text: where it looked, its mels beside the real ones.

Shapes: N decoder steps, L characters, T frames, M mel bins.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.report.panels import Grid, Matrix, Panel
from crossmedia.tasks.over_time import SECONDS

SIDE = 256  # pixels of the picture of an attention


def attention_grid(attention: Tensor) -> Panel:
    """Attention (N, L) of one text as a picture, time to the right, the text upwards; one a validation."""
    shade = (255 * attention.float().T.flip(0).clamp(0, 1)).to(torch.uint8)  # (L, N)
    picture = F.interpolate(shade[None, None], (SIDE, SIDE), mode="nearest").expand(1, 3, -1, -1)
    note = "Time to the right, the text from below upwards."
    return Grid("Alignment of the first text", picture, columns=1, note=note, through=True)


def mel_panels(mel: SpeechMel, real: Tensor, made: Tensor, sample_rate: int) -> list[Panel]:
    """The first seconds of real and made mels (T, M), and the one less the other, in nats of the power."""
    filters = mel.mel.filters
    hertz = (filters.argmax(0) * sample_rate / 2 / (len(filters) - 1)).round().int().tolist()[::-1]
    seconds = mel.hop_length / sample_rate
    both = min(len(real), len(made))
    parts = {"Mels": real, "Mels, made": made, "Mels, made less real": made[:both] - real[:both]}
    found: list[Panel] = []
    for title, values in parts.items():
        seen = (values[: math.ceil(SECONDS / seconds)] * mel.deviation).T.flip(0).cpu()  # (M, T)
        columns = [f"{frame * seconds:.2f}" for frame in range(seen.shape[1])]
        rows = [f"{band} Hz" for band in hertz]
        found.append(Matrix(title, rows, columns, seen.round(decimals=2).tolist(), "", "seconds"))
    return found
