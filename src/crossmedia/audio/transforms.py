"""From sounds of any sample rate to waveforms at the rate that a net takes."""

from functools import lru_cache
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from crossmedia.audio.read import MAX_SECONDS, read_audio
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP
from crossmedia.limits import within

_CROSSINGS = 10  # of the filter's sine to either side; it takes 9 kHz down by 40 dB on the way to 16 kHz
_BETA = 5.0  # of its Kaiser window


class AudioTransform:
    """Resamples every waveform from its own rate to `sample_rate` by a polyphase filter."""

    def __init__(self, sample_rate: int = 16_000):
        within(sample_rate=sample_rate)
        self.sample_rate = sample_rate

    def read(self, path: str | Path, max_seconds: float = MAX_SECONDS) -> Tensor:
        """A file's waveform (samples,) at `sample_rate`; a `DataError` names the file."""
        try:
            return self.prepare(*read_audio(path, max_seconds))
        except DataError as error:  # a sound that someone asks about is none to leave out
            raise DataError(*(line.removesuffix(SKIP) for line in error.lines)) from error

    def prepare(self, waveform: Tensor, sample_rate: int) -> Tensor:
        """float32 (samples,) at any rate -> float32 (⌈samples · new / old⌉,) at `sample_rate`."""
        if sample_rate == self.sample_rate:
            return waveform
        from scipy.signal import resample_poly  # takes a second to import

        common = gcd(sample_rate, self.sample_rate)
        up, down = self.sample_rate // common, sample_rate // common
        return torch.from_numpy(resample_poly(waveform.numpy(), up, down, window=_lowpass(max(up, down))))

    def config(self) -> dict[str, Any]:
        """Plain values that build an equal transform."""
        return {
            "_target_": "crossmedia.audio.transforms.AudioTransform",
            "sample_rate": self.sample_rate,
        }


@lru_cache(maxsize=8)  # a set of sounds has few rates, and the filter of odd ones is long
def _lowpass(factor: int) -> np.ndarray:
    """A filter (taps,) that lets the lowest 1 / `factor` of the band through."""
    places = np.arange(-_CROSSINGS * factor, _CROSSINGS * factor + 1)
    taps = np.sinc(places / factor) * np.kaiser(len(places), _BETA)
    return (taps / taps.sum()).astype(np.float32)
