"""From waveforms to the log-mel frames that nets for sound begin with.

Shapes: B batch, S samples, T frames, F mel bands.
"""

import torch
from torch import Tensor, nn

from crossmedia.audio.mels import LogMel
from crossmedia.data.batches import Clips
from crossmedia.limits import within
from crossmedia.nets.masks import masked

QUIET = 1e-2  # added to a band's deviation: one that hardly moves is not blown up into noise


class MelFrontEnd(nn.Module):
    """Clips to log-mels of mean 0 and deviation 1 in each band of each clip; in training `augment` hides
    parts.

    Where `mean` and `deviation` of the log power are given, every band of every clip is normalised by them
    (Gong et al., 2021): then a loud clip is not as a quiet one. Padding changes no frame of a clip.
    """

    def __init__(
        self,
        mel: LogMel,
        augment: nn.Module | None = None,
        mean: float | None = None,
        deviation: float = 1.0,
    ):
        super().__init__()
        within(mean=mean, deviation=deviation)
        self.mel, self.augment = mel, augment
        self.mean, self.deviation = mean, deviation
        self.dim = mel.n_mels

    def forward(self, clips: Clips) -> tuple[Tensor, Tensor]:
        """-> (B, T, F), zeros behind each clip's end, and the frames of each (B,)."""
        mels, lens = self.mel(clips.waveforms), self.mel.frames(clips.lens)
        if self.mean is None:
            mels = normalised(mels, lens)
        else:
            mels = masked((mels - self.mean) / self.deviation, lens)
        if self.augment is not None and self.training:
            mels = self.augment(mels, lens)
        return mels, lens


def normalised(mels: Tensor, lens: Tensor) -> Tensor:
    """Each band less its mean over the clip, by its deviation; zeros behind the clip's end."""
    with torch.autocast(mels.device.type, enabled=False):
        count = lens[:, None, None]
        mean = masked(mels, lens).sum(1, keepdim=True) / count
        away = masked(mels - mean, lens)
        deviation = (away.square().sum(1, keepdim=True) / count).sqrt()
        return away / (deviation + QUIET)
