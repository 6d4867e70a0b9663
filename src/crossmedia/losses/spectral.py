"""The distance of two sounds by their spectra of several sizes (Yamamoto et al., 2020).

Shapes: B batch, S samples, T frames, F frequencies.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crossmedia.limits import within
from crossmedia.nets.masks import masked

_FLOOR = 1e-7  # of the power: silence has a logarithm too


class MultiResolutionSTFT(nn.Module):
    """For each (n_fft, hop_length, win_length) the spectral convergence ‖|Y| - |X|‖ / ‖|Y|‖ of made X and
    real Y, Frobenius norms, and the mean of |log |Y| - log |X||; their sum's mean over the sizes.

    A frame has its middle on its sample and sees zeros beyond the ends. What lies behind a clip's end does
    not count.
    """

    def __init__(
        self,
        resolutions: Sequence[tuple[int, int, int]] = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240)),
    ):
        super().__init__()
        if not resolutions:
            raise ValueError("resolutions []: must be one or more")
        for n_fft, hop_length, win_length in resolutions:
            within(n_fft=n_fft, hop_length=hop_length, win_length=win_length)
            if win_length > n_fft:
                raise ValueError(f"win_length {win_length}: must be at most n_fft {n_fft}")
        self.resolutions = [(n_fft, hop_length, win_length) for n_fft, hop_length, win_length in resolutions]

    def forward(self, made: Tensor, real: Tensor, lens: Tensor) -> Tensor:
        """(B, S), (B, S), samples (B,) -> the distance of each clip (B,), in float32 under any precision."""
        with torch.autocast(made.device.type, enabled=False):
            sounds = masked(torch.cat([made, real]).float(), lens.repeat(2))
            found = [self._distance(sounds, lens, *sizes) for sizes in self.resolutions]
        return torch.stack(found).mean(0)

    def _distance(self, sounds: Tensor, lens: Tensor, n_fft: int, hop_length: int, win_length: int) -> Tensor:
        window = torch.hann_window(win_length, device=sounds.device)
        spectra = torch.stft(
            sounds, n_fft, hop_length, win_length, window, pad_mode="constant", return_complex=True
        ).transpose(1, 2)  # (2 B, T, F)
        power = spectra.real.square() + spectra.imag.square()
        made, real = power.clamp(min=_FLOOR).sqrt().chunk(2)
        frames = 1 + lens // hop_length
        apart, logarithms = masked(real - made, frames), masked((real / made).log().abs(), frames)
        convergence = apart.norm(dim=(1, 2)) / masked(real, frames).norm(dim=(1, 2))
        return convergence + logarithms.sum((1, 2)) / (frames * real.shape[2])
