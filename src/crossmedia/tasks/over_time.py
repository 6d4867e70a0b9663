"""What tasks that hear show of one sound over its seconds: its spectrogram, and what a net makes of it."""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from crossmedia.audio.mels import LogMel
from crossmedia.report.panels import Matrix
from crossmedia.text.tokenizer import EOS, PAD

BANDS, SECONDS = 32, 4  # of a spectrogram; the start of a longer sound is shown
SIZE = 256  # samples of a transform, at least: where a rate is low, no band is empty
LOUDNESS = math.log(10**6)  # shown of it, below the loudest: 60 dB


def spectrogram(title: str, waveform: Tensor, sample_rate: int) -> Matrix:
    """High bands above, a frame every 10 ms; waveform (samples,)."""
    window, hop = int(0.025 * sample_rate) // 2 * 2, sample_rate // 100
    size = max(window, SIZE)
    mel = LogMel(sample_rate, size, window, hop, BANDS)
    mels = mel(waveform[None, : SECONDS * sample_rate])[0].T.flip(0)  # (M, T)
    hertz = (mel.filters.argmax(0) * sample_rate / size).round().int().tolist()[::-1]
    columns = [f"{frame * hop / sample_rate:g}" for frame in range(mels.shape[1])]
    values = (mels - mels.max() + LOUDNESS).clamp(min=0).tolist()
    return Matrix(title, [f"{band} Hz" for band in hertz], columns, values, "", "seconds")


def over_time(title: str, tokens: Sequence[int], values: Tensor, tokenizer: Any, seconds: float) -> Matrix:
    """A row for each token, a column for each frame of `seconds`; values (tokens, T)."""
    shown = values[:, : math.ceil(SECONDS / seconds)].float().cpu().tolist()
    columns = [f"{frame * seconds:.2f}" for frame in range(len(shown[0]) if shown else 0)]
    return Matrix(title, [_name(token, tokenizer) for token in tokens], columns, shown, "token", "seconds")


def _name(token: int, tokenizer: Any) -> str:
    if token in (PAD, EOS):  # of CTC and transducers, PAD is the blank
        return "(end)" if token == EOS else "(blank)"
    text = tokenizer.decode([token])
    return "(space)" if text == " " else text or "?"
