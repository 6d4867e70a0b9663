"""What Lightning's own checkpoint lacks for a run to go on to the same bits, and what its loops get wrong.

Valid for checkpoints that are saved in `on_train_batch_start` and `on_train_end`, with pytorch-lightning 2.6.
"""

from typing import Any

from pytorch_lightning import Trainer
from torch import Tensor
from torch.optim import Optimizer

from crossmedia.errors import CheckpointError
from crossmedia.trainer.log import CSVLog

LENGTHS = ("total_steps", "T_max", "_schedule_phases")  # of a schedule: its number of steps, and what follows


def window(trainer: Trainer, module: Any) -> int:
    """How many batches make one step."""
    return getattr(module, "accumulate", trainer.accumulate_grad_batches)


def progress(trainer: Trainer) -> dict[str, Any]:
    """Where training stands: plain values, and the scores as tensors."""
    batches = trainer.fit_loop.epoch_loop.batch_progress.current
    inside = batches.ready != batches.completed  # an epoch's first batch counts as inside it
    return {
        "epoch": trainer.current_epoch,
        "batch": batches.completed if inside else 0,
        "step": trainer.global_step,
        "inside": inside,
        "max_epochs": trainer.max_epochs,
        "log": [logger.mark() for logger in trainer.loggers if isinstance(logger, CSVLog)],
        "metrics": {name: value.detach().cpu().clone() for name, value in trainer.callback_metrics.items()},
        "stopping": trainer.should_stop,
    }


def restore(trainer: Trainer, checkpoint: dict[str, Any]) -> None:
    """Before the loops begin: the place in the data, the log's length, and a schedule's where that is new."""
    found = checkpoint["crossmedia"]["progress"]
    data: Any = trainer.datamodule  # pyright: ignore[reportAttributeAccessIssue]
    data.start = found["epoch"], found["batch"]
    for logger in trainer.loggers:
        if isinstance(logger, CSVLog) and trainer.is_global_zero:
            logger.cut(*found["log"])
    if found["max_epochs"] != trainer.max_epochs:
        for schedule in checkpoint["lr_schedulers"]:
            for name in LENGTHS:
                schedule.pop(name, None)  # the config's stays


def settle(trainer: Trainer, found: dict[str, Any]) -> None:
    """As training starts: counters that Lightning leaves one too high, the scores, an early stop, a rate."""
    for optimizer in trainer.optimizers:
        _check_fit(optimizer)
    loop = trainer.fit_loop.epoch_loop
    if found["inside"]:
        loop.batch_progress.total.ready = loop.batch_progress.total.completed
        if not loop._should_accumulate():
            loop._batches_that_stepped -= 1
    trainer._logger_connector._callback_metrics.update(found["metrics"])
    if found["max_epochs"] == trainer.max_epochs:
        trainer.should_stop = found["stopping"]
        return
    for config in trainer.lr_scheduler_configs:  # from the end of the old curve to its place on the new one
        rates = getattr(config.scheduler, "_get_closed_form_lr", None)
        if rates:
            for group, rate in zip(config.scheduler.optimizer.param_groups, rates(), strict=True):
                group["lr"] = rate


def _check_fit(optimizer: Optimizer) -> None:
    """Raise CheckpointError where the moments of an optimizer are those of other weights."""
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.dim() and value.shape != weight.shape:
                found, want = tuple(value.shape), tuple(weight.shape)
                raise CheckpointError(
                    f"{type(optimizer).__name__}: its {name} {found} is that of other weights than {want}. "
                    "Use another checkpoint"
                )
