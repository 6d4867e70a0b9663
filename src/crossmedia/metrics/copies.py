"""How near a copy comes to the sound of which it is one, sample for sample, as a vocoder's does."""

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.functional.audio.pesq import perceptual_evaluation_speech_quality
from torchmetrics.functional.audio.stoi import short_time_objective_intelligibility

from crossmedia.limits import within
from crossmedia.losses.spectral import MultiResolutionSTFT
from crossmedia.metrics.ratios import Ratio

SCORES = {"stft": "min", "stoi": "max", "pesq": "max"}
_BANDS = {8_000: "nb", 16_000: "wb"}  # Hz -> PESQ's mode (ITU-T P.862, P.862.2)
_WORST = 1.0  # of PESQ's scale


class CopyQuality(nn.Module):
    """Those of `SCORES` that can be computed here, each the mean over clips.

    `stft` is the distance of `MultiResolutionSTFT`, `stoi` the intelligibility (Taal et al., 2011), `pesq`
    the opinion that listeners would have, 1 to about 4.6 (Rix et al., 2001). `missing` tells of the others
    what they need. A copy that is shorter than the real sound is followed by silence, a longer one is cut.
    A real sound that is silent or too short for a measure is left out of it; a silent copy has the worst
    value.
    """

    def __init__(self, sample_rate: int = 16_000):
        super().__init__()
        within(sample_rate=sample_rate)
        self.sample_rate = sample_rate
        self.missing = {name: need for name in ("stoi", "pesq") if (need := _need(name, sample_rate))}
        self.distance = MultiResolutionSTFT()
        self.ratios = nn.ModuleDict({name: Ratio() for name in SCORES if name not in self.missing})

    def update(self, made: Sequence[Tensor], real: Sequence[Tensor]) -> None:
        """Pairs of waveforms (samples,) at `sample_rate`."""
        found = [self.compared(mine, theirs) for mine, theirs in zip(made, real, strict=True)]
        for name, ratio in self.scores().items():
            ratio.update([(values[name], 1) for values in found if name in values])

    def scores(self) -> dict[str, Ratio]:
        """The metrics by their names, to be logged."""
        return dict(self.ratios.items())  # pyright: ignore[reportReturnType]

    def compared(self, made: Tensor, real: Tensor) -> dict[str, float]:
        """The scores of one pair that can be had of it."""
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
        found = {name: measures[name](made, real) for name in self.ratios}
        return {name: value for name, value in found.items() if value is not None}

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
