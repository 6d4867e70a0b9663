"""What holds in every step: its randomness has an address, and what moves the weights is a number."""

import math
import random
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from crossmedia.data.order import address
from crossmedia.errors import NonFiniteError
from crossmedia.trainer.ddp import everywhere
from crossmedia.trainer.resume import window

CURE = "What was saved before is good; try a lower model.optimizer.lr or trainer.gradient_clip_val=1"
Moved = tuple[Tensor, Tensor]  # a parameter and its gradient


class Steps(Callback):
    """Seeds each step by (seed, rank, loop, epoch, batch), so that restarts and workers change nothing. Stops
    every rank at a loss or gradient that is not finite, before it reaches the weights; lets none be saved."""

    def __init__(self, seed: int):
        self.seed = seed
        self._batches: list[Any] = []  # of this step
        self._losses: list[Tensor] = []  # of the backward passes since the weights last moved

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx % window(trainer, pl_module) == 0:
            self._batches = []
        self._batches.append(batch)
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

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        self._losses.append(loss.detach())
        if torch.is_anomaly_enabled() and not torch.isfinite(loss):  # or it speaks first, of Lightning's code
            raise NonFiniteError(self._fault(trainer, pl_module, [])[1])

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """One norm over losses and gradients: a GPU is waited for, and the ranks agree, once a step."""
        moved = _moved(trainer, optimizer)
        norm = get_total_norm([*self._losses, *(grad for _, grad in moved)])
        if not torch.isfinite(trainer.strategy.reduce(norm, reduce_op="sum")):
            self._explain(trainer, pl_module, moved)
        self._losses = []

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Finite gradients can still make weights that are not, or sums of their squares."""
        names = _names(pl_module)
        sums = {
            f"{key} of {names[parameter]}": value
            for optimizer in trainer.optimizers
            for parameter, state in optimizer.state.items()
            for key, value in state.items()
        }
        for name, value in {**checkpoint["state_dict"], **sums}.items():
            if isinstance(value, Tensor) and not value.isfinite().all():
                raise NonFiniteError(
                    f"{name} holds {_first(value)} in {_moment(trainer)}, and was not saved. {CURE}"
                )

    def _explain(self, trainer: Trainer, pl_module: LightningModule, moved: list[Moved]) -> None:
        """Raise the first fault of any rank; there may be none, as the norm of large numbers overflows."""
        _, fault = min(everywhere(self._fault(trainer, pl_module, moved)))
        if fault:
            raise NonFiniteError(fault)

    def _fault(self, trainer: Trainer, pl_module: LightningModule, moved: list[Moved]) -> tuple[int, str]:
        """What is not finite on this rank, and its place on the way from the data to the weights."""
        loss = float(sum(self._losses))
        said = f"train/{getattr(pl_module, 'moving', 'loss')}={loss:g}"
        if spoilt := next(filter(None, map(_spoilt, self._batches)), ""):
            return 0, f"{spoilt} in {_moment(trainer)}, {said}. Repair the data or leave it out"
        if not math.isfinite(loss):
            return 1, f"{said} in {_moment(trainer)}. {CURE}"
        for parameter, grad in moved:
            if not grad.isfinite().all():
                fault = f"{_names(pl_module)[parameter]} has a gradient of {_first(grad)}"
                return 2, f"{fault} in {_moment(trainer)}, {said}. {CURE}"
        return 3, ""

    def _at(self, loop: str, trainer: Trainer, batch_idx: int) -> None:
        key = address(self.seed, trainer.global_rank, loop, trainer.current_epoch, batch_idx)
        torch.manual_seed(key)
        random.seed(key)
        np.random.seed(key % 2**32)


def _moved(trainer: Trainer, optimizer: Optimizer) -> list[Moved]:
    """What an optimizer is about to move; nothing under a GradScaler, which itself passes over a step whose
    scaled gradients overflowed, and scales the next ones less."""
    if getattr(trainer.precision_plugin, "scaler", None) is not None:
        return []
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return [(parameter, parameter.grad) for parameter in parameters if parameter.grad is not None]


def _names(module: LightningModule) -> dict[Tensor, str]:
    return {parameter: name for name, parameter in module.named_parameters()}


def _spoilt(batch: Any) -> str:
    """The first sample of a batch that itself holds what is not finite, or nothing."""
    for name, part in batch._asdict().items() if hasattr(batch, "_asdict") else ():
        if isinstance(part, Tensor) and not (finite := part.isfinite()).all():
            row = int(finite.reshape(len(part), -1).all(dim=1).logical_not().nonzero()[0])
            return f"{batch.ids[row]}: {name} holds {_first(part)}"
    return ""


def _first(values: Tensor) -> float:
    return values[~values.isfinite()][0].item()


def _moment(trainer: Trainer) -> str:
    rank = f" on rank {trainer.global_rank}" if trainer.world_size > 1 else ""
    return f"epoch {trainer.current_epoch} step {trainer.global_step}{rank}"
