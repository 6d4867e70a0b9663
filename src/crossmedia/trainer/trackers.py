"""What leaves the training loop to be looked at: panels into the run folder, the trackers asked for."""

import contextlib
import importlib.util
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers.logger import Logger
from rich.console import Console

from crossmedia.build import build
from crossmedia.errors import SystemFault
from crossmedia.report.store import save_panels
from crossmedia.report.trackers import log_panels

WAIT = 5.0  # seconds for the wandb server to answer
EVERY = 30.0  # seconds between two pages


class Pictures(Callback):
    """At the first validation, and then at most every 30 s, saves panels and calls `then` for the page."""

    def __init__(self, folder: Path, then: Callable[[Trainer, LightningModule], None]):
        self.folder, self.then = folder, then
        self._last = -EVERY

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        due = not trainer.sanity_checking and time.monotonic() - self._last >= EVERY
        if not trainer.strategy.broadcast(due):  # rank 0's clock counts: drawing takes every rank
            return
        self._last = time.monotonic()
        self.draw(trainer, pl_module, self.folder, "val")
        if trainer.is_global_zero:
            self.then(trainer, pl_module)

    @staticmethod
    def draw(trainer: Trainer, task: Any, folder: Path, split: str) -> None:
        """Save the panels of the split scored last, and show them to the trackers."""
        training = task.training  # Lightning puts the mode back after a test: dropout, moving statistics
        panels = task.eval().panels(split)  # its metrics gather from every rank
        task.train(training)
        if not trainer.is_global_zero:
            return
        save_panels(folder, split, panels)
        for logger in trainer.loggers:
            log_panels(logger, split, panels, trainer.global_step)


def trackers(node: dict[str, Any], folder: Path, name: str, console: Console) -> list[Logger]:
    """The loggers of the config; Weights & Biases goes offline where its server does not answer."""
    found = []
    for place, part in enumerate(node["trackers"]):
        kind = part["_target_"].rpartition(".")[2]
        given: dict[str, Any] = {"save_dir": str(folder)}
        if kind == "TensorBoardLogger" and not importlib.util.find_spec("tensorboard"):
            raise SystemFault('logger=tensorboard needs tensorboard: pip install "crossmedia[tensorboard]"')
        if kind == "WandbLogger":
            given["name"] = f"{name}/{folder.name}"
            if not part.get("offline") and not _answers(
                os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")
            ):
                console.print(
                    "wandb: no answer from its server, so this run is kept offline; wandb sync uploads it"
                )
                part = {**part, "offline": True}
        found.append(build(part, f"logger.trackers[{place}]")(**given))
    return found


def _answers(url: str) -> bool:
    """Whether someone listens there, within WAIT in all: finding the address has no limit of its own."""
    parts = urlsplit(url)
    try:
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError:  # not an address; its text may hold a password
        return False
    answers = threading.Event()

    def ask() -> None:
        with contextlib.suppress(OSError):
            socket.create_connection((parts.hostname or "", port), timeout=WAIT).close()
            answers.set()
        asked.set()

    asked = threading.Event()
    threading.Thread(target=ask, daemon=True).start()
    asked.wait(WAIT)
    return answers.is_set()
