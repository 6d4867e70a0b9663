"""An exponential moving average of the weights, which stands in for them wherever a score is taken."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from crossmedia.limits import within


class EMA(Callback):
    """Polyak averaging of the net's parameters: average ← decay · average + (1 - decay) · weights, after each
    optimizer step.

    Early on the decay is (1 + steps) / (10 + steps), so that the first weights are soon forgotten. Buffers
    stay those of training. `best` holds the average, `last` the weights and, in this callback's state, the
    average.
    """

    def __init__(self, decay: float = 0.999):
        within(decay=decay)
        self.decay = decay
        self.steps = 0
        self.average: list[Tensor] = []
        self._seen = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        weights = self._weights(pl_module)
        known = self.average or weights
        self.average = [tensor.clone().to(weight) for tensor, weight in zip(known, weights, strict=True)]
        self._seen = trainer.global_step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.global_step == self._seen:  # in the middle of an accumulation
            return
        self._seen, self.steps = trainer.global_step, self.steps + 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
            self.average, self._weights(pl_module), 1 - decay
        )

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._swap(trainer, pl_module)

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
        return [parameter.detach() for parameter in net.parameters()]
