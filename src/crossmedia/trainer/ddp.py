"""What the ranks of one run share: how long they wait, one config, the order of their samples."""

import itertools
from datetime import timedelta
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn

from crossmedia.errors import ConfigError, RankError
from crossmedia.limits import within

OWN = ("out_dir", "logger", "data.source")  # what ranks may have of their own; equal data has equal hashes


class DDP(DDPStrategy):
    """Data-parallel training; a rank that is silent for `timeout` seconds ends the run."""

    def __init__(self, timeout: float = 600.0, find_unused_parameters: bool = False):
        within(timeout=timeout)
        super().__init__(timeout=timedelta(seconds=timeout), find_unused_parameters=find_unused_parameters)


class Alike(Callback):
    """Ends a run whose ranks were given different configs, data or run folders, or log different scores: they
    would wait for one another, or take the one's numbers for the other's. All score rank 0's net."""

    def __init__(self, plain: dict[str, Any], run: str):
        self.plain, self.run = plain, run

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if trainer.world_size == 1 or stage != "fit":
            return
        data: Any = trainer.datamodule  # pyright: ignore[reportAttributeAccessIssue]
        first, *others = everywhere({**_flat(self.plain), "data": data.fingerprint(), "resume": self.run})
        for rank, other in enumerate(others, 1):
            for key in {**first, **other}:
                if other.get(key) != first.get(key):
                    raise ConfigError(
                        f"{key}={other.get(key)}: on rank {rank}, but {first.get(key)} on rank 0. "
                        "Give all the same command"
                    )

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        share_buffers(pl_module)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._logged(trainer, batch_idx + 1 == trainer.num_val_batches[0])

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._logged(trainer, batch_idx + 1 == trainer.num_test_batches[0])

    def _logged(self, trainer: Trainer, last: bool) -> None:
        """Compare after the last batch: Lightning gathers the scores right then."""
        if trainer.world_size == 1 or not last:
            return
        first, *others = everywhere([key.partition(".")[2] for key in trainer._results or ()])
        for rank, other in enumerate(others, 1):
            for key in {*first} ^ {*other}:
                who, whom = (rank, 0) if key in other else (0, rank)
                raise RankError(
                    f"rank {who}: logs {key}, which rank {whom} does not. All have to log the same"
                )


def share_buffers(module: nn.Module) -> None:
    """Rank 0's on every rank: moving statistics are of a rank's own batches, a checkpoint has rank 0's."""
    if torch.distributed.is_initialized():
        for buffer in kept_buffers(module):
            torch.distributed.broadcast(buffer, 0)


def kept_buffers(module: nn.Module) -> list[Tensor]:
    """Those that a checkpoint has; others are tables, which may grow on one rank alone."""
    return [
        buffer
        for part in module.modules()
        for name, buffer in part._buffers.items()
        if buffer is not None and name not in part._non_persistent_buffers_set
    ]


def everywhere(mine: Any) -> list[Any]:
    """What each rank has, in their order."""
    if not torch.distributed.is_initialized():
        return [mine]
    every: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(every, mine)
    return every


def _flat(node: Any, key: str = "") -> dict[str, Any]:
    """The dotted keys of plain values, but those that ranks may have of their own."""
    if key in OWN or not isinstance(node, dict):
        return {} if key in OWN else {key: node}
    return {k: v for name, part in node.items() for k, v in _flat(part, f"{key}.{name}".lstrip(".")).items()}


def gathered(values: list[Any]) -> list[Any]:
    """Every rank's values, one a sample, in the order of the split: a rank holds every n-th sample."""
    return [value for row in itertools.zip_longest(*everywhere(values)) for value in row if value is not None]


def over_ranks(count: Tensor) -> Tensor:
    """The sum of every rank's count, in place."""
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(count)
    return count
