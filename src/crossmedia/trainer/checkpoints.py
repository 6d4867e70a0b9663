"""Checkpoints: `last` to go on from, `best` by the monitored score; each whole on the disk or not there."""

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.checkpoint_io import CheckpointIO
from pytorch_lightning import Callback, LightningModule, Trainer

from crossmedia.errors import ConfigError, SystemFault
from crossmedia.saved import read_values, write_checkpoint


class AtomicCheckpointIO(CheckpointIO):
    """Writes beside, syncs, renames, keeps the last `last` as `previous`; loads plain values and tensors."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        path = Path(path)
        beside = path.with_name(".previous.tmp")
        beside.unlink(missing_ok=True)
        if path.name == "last.ckpt" and path.exists():
            try:
                os.link(path, beside)
            except OSError:  # a file system without links
                shutil.copyfile(path, beside)
        try:
            write_checkpoint(path, checkpoint)
        except SystemFault:
            beside.unlink(missing_ok=True)
            raise
        if beside.exists():
            os.replace(beside, path.with_name("previous.ckpt"))

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        return read_values(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


class Checkpoints(Callback):
    """Saves `best` where the monitored score improves, and `last` at each epoch's first step, at the first
    step after a validation, and at the end: the moments from which every hook of Lightning repeats exactly.

    `contents` are the plain values, under the key `crossmedia`, that make a checkpoint enough to load it.
    """

    def __init__(self, folder: Path, monitor: str, direction: str, contents: dict[str, Any]):
        self.folder, self.monitor, self.direction = folder / "checkpoints", monitor, direction
        self.contents = contents
        self.best: float | None = None
        self.best_epoch: int | None = None
        self._validated = False
        self._scores: list[float] = []

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        boundary = batch_idx % trainer.accumulate_grad_batches == 0
        if boundary and (self._validated or (batch_idx == 0 and trainer.current_epoch > 0)):
            self._validated = False
            self._save(trainer, "last")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        self._validated = True
        score = trainer.callback_metrics.get(self.monitor)
        if score is None:
            logged = ", ".join(sorted(key for key in trainer.callback_metrics if key.startswith("val/")))
            raise ConfigError(f"monitor={self.monitor}: not logged on this data. Logged: {logged}")
        if not torch.isfinite(score):
            return
        value = float(score)
        self._scores.append(value)
        better = self.best is None or (value < self.best if self.direction == "min" else value > self.best)
        if better:
            self.best, self.best_epoch = value, trainer.current_epoch
            self._save(trainer, "best")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._save(trainer, "last")

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["crossmedia"] = self.contents

    @property
    def stuck(self) -> bool:
        """Whether the monitored score was the same at every validation, so that it chose nothing."""
        return len(self._scores) > 1 and len(set(self._scores)) == 1

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch, "scores": list(self._scores)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.best_epoch = state_dict["best"], state_dict["best_epoch"]
        self._scores = list(state_dict["scores"])

    def _save(self, trainer: Trainer, name: str) -> None:
        trainer.save_checkpoint(self.folder / f"{name}.ckpt")
