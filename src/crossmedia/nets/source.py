"""The source of a voice: its pitch, read from mels, and the harmonics that a vocoder shapes into speech.

Shapes: B batch, T frames, M mel bins, S samples (T times the hop), H harmonics.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.limits import within

WIDTH = 64
KERNEL = 5  # frames that each of two convolutions sees
LOWEST, HIGHEST = 50.0, 600.0  # Hz
START = 150.0  # Hz, where learning begins
HISS = 0.3  # deviation of the noise
PERIOD = 1 << 16  # samples after which the noise begins anew, outside training


class Source(nn.Module):
    """Sines of the pitch and its multiples where there is a voice, and noise (Wang et al., 2019, NSF).

    The pitch is read from the mels (Li et al., 2023, HiFTNet). Its phase is a sum over all samples before,
    which is what a convolution cannot know: without it a vocoder that has learnt for minutes hums at the
    frame rate.
    """

    def __init__(self, n_mels: int, hop_length: int, sample_rate: int, harmonics: int = 8):
        super().__init__()
        within(n_mels=n_mels, hop_length=hop_length, sample_rate=sample_rate, harmonics=harmonics)
        self.hop_length, self.sample_rate, self.harmonics = hop_length, sample_rate, harmonics
        self.context = 2 * (KERNEL // 2) + 0.5  # frames to come that a sample's pitch depends on
        self.read = nn.Sequential(
            nn.Conv1d(n_mels, WIDTH, KERNEL, padding="same"),
            nn.LeakyReLU(),
            nn.Conv1d(WIDTH, WIDTH, KERNEL, padding="same"),
            nn.LeakyReLU(),
            nn.Conv1d(WIDTH, 2, 1),
        )
        self.noise: Tensor
        noise = torch.randn(PERIOD, generator=torch.Generator().manual_seed(0))
        self.register_buffer("noise", noise, persistent=False)

    def pitch(self, mels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, M) -> log Hz, and logits of there being a voice, (B, T) each."""
        hertz, voiced = self.read(mels.transpose(1, 2)).float().unbind(1)
        return hertz + math.log(START), voiced

    def forward(self, mels: Tensor) -> Tensor:
        """(B, T, M) -> the harmonics and the noise, (B, H + 1, S); no gradient goes back to the pitch."""
        with torch.no_grad(), torch.autocast(mels.device.type, enabled=False):
            hertz, voiced = self.pitch(mels.float())
            each = torch.stack([hertz.exp().clamp(LOWEST, HIGHEST), voiced.sigmoid()], 1)
            hertz, loud = F.interpolate(each, scale_factor=self.hop_length, mode="linear").unbind(1)  # (B, S)
            exact = hertz.cpu() if hertz.device.type == "mps" else hertz  # mps has no float64
            turns = ((exact.double() / self.sample_rate).cumsum(1) % 1).to(hertz)
            times = torch.arange(1, self.harmonics + 1, device=mels.device)[:, None]  # (H, 1)
            sines = (2 * math.pi * turns[:, None] * times).sin()
            sines = sines * loud[:, None] * (hertz[:, None] * times < self.sample_rate / 2)
            return torch.cat([sines, HISS * self._noise(hertz)[:, None]], 1).to(mels.dtype)

    def _noise(self, like: Tensor) -> Tensor:
        if self.training:
            return torch.randn_like(like)
        whole = self.noise.repeat(-(-like.shape[1] // PERIOD))
        return whole[: like.shape[1]].expand_as(like)
