"""A task's losses and scores over batches that a test wrote, by a real trainer."""

import warnings
from typing import Any
from unittest.mock import patch

import torch
from made import Batches
from pytorch_lightning import Trainer
from torch.optim import Optimizer

from crossmedia.tasks.base import Task


def trainer(**more: Any) -> Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return Trainer(accelerator="cpu", enable_checkpointing=False, num_sanity_val_steps=0, **{**quiet, **more})


def run_over(task: Task, *batches: Any, split: str = "test") -> Trainer:
    """The trainer after a validation (`val`) or a test of the split."""
    made = trainer()
    task.test_split = split
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        (made.validate if split == "val" else made.test)(task, Batches(*batches), verbose=False)
    return made


def scored(task: Task, *batches: Any, split: str = "test") -> dict[str, float]:
    """What a validation or a test of the split logs."""
    found = run_over(task, *batches, split=split).callback_metrics
    return {name: float(value) for name, value in found.items()}


def stepped(task: Task, batch: Any) -> tuple[float, dict[str, float]]:
    """The loss of a training step, and what it logs."""
    with patch.object(task, "log") as log:
        loss: Any = task.training_step(batch, 0)
    logged = {call.args[0]: float(torch.as_tensor(call.args[1]).detach()) for call in log.call_args_list}
    return float(loss.detach()), logged


def overfitted(task: Task, batch: Any, optimizer: Optimizer, steps: int) -> list[float]:
    """The losses of so many steps on one batch, each with randomness of its own."""
    losses = []
    with patch.object(task.train(), "log"):
        for step in range(steps):
            torch.manual_seed(step)
            optimizer.zero_grad()
            loss: Any = task.training_step(batch, step)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    return losses
