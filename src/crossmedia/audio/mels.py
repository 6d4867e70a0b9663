"""Log-mel spectrograms of a batch of waveforms.

Shapes: B batch, N samples, T frames, W samples of a window, F frequencies, M mel bins.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.limits import within

FLOOR = 1e-10  # of the power: silence has a logarithm too

_AT_ONCE = 200_000  # samples a thread: what lies between them and their mels stays in its cache
_TOGETHER = 20  # bands of one product, which leaves out the frequencies that none of them sees

_LINEAR = 200 / 3  # Hz of a mel below the break of Slaney's scale
_BREAK = 1000.0  # Hz, where it goes on logarithmically
_STEP = math.log(6.4) / 27  # of a mel above it


class LogMel(nn.Module):
    """The logarithm of the power in `n_mels` bands, a frame each `hop_length` samples.

    The bands are those of the Auditory Toolbox (Slaney, 1998), each of area 1, as librosa's defaults are; the
    default sizes are 25 ms every 10 ms in 80 bands, as in Whisper (Radford et al., 2022). A frame has its
    middle on its sample and sees zeros beyond the ends: a clip's frames are the same alone and in a longer
    batch that is padded with zeros. `f_max` None is half the sample rate.
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        sample_rate: int = 16_000,
        n_fft: int = 400,
        win_length: int = 400,
        hop_length: int = 160,
        n_mels: int = 80,
        f_min: float = 0.0,
        f_max: float | None = None,
    ):
        super().__init__()
        within(sample_rate=sample_rate, n_fft=n_fft, win_length=win_length, hop_length=hop_length)
        within(n_mels=n_mels, f_min=f_min, f_max=f_max)
        if n_fft % 2:
            raise ValueError(f"n_fft {n_fft}: must be even")
        if win_length > n_fft:
            raise ValueError(f"win_length {win_length}: must be at most n_fft {n_fft}")
        top = sample_rate / 2 if f_max is None else f_max
        if top > sample_rate / 2:
            raise ValueError(f"f_max {f_max}: must be at most half of sample_rate {sample_rate}")
        if f_min >= top:
            raise ValueError(f"f_min {f_min}: must be below f_max {top:g}")
        self.n_fft, self.hop_length, self.n_mels = n_fft, hop_length, n_mels
        self.sample_rate, self.win_length, self.f_min, self.f_max = sample_rate, win_length, f_min, top
        filters = mel_filters(sample_rate, n_fft, n_mels, f_min, top)
        empty = int((filters.sum(0) == 0).sum())
        if empty:
            fault = f"must be fewer for n_fft {n_fft}: {empty} bands hold no frequency"
            raise ValueError(f"n_mels {n_mels}: {fault}")
        before = (n_fft - win_length) // 2
        window = F.pad(torch.hann_window(win_length), (before, n_fft - win_length - before))  # (W,)
        self.spans = [_span(part) for part in filters.split(_TOGETHER, dim=1)]
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("filters", filters, persistent=False)  # (F, M)

    def forward(self, waveforms: Tensor) -> Tensor:
        """(B, N) in [-1, 1] -> (B, 1 + N // hop_length, M), in float32 under any precision."""
        rows = len(waveforms)
        if waveforms.device.type == "cpu":
            rows = max(1, _AT_ONCE * torch.get_num_threads() // waveforms.shape[1])
        with torch.autocast(waveforms.device.type, enabled=False):
            return torch.cat([self._mels(part.float()) for part in waveforms.split(rows)])

    def _mels(self, waveforms: Tensor) -> Tensor:
        padded = F.pad(waveforms, (self.n_fft // 2, self.n_fft // 2))
        frames = padded.unfold(1, self.n_fft, self.hop_length) * self.window  # (B, T, W)
        spectrum = torch.fft.rfft(frames)  # (B, T, F)
        power = torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag)
        parts = zip(self.spans, self.filters.split(_TOGETHER, dim=1), strict=True)
        mels = torch.cat([power[..., low:high] @ part[low:high] for (low, high), part in parts], -1)
        return mels.clamp(min=FLOOR).log()  # (B, T, M)

    def settings(self) -> dict[str, float]:
        """The arguments that make an equal one."""
        names = ("sample_rate", "n_fft", "win_length", "hop_length", "n_mels", "f_min", "f_max")
        return {name: getattr(self, name) for name in names}

    def frames(self, lens: Tensor) -> Tensor:
        """How many frames clips of so many samples have (B,)."""
        return 1 + lens // self.hop_length


def mel_filters(sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float) -> Tensor:
    """Triangles of area 1 over the frequencies of a spectrum, evenly spaced in mels: float32 (F, M)."""
    mels = torch.linspace(_mel(f_min), _mel(f_max), n_mels + 2, dtype=torch.float64)
    edges = torch.where(
        mels < _mel(_BREAK), mels * _LINEAR, _BREAK * torch.exp(_STEP * (mels - _mel(_BREAK)))
    )  # (M + 2,) Hz
    hertz = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1, dtype=torch.float64)[:, None]  # (F, 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    up, down = (hertz - low) / (middle - low), (high - hertz) / (high - middle)  # (F, M)
    return (torch.minimum(up, down).clamp(min=0) * 2 / (high - low)).float()


def _span(filters: Tensor) -> tuple[int, int]:
    """From which frequency on and up to which some of these bands see something."""
    seen = filters.any(dim=1).nonzero()
    return int(seen[0]), int(seen[-1]) + 1


def _mel(hertz: float) -> float:
    if hertz < _BREAK:
        return hertz / _LINEAR
    return _BREAK / _LINEAR + math.log(hertz / _BREAK) / _STEP
