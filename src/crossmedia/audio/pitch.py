"""The fundamental frequency of a voice: YIN (de Cheveigné and Kawahara, 2002).

Shapes: B batch, S samples, T frames, N frames of all clips, W samples of a frame, L lags.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.limits import within
from crossmedia.nets.masks import masked

_PERIODS = 3  # of the lowest voice in a frame
_QUIET = 1e-4  # of the power of the clip's loudest frame, -40 dB: pauses, breath, echo
_NEAR = 0.1  # so little deeper a later dip may be: the paper's step 4, from the deepest dip on
_AT_ONCE = 250  # frames: what lies between them and their Hz stays in the cache
_TINY = torch.finfo(torch.float32).tiny


class Pitch(nn.Module):
    """The Hz of each frame, 0 where it is unvoiced.

    A frame has its middle on its sample, as those of `LogMel` have, and is three periods of `f_min` long. The
    difference of lag τ is the mean over all pairs of its samples that lie τ apart, so that its middle is the
    frame's for every lag. The period is the first dip of the cumulative mean normalised difference that is
    nearly as deep as the deepest; a frame is unvoiced where that is `threshold` or more, its aperiodicity, or
    where the frame is 40 dB below the clip's loudest.
    """

    def __init__(
        self,
        sample_rate: int = 16_000,
        hop_length: int = 160,
        f_min: float = 60.0,
        f_max: float = 500.0,
        threshold: float = 0.4,
    ):
        super().__init__()
        within(sample_rate=sample_rate, hop_length=hop_length, f_max=f_max, threshold=threshold)
        if not 0 < f_min < f_max:
            raise ValueError(f"f_min {f_min}: must be above 0 and below f_max {f_max}")
        if f_max > sample_rate / 4:
            raise ValueError(f"f_max {f_max}: must be at most a quarter of sample_rate {sample_rate}")
        self.sample_rate, self.hop_length, self.threshold = sample_rate, hop_length, threshold
        self.shortest = int(sample_rate / f_max)  # samples of a period
        self.longest = int(sample_rate / f_min) + 1
        self.width = _PERIODS * self.longest

    @torch.no_grad()
    def forward(self, waveforms: Tensor, lens: Tensor) -> Tensor:
        """(B, S) in [-1, 1], samples (B,) -> (B, 1 + S // hop_length), 0 behind each clip's end, too."""
        with torch.autocast(waveforms.device.type, enabled=False):
            half = self.width // 2
            padded = F.pad(masked(waveforms.float(), lens), (half, self.width - half))
            frames = padded.unfold(1, self.width, self.hop_length)  # (B, T, W)
            power = frames.var(-1, correction=0)  # (B, T)
            loud = power > _QUIET * power.amax(1, keepdim=True)
            hertz = torch.zeros_like(power)
            if loud.any():
                hertz[loud] = torch.cat([self._hertz(part) for part in frames[loud].split(_AT_ONCE)])
        return masked(hertz, 1 + lens // self.hop_length)

    def _hertz(self, frames: Tensor) -> Tensor:
        """(N, W) -> (N,)."""
        mean = self._differences(frames)  # (N, L), from lag 0 on
        lags = torch.arange(mean.shape[1], device=mean.device)
        ratio = mean * lags / mean.cumsum(1).clamp(min=_TINY)  # to the mean over the lags up to this one
        left, middle, right = (ratio[:, start : start + self.longest] for start in range(3))
        deepest = middle[:, self.shortest - 1 :].amin(1, keepdim=True)  # middle begins at lag 1
        near = (deepest < self.threshold) & (middle < deepest + _NEAR) & (lags[1:-1] >= self.shortest)
        found, place = (near & (middle <= left) & (middle <= right)).max(1)
        left, middle, right = mean.gather(1, place[:, None] + torch.arange(3, device=mean.device)).unbind(1)
        bent = (left - 2 * middle + right).clamp(min=_TINY)
        between = ((left - right) / (2 * bent)).clamp(-1, 1)  # where the parabola through the three is lowest
        return torch.where(found, self.sample_rate / (place + 1 + between), 0.0)

    def _differences(self, frames: Tensor) -> Tensor:
        """The mean squared difference of samples a lag apart, up to `longest` + 1: (N, W) -> (N, L)."""
        count = self.longest + 2
        spectrum = torch.fft.rfft(frames, 1 << (self.width + count).bit_length())
        products = torch.fft.irfft(spectrum.real.square() + spectrum.imag.square())[:, :count]
        squares = F.pad(frames.square().cumsum(1), (1, 0))  # (N, W + 1), before each sample
        first, last = squares[:, -count:].flip(1), squares[:, -1:] - squares[:, :count]
        pairs = self.width - torch.arange(count, device=frames.device)
        return (first + last - 2 * products).clamp(min=0) / pairs
