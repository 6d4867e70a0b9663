"""A codebook that follows its inputs by moving averages, and the autoencoder around it.

Shapes: B batch, D size of a code, G cells a side, N = B · G · G inputs, K codes, C channels, S image size.
"""

from collections.abc import Sequence

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from crossmedia.limits import within
from crossmedia.nets.autoencoder import Decoder, Encoder

SMOOTHING = 1e-5  # of the counts, for no code to divide by 0 (Laplace; van den Oord et al., 2017, appendix)


class Codebook(nn.Module):
    """Each input becomes the nearest of K codes; a code is the moving average of what it stands for
    (van den Oord et al., 2017, appendix A.1; Razavi et al., 2019).

    In training mode each pass moves the codes by (1 - `decay`). One that stands for less than `dead` of its
    even share is put where some input of the batch is, in proportion to the squares of their errors (Arthur
    and Vassilvitskii, 2007): in the first pass all but one. All of the state is in buffers; ranks sum their
    inputs.
    """

    codes: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, codes: int = 512, dim: int = 64, decay: float = 0.99, dead: float = 0.02):
        super().__init__()
        within(codes=codes, dim=dim, decay=decay, dead=dead)
        self.decay, self.dead = decay, dead
        self.register_buffer("codes", torch.zeros(codes, dim))
        self.register_buffer("counts", torch.zeros(codes))  # inputs a batch
        self.register_buffer("sums", torch.zeros(codes, dim))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D, G, G) -> the nearest codes, of the same shape in float32 and without gradient, and their
        numbers (B, G, G)."""
        x = features.detach().float().permute(0, 2, 3, 1)  # (B, G, G, D)
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 confuses near codes
            flat = x.flatten(0, 2)  # (N, D)
            distances = self._distances(flat)  # (N, K)
            tokens = distances.argmin(1)  # (N,)
            found = self.look_up(tokens.view(x.shape[:-1]))
            if self.training:
                self._follow(flat, tokens)
                self._revive(flat, distances.gather(1, tokens[:, None])[:, 0])
        return found, tokens.view(x.shape[:-1])

    def look_up(self, tokens: Tensor) -> Tensor:
        """The codes of these numbers, (B, G, G) -> (B, D, G, G)."""
        return F.embedding(tokens, self.codes).permute(0, 3, 1, 2)

    def _distances(self, flat: Tensor) -> Tensor:
        """Squares of the distances of all inputs and codes, (N, K)."""
        products = torch.addmm(self.codes.square().sum(1), flat, self.codes.T, alpha=-2)
        return (products + flat.square().sum(1, keepdim=True)).clamp(min=0)

    def _follow(self, flat: Tensor, tokens: Tensor) -> None:
        """Move counts and sums towards the batch's, and the codes with them."""
        count = torch.bincount(tokens, minlength=len(self.codes)).to(flat.dtype)  # (K,)
        total = torch.zeros_like(self.sums).index_add_(0, tokens, flat)  # (K, D)
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(count)
            dist.all_reduce(total)
        self.counts.lerp_(count, 1 - self.decay)
        self.sums.lerp_(total, 1 - self.decay)
        whole = self.counts.sum()
        smooth = (self.counts + SMOOTHING) / (whole + len(self.codes) * SMOOTHING) * whole
        self.codes.copy_(self.sums / smooth[:, None])

    def _revive(self, flat: Tensor, errors: Tensor) -> None:
        """Put each dead code where an input is that the others stand for badly.

        One that is no finite number is drawn as one without an error: it is the loss that stops the step.
        """
        even = self.counts.sum() / len(self.codes)
        dead = self.counts <= self.dead * even  # (K,)
        limits = torch.finfo(errors.dtype)
        largest = limits.max / 2 / len(errors)  # of which the sum is finite, as CUDA asserts
        errors = errors.nan_to_num(0, posinf=0).clamp(max=largest)
        places = torch.multinomial(errors + limits.tiny, len(self.codes), replacement=True)
        inputs = flat[places]  # (K, D): drawn in every step, so that no draw depends on what is dead
        if dist.is_available() and dist.is_initialized():
            dist.broadcast(inputs, 0)
        self.codes.copy_(inputs.where(dead[:, None], self.codes))
        self.sums.copy_((inputs * even).where(dead[:, None], self.sums))
        self.counts.copy_(even.expand_as(dead).where(dead, self.counts))


class VQAutoencoder(nn.Module):
    """Pictures to a grid of whole numbers and back (van den Oord et al., 2017)."""

    def __init__(
        self,
        image_size: int,
        codebook: Codebook,
        channels: int = 3,
        widths: Sequence[int] = (64, 128),
        blocks: int = 2,
    ):
        super().__init__()
        dim = codebook.codes.shape[1]
        self.encoder = Encoder(image_size, channels, widths, blocks, dim)
        self.codebook = codebook
        self.decoder = Decoder(image_size, channels, widths, blocks, dim)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, C, S, S) -> reconstructions of the same shape; the encoder's features and the codes that stand
        for them, (B, D, G, G); their tokens (B, G, G). Gradients pass the codebook straight."""
        features = self.encoder(images)
        codes, tokens = self.codebook(features)
        straight = features + (codes - features).detach()
        return self.decoder(straight), features, codes, tokens

    def encode(self, images: Tensor) -> Tensor:
        """(B, C, S, S) -> tokens (B, G, G) int64."""
        return self.codebook(self.encoder(images))[1]

    def decode(self, tokens: Tensor) -> Tensor:
        """tokens (B, G, G) -> (B, C, S, S)."""
        return self.decoder(self.codebook.look_up(tokens))
