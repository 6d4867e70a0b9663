"""Vocoders of a few weights, and sounds for them."""

import functools
from typing import Any

import torch

from crossmedia.audio.mels import LogMel
from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.batches import Clips, CropBatch, Meta
from crossmedia.nets.hifigan import Discriminators, HiFiGAN
from crossmedia.nets.waveglow import WaveGlow
from crossmedia.tasks.flow_vocoder import FlowVocoder
from crossmedia.tasks.gan_vocoder import GANVocoder

RATE, HOP, BANDS = 8_000, 64, 20
META = Meta(audio=AudioTransform(RATE))
ADAM = functools.partial(torch.optim.Adam, lr=2e-3, betas=(0.8, 0.99))


def mel() -> SpeechMel:
    return SpeechMel(LogMel(RATE, 256, 256, HOP, BANDS))


def gan(harmonics: int = 0, **more: Any) -> GANVocoder:
    torch.manual_seed(0)
    net = HiFiGAN(BANDS, HOP, 32, (8,), (3, 5), (1, 3), harmonics, RATE)
    return GANVocoder(net, Discriminators((2,), 1, 1, 16), mel(), META, ADAM, ADAM, **more).eval()


def flow(**more: Any) -> FlowVocoder:
    torch.manual_seed(0)
    net = WaveGlow(BANDS, HOP, 8, 4, 2, 2, 16, 2, 16)
    for coupling in net.couplings:  # else it begins as a turn of the samples
        torch.nn.init.normal_(coupling.last.weight, std=0.02)
    return FlowVocoder(net, mel(), META, ADAM, **more).eval()


def sound(samples: int, hertz: float = 300.0) -> torch.Tensor:
    """A hum that swells and fades."""
    time = torch.arange(samples) / RATE
    hum = sum(torch.sin(2 * torch.pi * hertz * k * time) / k for k in (1, 2, 3))
    return 0.2 * hum * torch.sin(torch.pi * torch.arange(samples) / samples)


def batch_of(*sounds: torch.Tensor, padding: int = 0, first: int = 0) -> CropBatch:
    lens = torch.tensor([len(one) for one in sounds])
    waveforms = torch.zeros(len(sounds), int(lens.max()) + padding)
    for row, one in enumerate(sounds):
        waveforms[row, : len(one)] = one
    ids = [f"test-{first + row}" for row in range(len(sounds))]
    return CropBatch(
        Clips(waveforms, lens), torch.ones(len(sounds), dtype=torch.bool), ids, ["red"] * len(ids)
    )


def crops(number: int = 4, samples: int = 1024) -> CropBatch:
    """Crops of one length, each of another height."""
    return batch_of(*(sound(3 * samples, 200 + 50 * row)[samples : 2 * samples] for row in range(number)))
