"""Steps a second through train.py beside a bare PyTorch loop of the same net, batches and optimizer.

One run of `crossmedia.run.train`. Every few steps it stands still, and the bare loop, which started from
a copy of its weights, does the same steps. At the end both must have the same weights to the last bit: the
same work.
"""

import contextlib
import copy
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from omegaconf import DictConfig
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from benchmarks.table import Figure, ratios, show
from crossmedia import config, run
from crossmedia.build import build
from crossmedia.data.order import address
from crossmedia.tasks.base import Task

TURN = 10  # steps at a time: short, so that both see the same machine
TURNS = 24
SHOWN = 10  # steps between two looks at the loss, as trainer.log_every_n_steps


def caption_loss(net: nn.Module, batch: Any, label_smoothing: float) -> Tensor:
    logits, _ = net(batch.inputs, batch.tokens[..., :-1])
    target = batch.tokens[..., 1:].flatten()
    return F.cross_entropy(logits.flatten(0, -2), target, ignore_index=0, label_smoothing=label_smoothing)


def class_loss(net: nn.Module, batch: Any, label_smoothing: float) -> Tensor:
    return F.cross_entropy(net(batch.inputs), batch.labels, label_smoothing=label_smoothing)


def bare_loop(
    net: nn.Module, batches: Any, cfg: dict[str, Any], steps: int, loss_of: Callable[..., Tensor]
) -> Iterator[int]:
    """The training loop that a script would have; yields the number of each step when it is done."""
    keys = [address(cfg["seed"], 0, "train", 0, step) for step in range(steps)]
    optimizer = build(cfg["model"]["optimizer"], "optimizer")(net.parameters())
    schedule = build(cfg["model"]["schedule"], "schedule")(optimizer, total_steps=steps)
    clip, smoothing = cfg["trainer"]["gradient_clip_val"], cfg["model"]["label_smoothing"]
    half = cfg["trainer"]["precision"] == "bf16-mixed"
    net.train()
    for step, batch in enumerate(itertools.islice(itertools.cycle(batches), steps)):
        torch.manual_seed(keys[step])  # dropout then draws what train.py's draws
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = loss_of(net, batch, smoothing)
        optimizer.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
        schedule.step()
        if step % SHOWN == 0:
            loss.item()
        yield step


class Turns(Callback):
    """Times the run's own turns and, between them, the bare loop's."""

    def __init__(self, cfg: DictConfig, loss_of: Callable[..., Tensor]):
        self.cfg, self.loss_of = cfg, loss_of
        self.ours: list[float] = []  # seconds of each turn
        self.bare: list[float] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        net: Any = pl_module.net
        data: Any = trainer.datamodule  # pyright: ignore[reportAttributeAccessIssue]
        self.net = copy.deepcopy(net)
        batches = data.loader("train", train=True)
        self.loop = bare_loop(self.net, batches, config.resolved(self.cfg), TURN * TURNS, self.loss_of)
        self.mark = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (batch_idx + 1) % TURN:
            return
        now = time.perf_counter()
        self.ours.append(now - self.mark)
        for _ in itertools.islice(self.loop, TURN):
            pass
        self.mark = time.perf_counter()
        self.bare.append(self.mark - now)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        net: Any = pl_module.net
        for name, value in net.state_dict().items():
            if not torch.equal(value, self.net.state_dict()[name]):
                raise RuntimeError(
                    f"{name}: the bare loop has other weights, so it no longer does the same work"
                )


def measured(experiment: str, loss_of: Callable[..., Tensor]) -> tuple[list[float], list[float]]:
    """Seconds of each turn of train.py's path, its bar drawn, and of the bare loop; without the first."""
    steps = TURN * TURNS
    with tempfile.TemporaryDirectory() as folder:
        overrides = [f"experiments={experiment}", "trainer.max_epochs=1", f"out_dir={folder}"]
        overrides += [f"+trainer.limit_{part}_batches=1" for part in ("val", "test")]
        cfg = config.compose([*overrides, f"+trainer.limit_train_batches={steps}"])
        turns = Turns(cfg, loss_of)
        with (
            patch.object(Task, "configure_callbacks", lambda task: [turns]),
            patch.dict(os.environ, FORCE_COLOR="1"),
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(nowhere),
        ):
            run.train(cfg)
    return turns.ours[1:], turns.bare[1:]


def training() -> list[Figure]:
    """The captioner of `make train`."""
    ours, bare = measured("captioning_scenes", caption_loss)
    speeds = [f"{TURN / statistics.median(times):.1f} steps/s" for times in (ours, bare)]
    what = "captioning_scenes, train.py ÷ bare loop"
    return [Figure(what, speeds[0], speeds[1], ratios(bare, ours), goal=0.97, least=True)]


if __name__ == "__main__":
    sys.exit(show("Training", training))
