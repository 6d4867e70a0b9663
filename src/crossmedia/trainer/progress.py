"""The line a user watches: epoch, steps, speed, loss, the last validation, the best, the time left."""

import time
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from crossmedia.trainer.checkpoints import Checkpoints


class ProgressLine(Callback):
    """A bar on a terminal; elsewhere one line a validation. Rank 0 only."""

    def __init__(self, console: Console, checkpoints: Checkpoints, scores: list[str]):
        self.console, self.checkpoints, self.scores = console, checkpoints, scores
        self.losses: dict[str, Any] = {}
        self.steps_per_second = 0.0
        self.validations = ""
        self._bar: Progress | None = None
        self._spent, self._steps, self._mark = 0.0, 0, 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._mark = time.monotonic()
        if self.console.is_terminal and not self.console.is_dumb_terminal and trainer.is_global_zero:
            self._bar = Progress(
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(bar_width=20),
                TextColumn("{task.completed:.0f}/{task.total:.0f}  {task.fields[facts]}"),
                console=self.console,
                refresh_per_second=4,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=trainer.num_training_batches, epoch="", facts="")

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        for name, loss in (outputs or {}).items():  # Lightning has divided the one that it moves by
            self.losses[name] = loss.detach() * trainer.accumulate_grad_batches
        now = time.monotonic()
        self._spent, self._mark, self._steps = self._spent + now - self._mark, now, self._steps + 1
        if self._bar and batch_idx % 5 == 0:  # float(loss) waits for a GPU
            self._show(trainer, batch_idx + 1)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.steps_per_second = self._steps / max(self._spent, 1e-9)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        now = time.monotonic()
        self._mark = now
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        found = trainer.callback_metrics
        words = [
            f"{name} {float(found[f'val/{name}']):.3f}" for name in self.scores if f"val/{name}" in found
        ]
        best = f"  best {self.checkpoints.best:.3f}" if self.checkpoints.best is not None else ""
        self.validations = f"val: {'  '.join(words)}{best}"
        if self._bar:
            self._show(trainer, int(trainer.num_training_batches))
        else:
            epoch = f"epoch {trainer.current_epoch + 1:>{len(str(trainer.max_epochs))}}/{trainer.max_epochs}"
            self.console.print(f"{epoch}  {self._facts(trainer)}", highlight=False, soft_wrap=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _show(self, trainer: Trainer, done: int) -> None:
        if self._bar:
            epoch = f"{min(trainer.current_epoch + 1, trainer.max_epochs or 0)}/{trainer.max_epochs}"
            self._bar.update(self._task, completed=done, epoch=epoch, facts=self._facts(trainer))

    def _facts(self, trainer: Trainer) -> str:
        speed = self._steps / max(self._spent, 1e-9)
        total = trainer.num_training_batches * (trainer.max_epochs or 0)
        left = max(0.0, total - trainer.fit_loop.epoch_loop.total_batch_idx - 1) / max(speed, 1e-9)
        losses = "  ".join(f"{name} {float(loss):.3f}" for name, loss in self.losses.items())
        return f"{speed:.1f} it/s  {losses}   {self.validations}   left {clock(left)}"


def clock(seconds: float) -> str:
    """1:48, or 2:05:10 from an hour on."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
