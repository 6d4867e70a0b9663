"""How near made speech comes to real speech of the same text, and how straight an attention reads.

Shapes: B batch, S samples, T frames, L tokens, P pairs of frames.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from crossmedia.audio.pitch import Pitch
from crossmedia.limits import within
from crossmedia.metrics.cepstra import HOP, WINDOW, distances, filled, mel_cepstra, warped
from crossmedia.metrics.ratios import Ratio

SCORES = {"mcd": "min", "f0_error": "min", "voicing_error": "min", "length_error": "min"}
_OCTAVE = 1200  # cents
_BAND = 0.2  # of the text, to either side of the diagonal


class SpeechQuality(nn.Module):
    """The scores `SCORES` of made sounds beside real ones, along the path of least mel-cepstral distortion.

    `mcd` is the mean over clips of `mel_cepstral_distortion`. Over the pairs of frames of all clips,
    `f0_error` is the root mean square of the pitch's error in cents where both are voiced, 0 where that is
    nowhere, and `voicing_error` the share of pairs of which one alone is voiced. `length_error` is the
    seconds by which the made ones are longer or shorter, by the real seconds of all clips. A sound that is
    empty or shorter than a frame is followed by silence up to one, and silence is unvoiced.
    """

    def __init__(self, sample_rate: int = 16_000):
        super().__init__()
        within(sample_rate=sample_rate)
        self.sample_rate = sample_rate
        self.pitch = Pitch(sample_rate, sample_rate * HOP // 1000)
        self.ratios = nn.ModuleDict({name: Ratio(root=name == "f0_error") for name in SCORES})

    def update(self, made: Sequence[Tensor], real: Sequence[Tensor]) -> None:
        """Pairs of waveforms (S,) and (S',) of one text at `sample_rate`."""
        found = [self.compared(mine, theirs) for mine, theirs in zip(made, real, strict=True)]
        for name, ratio in self.scores().items():
            ratio.update([sums[name] for sums in found])

    def scores(self) -> dict[str, Ratio]:
        """The metrics by their names, to be logged."""
        return dict(self.ratios.items())  # pyright: ignore[reportReturnType]

    def compared(self, made: Tensor, real: Tensor) -> dict[str, tuple[float, float]]:
        """Of one pair, what each score is a ratio of; of `f0_error` its square."""
        costs = distances(mel_cepstra(made, self.sample_rate), mel_cepstra(real, self.sample_rate))
        rows, columns = warped(costs)
        mine, theirs = self._hertz(made)[rows], self._hertz(real)[columns]  # (P,)
        return {
            "mcd": (float(costs[rows, columns].mean()), 1),
            **pitch_errors(mine, theirs),
            "length_error": (abs(len(made) - len(real)), len(real)),
        }

    def _hertz(self, waveform: Tensor) -> np.ndarray:
        """The pitch in the middle of each frame of the cepstra, and of some behind them."""
        sound = filled(waveform, self.sample_rate)
        track = self.pitch(sound[None], torch.tensor([len(sound)]))[0]
        return track[WINDOW // HOP // 2 :].double().numpy()


def pitch_errors(made: np.ndarray, real: np.ndarray) -> dict[str, tuple[float, float]]:
    """What `f0_error`, squared, and `voicing_error` are ratios of.

    The Hz of frames that belong together, (T,) each, are 0 where there is no voice.
    """
    both, one = (made > 0) & (real > 0), (made > 0) != (real > 0)
    cents = _OCTAVE * np.log2(made[both] / real[both])
    return {
        "f0_error": (float((cents**2).sum()), int(both.sum())),
        "voicing_error": (int(one.sum()), len(one)),
    }


def diagonality(attention: Tensor, frames: Tensor, tokens: Tensor) -> Tensor:
    """The share of each clip's attention that lies near the diagonal, 0 to 1: (B, T, L), (B,), (B,) -> (B,).

    The diagonal attention rate of Chen et al. (2020, MultiSpeech) in a band as wide as that of guided
    attention (Tachibana et al., 2018): a token counts where its place in the text and the frame's in the
    sound, both from 0 to 1, are at most 0.2 apart. Attention that is even everywhere has 0.36.
    """
    frame = (torch.arange(attention.shape[1], device=attention.device) + 0.5) / frames[:, None]  # (B, T)
    token = (torch.arange(attention.shape[2], device=attention.device) + 0.5) / tokens[:, None]  # (B, L)
    near = (frame[:, :, None] - token[:, None]).abs() <= _BAND
    own = (frame < 1)[:, :, None] & (token < 1)[:, None]
    return (attention * (near & own)).sum((1, 2)) / frames.clamp(min=1)
