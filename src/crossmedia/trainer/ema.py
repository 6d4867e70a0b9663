"""An exponential moving average of the weights, which stands in for them wherever a score is taken."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer

from crossmedia.limits import within
from crossmedia.trainer.ddp import kept_buffers, share_buffers


class EMA(Callback):
    """Polyak averaging of the net: average ← decay · average + (1 - decay) · weights, after each batch in
    which they moved.

    Early on the decay is (1 + steps) / (10 + steps), so that the first weights are soon forgotten. The moving
    statistics of a normalisation are averaged too, or they would be those of other weights. `best` holds the
    average, `last` the weights and, in this callback's state, the average.
    """

    def __init__(self, decay: float = 0.999):
        within(decay=decay)
        self.decay = decay
        self.steps = 0
        self.average: list[Tensor] = []
        self._moved = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        weights = self._weights(pl_module)
        known = self.average or weights
        self.average = [tensor.clone().to(weight) for tensor, weight in zip(known, weights, strict=True)]

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        net: Any = pl_module.net
        mine = {id(parameter) for parameter in net.parameters()}
        self._moved |= any(id(p) in mine for group in optimizer.param_groups for p in group["params"])

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not self._moved:
            return
        self._moved, self.steps = False, self.steps + 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            self.average, self._weights(pl_module), 1 - decay
        )

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._swap(trainer, pl_module)
        net: Any = pl_module.net
        share_buffers(net)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._swap(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "average": self.average}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.steps, self.average = state_dict["steps"], state_dict["average"]

    @torch.no_grad()
    def _swap(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        for weight, tensor in zip(self._weights(pl_module), self.average, strict=True):
            kept = weight.clone()
            weight.copy_(tensor)
            tensor.copy_(kept)

    @staticmethod
    def _weights(pl_module: LightningModule) -> list[Tensor]:
        net: Any = pl_module.net
        state = [*net.parameters(), *kept_buffers(net)]
        return [tensor.detach() for tensor in state if tensor.is_floating_point()]
