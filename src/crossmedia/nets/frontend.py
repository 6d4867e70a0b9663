"""From waveforms to the log-mel frames that nets for sound begin with.

Shapes: B batch, S samples, T frames, F mel bands.
"""

import math

import torch
from torch import Tensor, nn

from crossmedia.audio.mels import LogMel
from crossmedia.data.batches import Clips
from crossmedia.limits import within
from crossmedia.nets.masks import mask_of, masked

QUIET = 1e-2  # added to a band's deviation: one that hardly moves is not blown up into noise


class MelFrontEnd(nn.Module):
    """Clips to log-mels of mean 0 and deviation 1 in each band of each clip; in training `augment` hides
    parts.

    With `top_db` what is further below the loudest cell of its clip counts as that far below it, so that
    digital silence is not far quieter than a pause in speech (80 dB in Whisper; Radford et al., 2022). Where
    `mean` and `deviation` of the log power are given, every band of every clip is normalised by them (Gong et
    al., 2021): then a loud clip is not as a quiet one. Padding changes no frame of a clip.
    """

    def __init__(
        self,
        mel: LogMel,
        augment: nn.Module | None = None,
        mean: float | None = None,
        deviation: float = 1.0,
        top_db: float | None = None,
    ):
        super().__init__()
        within(mean=mean, deviation=deviation, top_db=top_db)
        self.mel, self.augment = mel, augment
        self.mean, self.deviation, self.top_db = mean, deviation, top_db
        self.dim = mel.n_mels

    def forward(self, clips: Clips) -> tuple[Tensor, Tensor]:
        """-> (B, T, F), zeros behind each clip's end, and the frames of each (B,)."""
        mels, lens = self.mel(clips.waveforms), self.mel.frames(clips.lens)
        if self.top_db is not None:
            mels = floored(mels, lens, self.top_db)
        if self.mean is None:
            mels = normalised(mels, lens)
        else:
            mels = masked((mels - self.mean) / self.deviation, lens)
        if self.augment is not None and self.training:
            mels = self.augment(mels, lens)
        return mels, lens


def floored(mels: Tensor, lens: Tensor, top_db: float) -> Tensor:
    """Mels (B, T, F) of a natural logarithm, none more than `top_db` below the clip's own loudest."""
    away = ~mask_of(lens, mels.shape[1])[..., None]
    peak = mels.masked_fill(away, -torch.inf).amax((1, 2), keepdim=True)
    return torch.maximum(mels, peak - top_db / 10 * math.log(10))


def normalised(mels: Tensor, lens: Tensor) -> Tensor:
    """Each band less its mean over the clip, by its deviation; zeros behind the clip's end."""
    with torch.autocast(mels.device.type, enabled=False):
        count = lens[:, None, None]
        mean = masked(mels, lens).sum(1, keepdim=True) / count
        away = masked(mels - mean, lens)
        deviation = (away.square().sum(1, keepdim=True) / count).sqrt()
        return away / (deviation + QUIET)
