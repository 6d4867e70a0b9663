"""From sounds of any sample rate to waveforms at the rate that a net takes."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from crossmedia.audio.read import MAX_SECONDS, read_audio
from crossmedia.audio.resample import resampled
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP
from crossmedia.limits import within


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
        return torch.from_numpy(resampled(waveform.numpy(), sample_rate, self.sample_rate))

    def config(self) -> dict[str, Any]:
        """Plain values that build an equal transform."""
        return {
            "_target_": "crossmedia.audio.transforms.AudioTransform",
            "sample_rate": self.sample_rate,
        }
