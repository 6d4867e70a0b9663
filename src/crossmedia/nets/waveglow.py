"""WaveGlow (Prenger et al., 2019): a flow between a waveform and noise, given its mel frames.

Shapes: B batch, T frames, M mel bins, S samples (T times the hop), K samples of a group, G groups (S / K),
D channels of the condition, C channels.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from crossmedia.limits import within
from crossmedia.nets.masks import mask_of

SEEN = 4  # frames over one sample: the window is so many hops long


class WaveGlow(nn.Module):
    """A flow of invertible 1 × 1 convolutions (Kingma and Dhariwal, 2018) and affine couplings over groups of
    samples; after every `early_every` flows, `early_size` channels are done.

    The defaults are the authors'; there the condition has `group` · `n_mels` channels. Frame t belongs to the
    samples from t · hop_length on.
    """

    def __init__(
        self,
        n_mels: int = 80,
        hop_length: int = 256,
        group: int = 8,
        flows: int = 12,
        early_every: int = 4,
        early_size: int = 2,
        channels: int = 256,
        layers: int = 8,
        condition: int = 640,
    ):
        super().__init__()
        within(n_mels=n_mels, hop_length=hop_length, group=group, flows=flows, early_every=early_every)
        within(early_size=early_size, channels=channels, layers=layers, condition=condition)
        left = group - early_size * ((flows - 1) // early_every)
        if hop_length % group or group % 2 or early_size % 2:
            raise ValueError(
                f"group {group}: must be even, as early_size, and hop_length {hop_length} a multiple"
            )
        if left < 2:
            raise ValueError(
                f"early_size {early_size}: must leave channels of group {group} to {flows} flows"
            )
        self.n_mels, self.hop_length = n_mels, hop_length
        self.group, self.early_every, self.early_size = group, early_every, early_size
        self.stride = hop_length // group  # groups of a frame
        padding, odd = divmod((SEEN - 1) * self.stride + 1, 2)
        self.condition = nn.ConvTranspose1d(
            n_mels, condition, SEEN * self.stride, self.stride, padding, output_padding=1 - odd
        )
        self.mixes, self.couplings = nn.ParameterList(), nn.ModuleList()
        width = group
        for flow in range(flows):
            width -= early_size if self._ends_early(flow) else 0
            self.mixes.append(nn.Parameter(_rotation(width)))
            self.couplings.append(_WaveNet(width, condition, channels, layers))
        self.context = SEEN // 2  # frames to one side that a group's condition depends on

    def forward(self, waveforms: Tensor, mels: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """(B, S), (B, T, M), the frames of each (B,) -> noise (B, K, G), and log |det ∂noise/∂waveform| (B,).

        The density of the waveform's first samples is that of the noise times the determinant.
        """
        condition, mask = self._condition(mels, frames)
        x = waveforms.unflatten(1, (-1, self.group)).transpose(1, 2) * mask  # (B, K, G)
        groups, log_det = mask.sum((1, 2)), torch.zeros_like(waveforms[:, 0])
        done = []
        for flow, (mix, coupling) in enumerate(zip(self.mixes, self.couplings, strict=True)):
            if self._ends_early(flow):
                done.append(x[:, : self.early_size])
                x = x[:, self.early_size :]
            x = _mixed(mix, x)
            kept, changed = x.chunk(2, dim=1)
            log_scale, shift = coupling(kept, condition, mask)
            x = torch.cat([kept, (log_scale.exp() * changed + shift) * mask], 1)
            log_det = log_det + (log_scale * mask).sum((1, 2)) + groups * torch.linalg.slogdet(mix).logabsdet
        return torch.cat([*done, x], 1), log_det

    def inverse(self, noise: Tensor, mels: Tensor, frames: Tensor) -> Tensor:
        """(B, K, G), (B, T, M), (B,) -> the waveforms (B, S) that `forward` takes there."""
        condition, mask = self._condition(mels, frames)
        early = [flow for flow in range(len(self.mixes)) if self._ends_early(flow)]
        *done, x = (noise * mask).split(
            [self.early_size] * len(early) + [self.group - self.early_size * len(early)], dim=1
        )
        for flow in reversed(range(len(self.mixes))):
            kept, changed = x.chunk(2, dim=1)
            log_scale, shift = self.couplings[flow](kept, condition, mask)
            x = torch.cat([kept, (changed - shift) * (-log_scale).exp() * mask], 1)
            x = _mixed(torch.linalg.inv(self.mixes[flow]), x)
            if self._ends_early(flow):
                x = torch.cat([done.pop(), x], 1)
        return x.transpose(1, 2).flatten(1)  # (B, G, K) -> (B, S)

    def _ends_early(self, flow: int) -> bool:
        """Some channels are done before this flow."""
        return flow > 0 and flow % self.early_every == 0

    def _condition(self, mels: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """(B, D, G), and which groups are a clip's own, 1 or 0: (B, 1, G)."""
        condition = self.condition(mels.transpose(1, 2))
        mask = mask_of(frames * self.stride, condition.shape[2])[:, None]
        return condition, mask.to(mels.dtype)


class _WaveNet(nn.Module):
    """Log-scales and shifts of one half of the channels from the other and the condition: dilated
    convolutions with gates (van den Oord et al., 2016) that see both ways; they start at 0.
    """

    def __init__(self, width: int, condition: int, channels: int, layers: int):
        super().__init__()
        self.first = weight_norm(nn.Conv1d(width // 2, channels, 1))
        self.given = weight_norm(nn.Conv1d(condition, 2 * channels * layers, 1))
        self.inner, self.outer = nn.ModuleList(), nn.ModuleList()
        for layer in range(layers):
            step = 2**layer
            self.inner.append(weight_norm(nn.Conv1d(channels, 2 * channels, 3, dilation=step, padding=step)))
            outputs = channels if layer == layers - 1 else 2 * channels
            self.outer.append(weight_norm(nn.Conv1d(channels, outputs, 1)))
        self.last = nn.Conv1d(channels, width, 1)
        for weight in self.last.parameters():
            nn.init.zeros_(weight)

    def forward(self, x: Tensor, condition: Tensor, mask: Tensor) -> Any:
        """(B, width / 2, G), (B, D, G), (B, 1, G) -> log-scales and shifts, (B, width / 2, G) each."""
        x = self.first(x) * mask  # (B, C, G)
        given = self.given(condition).chunk(len(self.inner), dim=1)
        skipped: Any = 0
        for inner, outer, part in zip(self.inner, self.outer, given, strict=True):
            gates, values = (inner(x) + part).chunk(2, dim=1)
            found = outer(gates.sigmoid() * values.tanh())
            if found.shape[1] > x.shape[1]:
                change, found = found.chunk(2, dim=1)
                x = (x + change) * mask
            skipped = skipped + found
        return self.last(skipped).to(mask.dtype).chunk(2, dim=1)


def _mixed(matrix: Tensor, x: Tensor) -> Tensor:
    """A 1 × 1 convolution of (B, width, G), in float32 under any precision: it is to be undone."""
    with torch.autocast(x.device.type, enabled=False):
        return F.conv1d(x, matrix[..., None])


def _rotation(width: int) -> Tensor:
    """A random orthogonal matrix of determinant 1."""
    matrix = torch.linalg.qr(torch.randn(width, width)).Q
    matrix[0] *= torch.linalg.det(matrix).sign()
    return matrix
