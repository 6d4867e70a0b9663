"""Pictures to a Gaussian over latents, and latents to the numbers of a distribution over pixels (Kingma and
Welling, 2014).

Shapes: B batch, C channels, S image size, G cells a side, D latents, P numbers a pixel-channel: 2 for a
logistic (location and log-scale), 1 for a Bernoulli (logit).
"""

import math
from collections.abc import Sequence
from typing import Literal, get_args

from torch import Tensor, nn

from crossmedia.limits import one_of, within
from crossmedia.nets.autoencoder import Decoder, Encoder, side_of

Gaussian = tuple[Tensor, Tensor]  # mean and log-variance, (B, D) each
Bottleneck = Literal["dense", "grid"]


class ConvVAE(nn.Module):
    """Residual convolutions; `dense`: `latents` numbers a picture, `grid`: so many in each of G × G cells.

    `latents` of a grid are the channels of `latent_shape`, (latents, G, G); elsewhere they are flat, (B, D).
    """

    def __init__(
        self,
        image_size: int,
        channels: int = 3,
        widths: Sequence[int] = (64, 128),
        blocks: int = 2,
        latents: int = 32,
        bottleneck: Bottleneck = "dense",
        outputs: int = 2,
    ):
        super().__init__()
        within(latents=latents, outputs=outputs)
        one_of(get_args(Bottleneck), bottleneck=bottleneck)
        grid = bottleneck == "grid"
        side = side_of(image_size, channels, widths, blocks)
        features = 2 * latents if grid else widths[-1]
        self.encoder = Encoder(image_size, channels, widths, blocks, features)
        self.outputs = outputs
        self.latent_shape = (latents, side, side) if grid else (latents,)
        self.latents = math.prod(self.latent_shape)
        if grid:
            self.to_latents, self.from_latents = nn.Flatten(), nn.Unflatten(1, self.latent_shape)
        else:
            inside = features * side**2
            self.to_latents = nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(inside, 2 * latents))
            self.from_latents = nn.Sequential(
                nn.Linear(latents, inside), nn.Unflatten(1, (features, side, side)), nn.ReLU()
            )
        self.decoder = Decoder(image_size, outputs * channels, widths, blocks, latents if grid else features)

    def forward(self, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """images (B, C, S, S), noise (B, D) -> the pixels' numbers (B, P C, S, S), mean and log-variance."""
        mean, log_variance = self.encode(images)
        return self.decode(mean + (0.5 * log_variance).exp() * noise), mean, log_variance

    def encode(self, images: Tensor) -> Gaussian:
        """(B, C, S, S) -> mean and log-variance of the latents, (B, D) each."""
        return halves(self.to_latents(self.encoder(images)))

    def decode(self, latents: Tensor) -> Tensor:
        """(B, D) -> (B, P C, S, S)."""
        return self.decoder(self.from_latents(latents))


class DenseVAE(nn.Module):
    """Fully connected: ReLU in the encoder, tanh in the decoder (Higgins et al., 2017, table of 2DShapes)."""

    def __init__(
        self,
        image_size: int,
        channels: int = 1,
        encoder_widths: Sequence[int] = (1200, 1200),
        decoder_widths: Sequence[int] = (1200, 1200, 1200),
        latents: int = 10,
        outputs: int = 1,
    ):
        super().__init__()
        within(image_size=image_size, channels=channels, latents=latents, outputs=outputs)
        within(encoder_widths=encoder_widths, decoder_widths=decoder_widths)
        pixels = (channels, image_size, image_size)
        self.latents, self.outputs, self.latent_shape = latents, outputs, (latents,)
        self.encoder = nn.Sequential(
            nn.Flatten(), *_layers((math.prod(pixels), *encoder_widths, 2 * latents), nn.ReLU)
        )
        numbers = (outputs * channels, *pixels[1:])
        self.decoder = nn.Sequential(
            *_layers((latents, *decoder_widths, math.prod(numbers)), nn.Tanh), nn.Unflatten(1, numbers)
        )

    def forward(self, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """images (B, C, S, S), noise (B, D) -> the pixels' numbers (B, P C, S, S), mean and log-variance."""
        mean, log_variance = self.encode(images)
        return self.decode(mean + (0.5 * log_variance).exp() * noise), mean, log_variance

    def encode(self, images: Tensor) -> Gaussian:
        """(B, C, S, S) -> mean and log-variance of the latents, (B, D) each."""
        return halves(self.encoder(images))

    def decode(self, latents: Tensor) -> Tensor:
        """(B, D) -> (B, P C, S, S)."""
        return self.decoder(latents)


def halves(numbers: Tensor) -> Gaussian:
    """(B, 2 D) -> mean and log-variance in float32."""
    mean, log_variance = numbers.float().chunk(2, dim=1)
    return mean, log_variance


def _layers(widths: Sequence[int], activation: type[nn.Module]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, width in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(before, width), activation()]
    return layers[:-1]
