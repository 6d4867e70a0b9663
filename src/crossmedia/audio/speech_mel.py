"""The log-mel spectrograms that are predicted from text and from which vocoders make sound.

Shapes: B batch, S samples, T frames, M mel bins.
"""

import math

import torch
from torch import Tensor, nn

from crossmedia.audio.mels import LogMel
from crossmedia.limits import within
from crossmedia.nets.masks import masked

FLOOR = 1e-5  # of the power in a band: what is quieter is silence, and silence is one number


class SpeechMel(nn.Module):
    """Log-mels above a floor, less `mean`, by `deviation`; the defaults bring speech to about 0 and 1.

    Two sounds of one rate have equal frames by equal settings: acoustic model and vocoder must share them.
    """

    silence: Tensor  # (), the normalised mel of every band where there is no sound

    def __init__(self, mel: LogMel, mean: float = -5.5, deviation: float = 4.0):
        super().__init__()
        within(mean=mean, deviation=deviation)
        self.mel, self.mean, self.deviation = mel, mean, deviation
        self.n_mels, self.hop_length = mel.n_mels, mel.hop_length
        silence = torch.tensor((math.log(FLOOR) - mean) / deviation)
        self.register_buffer("silence", silence, persistent=False)

    def forward(self, waveforms: Tensor, lens: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S) in [-1, 1], samples (B,) -> (B, T, M), zeros behind each clip's end, and its frames (B,)."""
        mels = (self.mel(waveforms).clamp(min=math.log(FLOOR)) - self.mean) / self.deviation
        frames = self.mel.frames(lens)
        return masked(mels, frames), frames

    def power(self, mels: Tensor) -> Tensor:
        """Normalised mels as the power in each band, as it was."""
        return (mels.float() * self.deviation + self.mean).exp()

    def settings(self) -> dict[str, float]:
        """What two spectrograms must have alike to be the same."""
        return {**self.mel.settings(), "mean": self.mean, "deviation": self.deviation}
