"""What holds in every step: its randomness has an address, and its loss is a number."""

import random
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from crossmedia.data.order import address
from crossmedia.errors import NonFiniteError


class Steps(Callback):
    """Seeds each step by (seed, rank, loop, epoch, batch), so that restarts and workers change nothing; stops
    at a loss that is not finite, before it reaches the weights."""

    def __init__(self, seed: int):
        self.seed = seed

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._at("train", trainer, batch_idx)

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._at("val", trainer, batch_idx)

    def on_test_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._at("test", trainer, batch_idx)

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: torch.Tensor) -> None:
        if not torch.isfinite(loss):
            raise NonFiniteError(
                f"train/loss={loss.item()} in epoch {trainer.current_epoch} step {trainer.global_step}. "
                "What was saved before is good; try a lower model.optimizer.lr or trainer.gradient_clip_val=1"
            )

    def _at(self, loop: str, trainer: Trainer, batch_idx: int) -> None:
        key = address(self.seed, trainer.global_rank, loop, trainer.current_epoch, batch_idx)
        torch.manual_seed(key)
        random.seed(key)
        np.random.seed(key % 2**32)
