"""Pictures as a few whole numbers: the vector-quantised autoencoder."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.data.batches import ImageBatch, Meta
from crossmedia.limits import within
from crossmedia.metrics.vectors import VectorMean
from crossmedia.report.panels import Curve, Panel
from crossmedia.tasks.base import Task, to_uint8
from crossmedia.tasks.reconstruction import Reader, pairs, reader_scores, record

SPARSE = 0.5  # of the codes: where fewer are used, the codebook is larger than what it learnt


class VQVAE(Task):
    """Reconstruction through a codebook that moving averages move (van den Oord et al., 2017; Razavi et al.,
    2019); gradients pass it straight.

    The loss is `l1` · mean |error| + `l2` · mean error², and `commitment` times how far the encoder is from
    its codes. Scored by the mean absolute error of pixels in [-1, 1], the share of the codes that a split
    uses, and the perplexity of their use. `features` reads attributes in pictures and reconstructions.
    """

    scores = {"reconstruction_l1": "min", "codebook_usage": "max", "perplexity": "max"}

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
        l1: float = 0.0,
        l2: float = 1.0,
        commitment: float = 0.25,
        features: nn.Module | None = None,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(l1=l1, l2=l2, commitment=commitment)
        if not l1 + l2:
            raise ValueError(f"l2 {l2}: must be above 0 where l1 is 0")
        self.l1, self.l2, self.commitment = l1, l2, commitment
        self.reader = Reader(features) if features else None
        given: Any = net
        self.uses = VectorMean(len(given.codebook.codes))  # tokens a picture of each code

    @classmethod
    def scored(cls, model: dict[str, Any]) -> dict[str, str]:
        return {**cls.scores, **reader_scores(model)}

    def training_step(self, batch: ImageBatch, batch_idx: int) -> Tensor:
        images = batch.inputs
        rebuilt, features, codes, _ = self.net(images)
        reconstruction = self._error(images, rebuilt).mean()
        commitment = F.mse_loss(features.float(), codes)
        loss = reconstruction + self.commitment * commitment
        self.log("train/loss", loss, batch_size=len(images))
        self.log("train/reconstruction", reconstruction, batch_size=len(images))
        self.log("train/commitment", commitment, batch_size=len(images))
        return loss

    def score(self, batch: ImageBatch, split: str) -> None:
        keep, images = batch.valid, batch.inputs
        size = int(keep.sum())  # a rank may have none
        rebuilt, features, codes, tokens = self.net(images)

        def log(name: str, values: Tensor) -> None:
            self.log_score(split, name, values.sum() / max(size, 1), size)

        error = (images - rebuilt.float()).abs().flatten(1).mean(1)[keep]
        committed = (features.float() - codes).square().flatten(1).mean(1)
        log("reconstruction_l1", error)
        log("loss", (self._error(images, rebuilt) + self.commitment * committed)[keep])
        self.uses.update(F.one_hot(tokens[keep].flatten(1), self.uses.total.numel()).sum(1))
        own = {"reconstruction_l1": error}
        if self.reader:
            own[self.reader.score] = self.reader.agreement(images, rebuilt.clamp(-1, 1))[keep]
            log(self.reader.score, own[self.reader.score])
        record(self, batch, own)

    def on_validation_epoch_end(self) -> None:
        self._log_usage("val")

    def on_test_epoch_end(self) -> None:
        self._log_usage(self.test_split)

    def forget(self) -> None:
        super().forget()
        self.uses.reset()

    def encode(self, images: Tensor) -> Tensor:
        """(B, C, S, S) in [-1, 1] -> tokens (B, G, G) int64."""
        net: Any = self.net
        return net.encode(images)

    def decode(self, tokens: Tensor) -> Tensor:
        """tokens (B, G, G) -> (B, C, S, S) in [-1, 1]."""
        net: Any = self.net
        return net.decode(tokens).float().clamp(-1, 1)

    @torch.inference_mode()
    def reconstruct(self, images: Tensor) -> Tensor:
        """(B, C, S, S) in [-1, 1] -> what their tokens say of them, alike."""
        return self.decode(self.encode(images.to(self.device)))

    @torch.inference_mode()
    def generate(self, *, image: Any) -> Tensor:
        """What is rebuilt of each picture, a path, PIL picture or uint8 tensor, or of a list: uint8
        (N, 3, S, S)."""
        return to_uint8(self.reconstruct(self.read(image)))

    def panels(self, split: str) -> list[Panel]:
        if not self.pictures:
            return []
        pictures = torch.stack(self.pictures)
        shares = self._shares().sort(descending=True).values.tolist()
        note = f"{sum(share > 0 for share in shares)} of {len(shares)} codes are used."
        places = [float(rank) for rank in range(1, len(shares) + 1)]
        found: list[Panel] = [
            pairs(pictures, self.reconstruct(pictures)),
            Curve("Code usage", places, {"share": shares}, "rank", "share of tokens", note),
        ]
        return found

    def notes(self, split: str) -> list[str]:
        shares = self._shares()
        used = int((shares > 0).sum())
        if used < SPARSE * len(shares):
            return [f"{split}: the codebook collapsed: {used} of {len(shares)} codes are used"]
        return []

    def _error(self, images: Tensor, rebuilt: Tensor) -> Tensor:
        """What the loss makes of the pixels of each picture, (B,)."""
        difference = (images - rebuilt.float()).flatten(1)
        return self.l1 * difference.abs().mean(1) + self.l2 * difference.square().mean(1)

    def _log_usage(self, split: str) -> None:
        shares = self._shares()
        self.log(f"{split}/codebook_usage", (shares > 0).float().mean(), sync_dist=True)
        self.log(f"{split}/perplexity", torch.special.entr(shares).sum().exp().float(), sync_dist=True)

    def _shares(self) -> Tensor:
        """The share of the split's tokens that each code has, (K,)."""
        uses = self.uses.compute()
        return uses / uses.sum().clamp(min=1)
