"""Sounds for nets that make sound: a short crop of each in training, whole clips where they are scored."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from crossmedia.data.batches import Clips, CropBatch, Meta, Sample
from crossmedia.data.views import clips_of
from crossmedia.limits import within

OVER = 8  # a crop may reach over either end of its clip by one part in so many: there is silence


class CropView:
    """Sounds alone: in training `samples` of each, from a place that is drawn anew each epoch.

    Where a clip does not fill its crop, there is silence.
    """

    needs = ("waveform",)

    def __init__(self, samples: int = 8192):
        within(samples=samples)
        self.samples = samples

    def __call__(self, samples: Sequence[Sample], draws: list[Generator] | None, meta: Meta) -> CropBatch:
        if draws:
            crops = [self._crop(*pair) for pair in zip(samples, draws, strict=True)]
            clips = Clips(torch.stack(crops), torch.full((len(crops),), self.samples))
        else:
            clips = clips_of(samples, None, None)
        return CropBatch(
            inputs=clips,
            valid=torch.ones(len(samples), dtype=torch.bool),
            ids=[sample.id for sample in samples],
            references=[sample.transcript for sample in samples],
        )

    def _crop(self, sample: Sample, draw: Generator) -> Tensor:
        waveform: Any = sample.waveform
        spare, over = len(waveform) - self.samples, self.samples // OVER
        low, high = min(0, spare) - over, max(0, spare) + over
        start = int(torch.randint(low, high + 1, (1,), generator=draw))
        part = waveform[max(0, start) : max(0, start + self.samples)]
        before = min(self.samples, max(0, -start))
        return F.pad(part, (before, self.samples - before - len(part)))
