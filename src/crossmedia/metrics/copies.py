"""How near a copy comes to the sound of which it is one, sample for sample, as a vocoder's does."""

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.functional.audio.pesq import perceptual_evaluation_speech_quality
from torchmetrics.functional.audio.stoi import short_time_objective_intelligibility

from crossmedia.audio.pitch import Pitch
from crossmedia.limits import within
from crossmedia.losses.spectral import MultiResolutionSTFT
from crossmedia.metrics.ratios import Ratio
from crossmedia.metrics.speech import pitch_errors

SCORES = {"stft": "min", "stoi": "max", "pesq": "max", "f0_error": "min", "voicing_error": "min"}
_BANDS = {8_000: "nb", 16_000: "wb"}  # Hz -> PESQ's mode (ITU-T P.862, P.862.2)
_WORST = 1.0  # of PESQ's scale
_PITCHES = 100  # a second


class CopyQuality(nn.Module):
    """Those of `SCORES` that can be computed here.

    Means over clips are `stft`, the distance of `MultiResolutionSTFT`, `stoi`, the intelligibility (Taal et
    al., 2011), and `pesq`, the opinion that listeners would have, 1 to about 4.6 (Rix et al., 2001); over the
    frames of all clips `f0_error` and `voicing_error`, which are those of `SpeechQuality`. `missing` tells of
    what cannot be computed what it needs. A copy that is shorter than the real sound is followed by silence,
    a longer one is cut. A real sound that is silent or too short for a measure is left out of it; a silent
    copy has the worst value, but of `f0_error`, which is 0 where nothing is voiced in both.
    """

    def __init__(self, sample_rate: int = 16_000):
        super().__init__()
        within(sample_rate=sample_rate)
        self.sample_rate = sample_rate
        self.missing = {name: need for name in ("stoi", "pesq") if (need := _need(name, sample_rate))}
        self.distance = MultiResolutionSTFT()
        self.pitch = Pitch(sample_rate, sample_rate // _PITCHES)
        names = [name for name in SCORES if name not in self.missing]
        self.ratios = nn.ModuleDict({name: Ratio(root=name == "f0_error") for name in names})

    def update(self, made: Sequence[Tensor], real: Sequence[Tensor]) -> None:
        """Pairs of waveforms (samples,) at `sample_rate`."""
        found = [self.compared(mine, theirs) for mine, theirs in zip(made, real, strict=True)]
        for name, ratio in self.scores().items():
            ratio.update([sums[name] for sums in found if name in sums])

    def scores(self) -> dict[str, Ratio]:
        """The metrics by their names, to be logged."""
        return dict(self.ratios.items())  # pyright: ignore[reportReturnType]

    def compared(self, made: Tensor, real: Tensor) -> dict[str, tuple[float, float]]:
        """Of one pair, what each score that can be had of it is a ratio of; of `f0_error` its square."""
        real = real.detach().cpu().float()
        if not real.any():
            return {}
        made = made.detach().cpu().float()[: len(real)]
        made = F.pad(made, (0, len(real) - len(made)))
        measures: dict[str, Callable[[Tensor, Tensor], float | None]] = {
            "stft": self._stft,
            "stoi": self._stoi,
            "pesq": self._pesq,
        }
        found = {name: measures[name](made, real) for name in measures if name not in self.missing}
        return {
            **{name: (value, 1) for name, value in found.items() if value is not None},
            **pitch_errors(*(self._hertz(sound) for sound in (made, real))),
        }

    def _hertz(self, sound: Tensor) -> np.ndarray:
        return self.pitch(sound[None], torch.tensor([len(sound)]))[0].double().numpy()

    def _stft(self, made: Tensor, real: Tensor) -> float:
        return float(self.distance(made[None], real[None], real.new_tensor([len(real)]).long()))

    def _stoi(self, made: Tensor, real: Tensor) -> float | None:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                return float(short_time_objective_intelligibility(made, real, self.sample_rate))
            except (RuntimeWarning, ValueError):  # too short: fewer than 30 frames, or than one
                return None

    def _pesq(self, made: Tensor, real: Tensor) -> float | None:
        if not made.any():
            return _WORST
        rate = self.sample_rate
        try:
            return float(perceptual_evaluation_speech_quality(made, real, rate, _BANDS[rate]))
        except RuntimeError:  # shorter than a quarter of a second, or without an utterance
            return None


def _need(name: str, sample_rate: int) -> str | None:
    """What a measure lacks here."""
    package = {"stoi": "pystoi", "pesq": "pesq"}[name]
    if not find_spec(package):
        return f"needs {package}: pip install {package}"
    if name == "pesq" and sample_rate not in _BANDS:
        return f"needs 8000 or 16000 Hz, not {sample_rate}"
    return None
