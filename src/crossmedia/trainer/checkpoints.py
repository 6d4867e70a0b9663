"""Checkpoints: `last` to go on from, `best` by the monitored score; each whole on the disk or not there."""

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.checkpoint_io import CheckpointIO
from pytorch_lightning import Callback, LightningModule, Trainer

from crossmedia.errors import ConfigError, Interrupted, SystemFault, UserError
from crossmedia.folder import write_whole
from crossmedia.sealed import read_values, write_checkpoint
from crossmedia.trainer.resume import progress, restore, settle, window
from crossmedia.trainer.signals import Signals

EVERY = 180.0  # seconds between two `last`, however long an epoch is


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
                write_whole(beside, path.read_bytes())
        try:
            write_checkpoint(path, checkpoint)
            if beside.exists():
                os.replace(beside, path.with_name("previous.ckpt"))
        except BaseException as error:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise SystemFault(f"{path.with_name('previous.ckpt')}: {error.strerror}") from error
            raise

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        return read_values(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


class Checkpoints(Callback):
    """Saves `best` where the monitored score improves; `last` at an epoch's first step, after a validation,
    every few minutes, where a signal asks to stop, and at the end.

    `last` is saved before a step that begins an accumulation: from there every hook of Lightning repeats
    exactly. `contents` are the plain values, under the key `crossmedia`, that make a checkpoint enough to
    load it.
    """

    def __init__(
        self,
        folder: Path,
        monitor: str,
        direction: str,
        contents: dict[str, Any],
        signals: Signals | None = None,
    ):
        self.folder, self.monitor, self.direction = folder / "checkpoints", monitor, direction
        self.contents, self.signals = contents, signals or Signals()
        self.best: float | None = None
        self.best_epoch: int | None = None
        self._validated = False
        self._scores: list[float] = []
        self._resumed: dict[str, Any] | None = None
        self._saved = time.monotonic()

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        self._resumed = checkpoint["crossmedia"]["progress"]
        restore(trainer, checkpoint)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._resumed:
            settle(trainer, self._resumed)
        self.signals.listen()
        self.signals.patient = True

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        trainer.fit_loop._restarting = False  # or a resumed epoch ends without the step of its schedules
        if batch_idx % window(trainer, pl_module):
            return
        wish = self._agreed(trainer, int(self.signals.asked or time.monotonic() - self._saved > EVERY))
        if wish or self._validated or (batch_idx == 0 and trainer.current_epoch > 0):
            self._validated = False
            self._save(trainer, "last")
        if wish > 1:
            raise Interrupted(wish)

    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        wish = self._agreed(trainer, self.signals.overdue)
        if wish:
            raise Interrupted(wish)

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
            before = self.best, self.best_epoch
            self.best, self.best_epoch = value, trainer.current_epoch
            try:
                self._save(trainer, "best")
            except UserError:  # or the folder would claim a score that no checkpoint has
                self.best, self.best_epoch = before
                raise

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._save(trainer, "last")
        self.signals.patient = False
        wish = self._agreed(trainer, self.signals.asked)
        if wish:  # in the last validation
            raise Interrupted(wish)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        checkpoint["crossmedia"] = {**self.contents, "progress": progress(trainer)}

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
        if name == "last":
            self._saved = time.monotonic()

    @staticmethod
    def _agreed(trainer: Trainer, wish: int) -> int:
        """The number of the signal that some rank was sent; 1 where one finds `last` due; else 0."""
        if trainer.world_size == 1:
            return wish
        mine = torch.tensor(wish, device=trainer.strategy.root_device)
        return int(trainer.strategy.reduce(mine, reduce_op="max"))
