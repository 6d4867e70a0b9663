"""What the ranks of one run share: how long they wait, one config, the order of their samples."""

import itertools
from datetime import timedelta
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.strategies import DDPStrategy

from crossmedia.errors import ConfigError

OWN = ("out_dir", "logger", "data.source")  # what ranks may have of their own; equal data has equal hashes


class DDP(DDPStrategy):
    """Data-parallel training; a rank that is silent for `timeout` seconds ends the run."""

    def __init__(self, timeout: float = 600.0, find_unused_parameters: bool = False):
        if timeout <= 0:
            raise ValueError(f"timeout {timeout}: must be above 0")
        super().__init__(timeout=timedelta(seconds=timeout), find_unused_parameters=find_unused_parameters)


class SameConfig(Callback):
    """Ends a run whose ranks were given different configs or data, before they wait for one another."""

    def __init__(self, plain: dict[str, Any]):
        self.plain = plain

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if trainer.world_size == 1 or stage != "fit":
            return
        source: Any = trainer.datamodule.source  # pyright: ignore[reportAttributeAccessIssue]
        mine = {**_flat(self.plain), "data.source": source.fingerprint()}
        every: list[Any] = [None] * trainer.world_size
        torch.distributed.all_gather_object(every, mine)
        for rank, other in enumerate(every):
            for key in every[0].keys() | other.keys():
                found, first = other.get(key), every[0].get(key)
                if found != first:
                    raise ConfigError(
                        f"{key}={found}: on rank {rank}, but {first} on rank 0. Give all the same command"
                    )


def _flat(node: Any, key: str = "") -> dict[str, Any]:
    """The dotted keys of plain values, but those that ranks may have of their own."""
    if key in OWN or not isinstance(node, dict):
        return {} if key in OWN else {key: node}
    return {k: v for name, part in node.items() for k, v in _flat(part, f"{key}.{name}".lstrip(".")).items()}


def gathered(values: list[Any]) -> list[Any]:
    """Every rank's values, one a sample, in the order of the split: a rank holds every n-th sample."""
    if not torch.distributed.is_initialized():
        return values
    parts: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(parts, values)
    return [value for row in itertools.zip_longest(*parts) for value in row if value is not None]
