"""A model of one weight and a trainer that is done with it in no time."""

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from made import Batches
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn


class Tiny(LightningModule):
    """Its loss is `factor * weight`, the factors being its batches; `val/score` goes through `scores`."""

    def __init__(self, scores: Sequence[float] = (0.25, 0.75, 0.5)):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.scores = scores

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return batch * self.weight

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val/score", self.scores[self.current_epoch], batch_size=1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD([self.weight], lr=0.0)


def trainer(*callbacks: Callback, **more: Any) -> Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return Trainer(
        accelerator="cpu",
        callbacks=list(callbacks),
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        **{**quiet, "max_epochs": 2, **more},
    )


def fit(module: LightningModule, *callbacks: Callback, factors=(1.0, 1.0, 1.0, 1.0), **more: Any) -> Trainer:
    """Train on a batch for each of `factors`, and validate after each epoch."""
    made = trainer(*callbacks, **more)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        made.fit(module, Batches(*torch.tensor(factors)), Batches(torch.zeros(())))
    return made
