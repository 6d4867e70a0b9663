"""Steps a second through train.py beside a bare PyTorch loop of the same net, batches and optimizer.

One run of `crossmedia.run.train`. Every few steps it stands still, and the bare loop, which started from
a copy of its weights, does the same steps. At the end both must have the same weights to the last bit: the
same work.
"""

import contextlib
import copy
import functools
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
DCGAN = ("data=scenes", "data.image.size=32", "data.source.num_train=40000", "model=gan_dcgan")
SHOWN = 10  # steps between two looks at the loss, as trainer.log_every_n_steps


def caption_loss(net: nn.Module, batch: Any, label_smoothing: float) -> Tensor:
    logits, _ = net(batch.inputs, batch.tokens[..., :-1])
    target = batch.tokens[..., 1:].flatten()
    return F.cross_entropy(logits.flatten(0, -2), target, ignore_index=0, label_smoothing=label_smoothing)


def bare_loop(nets: nn.ModuleDict, batches: Any, cfg: dict[str, Any], steps: int) -> Iterator[int]:
    """The training loop that a script would have; yields the number of each step when it is done."""
    net = nets["net"]
    keys = [address(cfg["seed"], 0, "train", 0, step) for step in range(steps)]
    optimizer = build(cfg["model"]["optimizer"], "optimizer")(net.parameters())
    schedule = build(cfg["model"]["schedule"], "schedule")(optimizer, total_steps=steps)
    clip, smoothing = cfg["trainer"]["gradient_clip_val"], cfg["model"]["label_smoothing"]
    half = cfg["trainer"]["precision"] == "bf16-mixed"
    net.train()
    for step, batch in enumerate(itertools.islice(itertools.cycle(batches), steps)):
        torch.manual_seed(keys[step])  # dropout then draws what train.py's draws
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = caption_loss(net, batch, smoothing)
        optimizer.zero_grad()
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
        schedule.step()
        if step % SHOWN == 0:
            loss.item()
        yield step


def bare_game(nets: nn.ModuleDict, batches: Any, cfg: dict[str, Any], steps: int) -> Iterator[int]:
    """The two players of a hinge GAN, as a script would have them."""
    made, judge, model = nets["net"], nets["discriminator"], cfg["model"]
    keys = [address(cfg["seed"], 0, "train", 0, step) for step in range(steps)]
    optimizer_d = build(model["discriminator_optimizer"], "optimizer")(judge.parameters())
    optimizer_g = build(model["optimizer"], "optimizer")(made.parameters())
    width = model["net"]["latent_dim"]
    half = functools.partial(
        torch.autocast, "cpu", torch.bfloat16, enabled=cfg["trainer"]["precision"] == "bf16-mixed"
    )
    for step, batch in enumerate(itertools.islice(itertools.cycle(batches), steps)):
        torch.manual_seed(keys[step])
        real = batch.inputs
        with half():
            with torch.no_grad():
                fake = made(torch.randn(len(real), width))
            loss_d = F.relu(1 - judge(real).float()).mean() + F.relu(1 + judge(fake).float()).mean()
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        judge.requires_grad_(False)
        with half():
            loss_g = -judge(made(torch.randn(len(real), width))).float().mean()
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        judge.requires_grad_(True)
        if step % SHOWN == 0:
            _ = loss_d.item(), loss_g.item()
        yield step


Loop = Callable[[nn.ModuleDict, Any, dict[str, Any], int], Iterator[int]]


class Turns(Callback):
    """Times the run's own turns and, between them, the bare loop's, on copies of the nets named."""

    def __init__(self, cfg: DictConfig, loop_of: Loop, names: tuple[str, ...]):
        self.cfg, self.loop_of, self.names = cfg, loop_of, names
        self.ours: list[float] = []  # seconds of each turn
        self.bare: list[float] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        data: Any = trainer.datamodule  # pyright: ignore[reportAttributeAccessIssue]
        self.nets = nn.ModuleDict({name: copy.deepcopy(getattr(pl_module, name)) for name in self.names})
        batches = data.loader("train", train=True)
        self.loop = self.loop_of(self.nets.train(), batches, config.resolved(self.cfg), TURN * TURNS)
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
        for part in self.names:
            for name, value in getattr(pl_module, part).state_dict().items():
                if not torch.equal(value, self.nets[part].state_dict()[name]):
                    raise RuntimeError(f"{part}.{name}: the bare loop has other weights, so does other work")


def measured(what: str, loop_of: Loop, names: tuple[str, ...], *given: str) -> Figure:
    """Seconds of each turn of train.py's path, its bar drawn, and of the bare loop; without the first."""
    steps = TURN * TURNS
    with tempfile.TemporaryDirectory() as folder:
        overrides = [*given, "trainer.max_epochs=1", f"out_dir={folder}"]
        overrides += [f"+trainer.limit_{part}_batches=1" for part in ("val", "test")]
        cfg = config.compose([*overrides, f"+trainer.limit_train_batches={steps}"])
        turns = Turns(cfg, loop_of, names)
        with (
            patch.object(Task, "configure_callbacks", lambda task: [turns]),
            patch.dict(os.environ, FORCE_COLOR="1"),
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(nowhere),
        ):
            run.train(cfg)
    ours, bare = turns.ours[1:], turns.bare[1:]
    speeds = [f"{TURN / statistics.median(times):.1f} steps/s" for times in (ours, bare)]
    return Figure(
        f"{what}, train.py ÷ bare loop", speeds[0], speeds[1], ratios(bare, ours), goal=0.97, least=True
    )


def training() -> list[Figure]:
    """The captioner of `make train`, and a GAN."""
    return [
        measured("captioning_scenes", bare_loop, ("net",), "experiments=captioning_scenes"),
        measured("DCGAN on scenes", bare_game, ("net", "discriminator"), *DCGAN),
    ]


if __name__ == "__main__":
    sys.exit(show("Training", training))
