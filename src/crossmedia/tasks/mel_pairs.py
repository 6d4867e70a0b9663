"""What a synthesis shows of one text: where it looked, its mels beside the real ones.

Shapes: N decoder steps, L characters, T frames, M mel bins.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.report.panels import Grid, Matrix, Panel

SIDE = 256  # pixels of the picture of an attention
SECONDS = 3  # of the mels that are shown


def attention_grid(attention: Tensor) -> Panel:
    """Attention (N, L) of one text as a picture, time to the right, the text upwards; one a validation."""
    shade = (255 * attention.float().T.flip(0).clamp(0, 1)).to(torch.uint8)  # (L, N)
    picture = F.interpolate(shade[None, None], (SIDE, SIDE), mode="nearest").expand(1, 3, -1, -1)
    note = "Time to the right, the text from below upwards."
    return Grid("Alignment of the first text", picture, columns=1, note=note, through=True)


def mel_pair(real: Tensor, made: Tensor, mel: SpeechMel) -> list[Panel]:
    """The real and the made mels of one clip, (T, M) each, and their difference."""
    step = mel.hop_length / mel.mel.sample_rate
    most = int(SECONDS / step)
    shown = [real[:most], made[:most]]
    both = min(map(len, shown))
    away = (shown[1][:both] - shown[0][:both]) * mel.deviation
    low = mel.silence.item()
    return [
        _over_time("Mels of the first clip, real", shown[0] - low, step),
        _over_time("Mels of the first clip, made", shown[1] - low, step),
        _over_time("Their difference", away, step, "made less real, in logarithms of the power"),
    ]


def _over_time(title: str, mels: Tensor, step: float, note: str = "") -> Panel:
    """High bands above."""
    values = [[round(value, 3) for value in row] for row in mels.T.flip(0).tolist()]
    bands = [f"{band}" for band in range(len(values), 0, -1)]
    columns = [f"{frame * step:.2f}" for frame in range(len(mels))]
    return Matrix(title, bands, columns, values, "mel band", "seconds", note)
