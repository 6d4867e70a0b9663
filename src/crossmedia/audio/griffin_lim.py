"""Mels to waveforms without learning: Griffin and Lim's (1984) search for phases.

Shapes: B batch, T frames, M mel bins, F frequencies, S samples.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.audio.speech_mel import FLOOR, SpeechMel
from crossmedia.data.order import generator
from crossmedia.errors import ConfigError
from crossmedia.limits import within
from crossmedia.nets.masks import masked

SPLITS = 60  # steps that share out the power of each band among its frequencies; more are not heard
LEAST = 1e-12  # of a divisor
AT_ONCE = 4  # clips on a CPU, whose cache holds no more


class GriffinLim(nn.Module):
    """Magnitudes that fit the mels, then phases by turns of the inverse transform and the transform.

    The power of each frequency is what the divergence of the bands is least for (Lee and Seung, 2001);
    `momentum` is that of the fast algorithm (Perraudin et al., 2013), 0 is the old one. The phases begin at
    random, always alike.
    """

    def __init__(self, mel: SpeechMel, iterations: int = 32, momentum: float = 0.99):
        super().__init__()
        within(iterations=iterations, momentum=momentum)
        if mel.hop_length >= mel.mel.win_length:  # whose window is 0 at its first sample
            found = f"model.mel.mel.hop_length={mel.hop_length}: must be less than win_length"
            raise ConfigError(f"{found}, {mel.mel.win_length}, for Griffin-Lim")
        self.mel, self.iterations, self.momentum = mel, iterations, momentum

    @torch.no_grad()
    def waveforms(self, mels: Tensor, lens: Tensor) -> Tensor:
        """Normalised mels (B, T, M) and their frames (B,) -> (B, T · hop) in [-1, 1], sample t · hop in the
        middle of frame t, silence behind each clip's end.
        """
        at_once = AT_ONCE if mels.device.type == "cpu" else len(mels)
        parts = zip(mels.split(at_once), lens.split(at_once), strict=True)
        return torch.cat([self._waveforms(*part, mels.shape[1]) for part in parts])

    def _waveforms(self, mels: Tensor, lens: Tensor, frames: int) -> Tensor:
        mels, hop = mels[:, : int(lens.max())], self.mel.hop_length
        behind = self.mel.mel.n_fft // hop + 1  # frames of silence, or a clip would end otherwise in a batch
        magnitudes = masked(self._power(mels.float()), lens).sqrt()
        magnitudes = F.pad(magnitudes, (0, 0, 0, behind)).transpose(1, 2)  # (B, F, T)
        turns = torch.zeros_like(magnitudes)
        for row, count in enumerate(lens.tolist()):
            drawn = torch.rand(magnitudes.shape[1], count, generator=generator("phases", count))
            turns[row, :, :count] = drawn.to(turns)
        spectra = torch.polar(magnitudes, 2 * torch.pi * turns)
        before = torch.zeros_like(spectra)
        for _ in range(self.iterations):
            possible = self._spectra(self._inverse(spectra))
            ahead = (possible * (1 + self.momentum)).sub_(before, alpha=self.momentum)
            spectra, before = ahead.mul_(magnitudes / ahead.abs().clamp_(min=LEAST)), possible
        found = masked(self._inverse(spectra)[:, : mels.shape[1] * hop].clamp(-1, 1), lens * hop)
        return F.pad(found, (0, frames * hop - found.shape[1]))

    def _power(self, mels: Tensor) -> Tensor:
        """(B, T, M) -> (B, T, F), none below 0, whose bands are as near as can be to the mels'."""
        filters = self.mel.mel.filters  # (F, M)
        bands = (self.mel.power(mels) - FLOOR).clamp(min=0)
        power = bands @ filters.T
        for _ in range(SPLITS):
            lacking = bands / (power @ filters).clamp(min=LEAST)
            power = power * (lacking @ filters.T) / filters.sum(1).clamp(min=LEAST)
        return power

    def _spectra(self, waveforms: Tensor) -> Tensor:
        window, size = self.mel.mel.window, self.mel.mel.n_fft
        return torch.stft(
            waveforms, size, self.mel.hop_length, window=window, pad_mode="constant", return_complex=True
        )

    def _inverse(self, spectra: Tensor) -> Tensor:
        return torch.istft(spectra, self.mel.mel.n_fft, self.mel.hop_length, window=self.mel.mel.window)
