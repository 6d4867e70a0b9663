"""HiFi-GAN (Kong et al., 2020): mel frames to a waveform, and the two discriminators that judge it.

Shapes: B batch, T frames, M mel bins, S samples (T times the hop), C channels, P period.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from crossmedia.limits import within
from crossmedia.nets.source import Source

SLOPE = 0.1  # of leaky ReLUs
ENDS = 7  # frames, or samples, that the first and the last convolution see
OVERLAP = 4  # windows of the inverse transform over one sample (Kaneko et al., 2022)
LOUDEST = 10.0  # logarithm of a magnitude: an untrained net's must not overflow
# Of the discriminators' layers: what the width is multiplied by, kernel, stride, groups (appendix A.2)
PERIOD_LAYERS = ((1, 3), (4, 3), (16, 3), (32, 3), (32, 1))  # times the width, stride; the kernel is 5
SCALE_LAYERS = (
    (1, 15, 1, 1),
    (1, 41, 2, 4),
    (2, 41, 2, 16),
    (4, 41, 4, 16),
    (8, 41, 4, 16),
    (8, 41, 1, 16),
    (8, 5, 1, 1),
)
GROUPS = 16


class HiFiGAN(nn.Module):
    """The generator: each of `rates` makes that many steps of one, of half the channels, and lets residual
    blocks of several `kernels` refine them; the defaults are the paper's V1.

    What the product of the rates lacks to `hop_length` is left to an inverse short-time Fourier transform of
    predicted magnitudes and phases (iSTFTNet; Kaneko et al., 2022), which costs next to nothing. Frame t
    makes the samples from t · hop_length on. With `harmonics`, the voice's source of so many (`Source`), at
    `sample_rate`, enters behind each of the rates.
    """

    def __init__(
        self,
        n_mels: int = 80,
        hop_length: int = 256,
        channels: int = 512,
        rates: Sequence[int] = (8, 8, 2, 2),
        kernels: Sequence[int] = (3, 7, 11),
        dilations: Sequence[int] = (1, 3, 5),
        harmonics: int = 0,
        sample_rate: int = 22_050,
    ):
        super().__init__()
        within(n_mels=n_mels, hop_length=hop_length, channels=channels, harmonics=harmonics)
        within(rates=rates, kernels=kernels, dilations=dilations)
        product = math.prod(rates)
        if hop_length % product:
            raise ValueError(f"rates {list(rates)}: must divide hop_length {hop_length} by their product")
        if channels % 2 ** len(rates):
            raise ValueError(f"channels {channels}: must be a multiple of {2 ** len(rates)}")
        if even := [kernel for kernel in kernels if kernel % 2 == 0]:
            raise ValueError(f"kernels {list(kernels)}: must be odd, {even[0]} is not")
        self.n_mels, self.hop_length = n_mels, hop_length
        self.step = hop_length // product  # samples of one step at the highest rate
        self.first = weight_norm(nn.Conv1d(n_mels, channels, ENDS, padding=ENDS // 2))
        self.source = Source(n_mels, hop_length, sample_rate, harmonics) if harmonics else None
        self.ups, self.blocks, self.enter = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        stride = hop_length
        for rate in rates:
            self.ups.append(_up(channels, channels // 2, rate))
            channels, stride = channels // 2, stride // rate
            if harmonics:
                self.enter.append(_Enter(harmonics + 1, channels, stride))
            self.blocks.append(_Fusion(_Residual(channels, kernel, dilations) for kernel in kernels))
        self.window: Tensor
        self.register_buffer("window", torch.hann_window(OVERLAP * self.step), persistent=False)
        outputs = 1 if self.step == 1 else OVERLAP * self.step + 2  # a magnitude and a phase each frequency
        self.last = weight_norm(nn.Conv1d(channels, outputs, ENDS, padding=ENDS // 2))
        ahead = 0.0 if self.source is None else self.source.context
        self.context = _context(rates, max(kernels), dilations, ahead)

    def forward(self, mels: Tensor) -> Tensor:
        """(B, T, M) -> (B, S) in [-1, 1]."""
        x = self.first(mels.transpose(1, 2))  # (B, C, T)
        source = None if self.source is None else self.source(mels)
        for place, (up, blocks) in enumerate(zip(self.ups, self.blocks, strict=True)):
            x = up(F.leaky_relu(x, SLOPE))  # (B, C / 2, rate · T)
            x = blocks(x if source is None else x + self.enter[place](source))
        x = F.leaky_relu(x)
        if self.step == 1:
            return self.last(x)[:, 0].float().tanh()
        return self._inverse(self.last(F.pad(x, (1, 0), "reflect")).float())

    def _inverse(self, x: Tensor) -> Tensor:
        """(B, 2 · frequencies, 1 + S / step) -> (B, S)."""
        magnitudes, phases = x.chunk(2, dim=1)
        spectra = torch.polar(magnitudes.clamp(max=LOUDEST).exp(), math.pi * phases.sin())
        return torch.istft(spectra, len(self.window), self.step, window=self.window).clamp(-1, 1)


class Discriminators(nn.Module):
    """Every judge of a waveform: one for each of `periods`, and for each of `scales`, halvings of the rate.

    The widths are of their first layers; all are the paper's (32, 128).
    """

    def __init__(
        self,
        periods: Sequence[int] = (2, 3, 5, 7, 11),
        scales: int = 3,
        period_width: int = 32,
        scale_width: int = 128,
    ):
        super().__init__()
        within(periods=periods, scales=scales, period_width=period_width, scale_width=scale_width)
        if scale_width % GROUPS:
            raise ValueError(f"scale_width {scale_width}: must be a multiple of {GROUPS}")
        self.periods = nn.ModuleList(_Period(period, period_width) for period in periods)
        self.scales = nn.ModuleList(_Scale(scale_width, spectral=place == 0) for place in range(scales))

    def forward(self, waveforms: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """(B, S) -> the scores (B, ·) of each judge, the larger, the more real, and what all layers saw."""
        scores, features = [], []
        for judge in self.periods:
            seen = judge(waveforms)
            scores.append(seen[-1].flatten(1))
            features += seen[:-1]
        x = waveforms[:, None]  # (B, 1, S)
        for place, judge in enumerate(self.scales):
            x = F.avg_pool1d(x, 4, 2, padding=2) if place else x
            seen = judge(x)
            scores.append(seen[-1].flatten(1))
            features += seen[:-1]
        return scores, features


class _Enter(nn.Module):
    """A source (B, H + 1, S) at a lower rate: (B, C, S / stride), each step seeing two."""

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.around = stride // 2, stride - stride // 2
        self.layer = nn.Conv1d(before, after, 2 * stride, stride)

    def forward(self, source: Tensor) -> Tensor:
        return self.layer(F.pad(source, self.around))


class _Fusion(nn.ModuleList):
    """The mean of what its parts make of one thing."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([part(x) for part in self]).mean(0)


class _Residual(nn.Module):
    """For each dilation, two convolutions beside the identity."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int]):
        super().__init__()
        self.firsts = nn.ModuleList(_same(channels, kernel, dilation) for dilation in dilations)
        self.seconds = nn.ModuleList(_same(channels, kernel, 1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.firsts, self.seconds, strict=True):
            inner = first(F.leaky_relu(x, SLOPE))
            x = x + second(F.leaky_relu(inner, SLOPE))
        return x


class _Period(nn.Module):
    """Sees the samples in columns of one period: convolutions go along each column."""

    def __init__(self, period: int, width: int):
        super().__init__()
        self.period = period
        self.layers, before = nn.ModuleList(), 1
        for times, stride in PERIOD_LAYERS:
            convolution = nn.Conv2d(before, times * width, (5, 1), (stride, 1), padding=(2, 0))
            self.layers.append(weight_norm(convolution))
            before = times * width
        self.score = weight_norm(nn.Conv2d(before, 1, (3, 1), padding=(1, 0)))

    def forward(self, waveforms: Tensor) -> list[Tensor]:
        lacking = -waveforms.shape[1] % self.period
        x = F.pad(waveforms[:, None], (0, lacking), "reflect").unflatten(
            2, (-1, self.period)
        )  # (B, 1, S/P, P)
        return _seen(self.layers, self.score, x)


class _Scale(nn.Module):
    """Sees the samples in their order, by wide grouped convolutions."""

    def __init__(self, width: int, spectral: bool):
        super().__init__()
        norm = spectral_norm if spectral else weight_norm
        self.layers, before = nn.ModuleList(), 1
        for times, kernel, stride, groups in SCALE_LAYERS:
            convolution = nn.Conv1d(before, times * width, kernel, stride, kernel // 2, groups=groups)
            self.layers.append(norm(convolution))
            before = times * width
        self.score = norm(nn.Conv1d(before, 1, 3, padding=1))

    def forward(self, x: Tensor) -> list[Tensor]:
        return _seen(self.layers, self.score, x)


def _seen(layers: nn.ModuleList, score: nn.Module, x: Tensor) -> list[Tensor]:
    """What each layer gives, the score last."""
    found = []
    for layer in layers:
        x = F.leaky_relu(layer(x), SLOPE)
        found.append(x)
    return [*found, score(x)]


def _up(before: int, after: int, rate: int) -> nn.Module:
    """From one step to `rate` of them, (B, before, T) -> (B, after, rate · T), each seen by two."""
    layer = nn.ConvTranspose1d(
        before, after, 2 * rate, rate, padding=(rate + 1) // 2, output_padding=rate % 2
    )
    return weight_norm(_started(layer))


def _same(channels: int, kernel: int, dilation: int) -> nn.Module:
    padding = dilation * (kernel // 2)
    return weight_norm(_started(nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=padding)))


def _started(layer: nn.Conv1d | nn.ConvTranspose1d) -> nn.Module:
    """The authors' start: weights from a normal distribution of deviation 0.01."""
    nn.init.normal_(layer.weight, std=0.01)
    return layer


def _context(rates: Sequence[int], kernel: int, dilations: Sequence[int], source: float) -> int:
    """Frames to come that a sample, or one half a frame later, can depend on; those that `source` looks ahead
    enter behind each rate."""
    frames, reached = 0.5 + ENDS // 2, 1
    for rate in rates:
        frames += 1 / reached  # a transposed convolution sees the next step
        reached *= rate
        frames = max(frames, 0.5 + source + 1 / reached)
        frames += (kernel // 2) * (sum(dilations) + len(dilations)) / reached
    return math.ceil(frames + (ENDS // 2 + OVERLAP) / reached)
