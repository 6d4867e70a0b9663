"""Random changes of sounds: SpecAugment on mels in the net, speed and noise on waveforms in the loader.

Shapes: B batch, T frames, F mel bands, S samples.
"""

import functools
import hashlib
import json
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import pad

from crossmedia.audio.read import SUFFIXES
from crossmedia.audio.resample import resampled
from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.sources.files import members, need_folder
from crossmedia.errors import DataError
from crossmedia.images.read import path_text
from crossmedia.limits import within

NOISE_SECONDS = 3600.0  # of one file of noise; a clip hears a stretch of it


class SpecAugment(nn.Module):
    """Hides bands and frames of a clip's mels (Park et al., 2019), without the paper's time warping.

    A clip has `band_masks` of up to `bands` mel bands each, and `frame_masks` of up to `frames` frames each,
    none of them longer than `frames_share` of the clip. Hidden is 0, the mean of normalised mels. Drawn by
    torch, seeded for each step.
    """

    def __init__(
        self,
        band_masks: int = 2,
        bands: int = 27,
        frame_masks: int = 2,
        frames: int = 100,
        frames_share: float = 0.2,
    ):
        super().__init__()
        within(band_masks=band_masks, bands=bands, frame_masks=frame_masks, frames=frames)
        within(frames_share=frames_share)
        self.band_masks, self.bands = band_masks, bands
        self.frame_masks, self.frames, self.frames_share = frame_masks, frames, frames_share

    def forward(self, mels: Tensor, lens: Tensor) -> Tensor:
        """mels (B, T, F), lens (B,) -> the same shape."""
        all_bands = torch.full_like(lens, mels.shape[2])
        widest = torch.minimum((self.frames_share * lens).long(), torch.full_like(lens, self.frames))
        hidden = _spans(self.frame_masks, widest, lens, mels.shape[1])[:, :, None]  # (B, T, 1)
        bands = torch.full_like(lens, self.bands).minimum(all_bands)
        hidden = hidden | _spans(self.band_masks, bands, all_bands, mels.shape[2])[:, None]  # (B, T, F)
        return mels.masked_fill(hidden, 0.0)


def _spans(count: int, widest: Tensor, room: Tensor, size: int) -> Tensor:
    """(B, size), true in `count` random spans of 0 to `widest` places below `room`."""
    draws = torch.rand(2, len(room), count, 1, device=room.device)
    width = (draws[0] * (widest[:, None, None] + 1)).floor()
    start = (draws[1] * (room[:, None, None] - width + 1)).floor()
    places = torch.arange(size, device=room.device)
    return ((places >= start) & (places < start + width)).any(1)


class SoundAugment:
    """Speed, silence and noise of a training clip, drawn by the clip's own generator.

    `speeds` are the factors of speed perturbation (Ko et al., 2015), which changes the pitch with the tempo.
    Before the clip and behind it up to `silence` seconds of silence are put, as recordings have them. `snr`
    is the range of the signal-to-noise ratio in dB of what is added: white noise, or a random stretch of the
    sounds of the folder `noises`, which are read by `ready`, or at the first clip: scoring needs none. A clip
    or noise of digital silence adds nothing. `sample_rate` is that of the clips, in Hz.
    """

    def __init__(
        self,
        sample_rate: int,
        speeds: Sequence[float] = (0.9, 1.0, 1.1),
        snr: Sequence[float] | None = None,
        noises: str | None = None,
        silence: float = 0.0,
    ):
        for name, numbers in {"speeds": speeds, "snr": snr}.items():
            if not (numbers is None and name == "snr" or isinstance(numbers, list | tuple)):
                raise ValueError(f"{name} {numbers}: must be a list of numbers")
        within(sample_rate=sample_rate, speeds=speeds, snr=snr, silence=silence)
        if not speeds:
            raise ValueError("speeds []: must be one or more factors")
        if snr is not None and (len(snr) != 2 or snr[0] > snr[1]):
            raise ValueError(f"snr {list(snr)}: must be two numbers of dB, the lower one first")
        if noises and snr is None:
            raise ValueError("snr null: must be two numbers of dB where there are noises")
        self.factors = [Fraction(speed).limit_denominator(1000) for speed in speeds]
        self.snr, self.longest = snr, int(silence * sample_rate)
        self.transform, self.folder = AudioTransform(sample_rate), noises

    def ready(self) -> None:
        """Read the noises, before there are worker processes that would each read them; `DataError` where the
        folder has none."""
        if self.folder:
            self.noises  # noqa: B018 - kept from now on

    def fingerprint(self) -> str | None:
        """A hash of the names and sizes of the noises; None where there are none."""
        if not self.folder:
            return None
        facts = [[path_text(entry.name), entry.stat().st_size] for entry in _files(self.folder)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    @functools.cached_property
    def noises(self) -> list[Tensor]:
        """The sounds of the folder at the clips' rate, in the order of their names."""
        return [self.transform.read(entry.path, NOISE_SECONDS) for entry in _files(str(self.folder))]

    def __call__(self, waveform: Tensor, draw: Generator) -> Tensor:
        """waveform (S,) -> (S / speed + silence,)."""
        waveform = self._at_speed(waveform, draw)
        power = waveform.square().mean()
        if self.longest:
            waveform = pad(waveform, torch.randint(self.longest + 1, (2,), generator=draw).tolist())
        return waveform if self.snr is None else self._noisy(waveform, power, draw)

    def _at_speed(self, waveform: Tensor, draw: Generator) -> Tensor:
        factor = self.factors[int(torch.randint(len(self.factors), (1,), generator=draw))]
        if factor == 1:
            return waveform
        return torch.from_numpy(resampled(waveform.numpy(), factor.numerator, factor.denominator))

    def _noisy(self, waveform: Tensor, power: Tensor, draw: Generator) -> Tensor:
        assert self.snr is not None
        low, high = self.snr
        ratio = low + (high - low) * float(torch.rand(1, generator=draw))
        if not self.folder:
            noise = torch.randn(len(waveform), generator=draw)
        else:
            sound = self.noises[int(torch.randint(len(self.noises), (1,), generator=draw))]
            start = int(torch.randint(len(sound), (1,), generator=draw))
            noise = sound[(start + torch.arange(len(waveform))) % len(sound)]
        noise_power = noise.square().mean()
        if not power or not noise_power:
            return waveform
        return waveform + noise * (power / noise_power / 10 ** (ratio / 10)).sqrt()


def _files(folder: str) -> list[os.DirEntry[str]]:
    """The files of a folder that are sounds by their names, in the order of these."""
    found = members(need_folder(folder, "Expected a folder of sounds"))
    names = (entry for entry in found if not entry.name.startswith("."))
    files = [entry for entry in names if Path(entry.name).suffix.lower() in SUFFIXES]
    if not files:
        raise DataError(f"{path_text(folder)}: no sound in it ({', '.join(sorted(SUFFIXES))})")
    return files
