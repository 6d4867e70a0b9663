"""One training run, from a checked config to its scores: builds, trains, tests, writes the run folder."""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything

from crossmedia import config, run
from crossmedia.build import build
from crossmedia.console import console, counted, data_line, model_line, print_scores
from crossmedia.errors import ConfigError, NonFiniteError, UserError
from crossmedia.folder import RunFolder, write_json, write_whole
from crossmedia.manifest import manifest
from crossmedia.report.page import write_report
from crossmedia.saved import FORMAT, pack_meta, read_checkpoint
from crossmedia.trainer.checkpoints import AtomicCheckpointIO, Checkpoints
from crossmedia.trainer.log import CSVLog
from crossmedia.trainer.progress import ProgressLine, clock
from crossmedia.trainer.steps import Steps
from crossmedia.trainer.trackers import Pictures, finish, spared, trackers


class Session:
    """Holds the parts of a run while it lasts."""

    def __init__(self, cfg: DictConfig, folder: RunFolder, overrides: list[str]):
        self.cfg, self.folder, self.overrides = cfg, folder, overrides
        self.first = run.rank() == 0  # the one that writes and prints
        self.console = console(quiet=not self.first)
        self.began = time.monotonic()

    def run(self) -> dict[str, float]:
        """Train, test, report; returns the scores of the test splits."""
        self._status("starting")
        mode = os.environ.get("WANDB_MODE")
        try:
            scores = self._run()
        except BaseException as error:
            state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            self._status(state, **self._facts(), reason=str(error).partition("\n")[0] or type(error).__name__)
            raise
        finally:
            finish(self.folder.path)
            os.environ.pop("WANDB_MODE", None)  # Lightning writes it down for a run that is kept offline
            os.environ.update({} if mode is None else {"WANDB_MODE": mode})
        return scores

    def _run(self) -> dict[str, float]:
        cfg = self.cfg
        run.quiet_lightning()
        seed_everything(cfg.seed, verbose=False)
        data = build(config.resolved(cfg)["data"], "data")
        data.learn()
        notes = config.fill_from_data(cfg, data)
        plain = config.resolved(cfg)
        config.check_sizes(plain)
        self.task = build(plain["model"], "model", meta=data.meta)
        self._write_config(plain, data)
        monitor, direction = run.monitored(cfg)
        contents = {"format": FORMAT, "model": _started(plain["model"]), "meta": pack_meta(data.meta)}
        self.checkpoints = Checkpoints(self.folder.path, monitor, direction, contents)
        trainer = self._trainer(plain)
        self._print_head(data, notes, trainer)
        if cfg.compile:
            self.task.net.compile()
        self.task.to(memory_format=torch.channels_last)
        self._status("running")
        if self.first:
            self.folder.link()  # a start that fails leaves the run before as the latest
        with interruptible():
            trainer.fit(self.task, datamodule=data)
        scores = self._test(trainer, data)
        self._status("finished", **self._facts())
        if self.first:
            self._print_tail(scores, write_report(self.folder.path))
        return scores

    def _trainer(self, plain: dict[str, Any]) -> Trainer:
        folder = self.folder.path
        self.progress = ProgressLine(self.console, self.checkpoints, self._shown())
        callbacks = [Steps(plain["seed"]), self.checkpoints, self.progress, Pictures(folder, self._midway)]
        if plain["early_stopping"]:
            kept = self.checkpoints
            callbacks.append(
                build(plain["early_stopping"], "early_stopping", monitor=kept.monitor, mode=kept.direction)
            )
        node = {name: value for name, value in plain["trainer"].items() if value is not None}
        try:
            return self._built(node, callbacks, plain["logger"])
        except MisconfigurationException as error:
            raise ConfigError(f"trainer: {str(error).splitlines()[0]}") from error

    def _built(self, node: dict[str, Any], callbacks: list[Callback], loggers: dict[str, Any]) -> Trainer:
        folder = self.folder.path
        return build(
            node,
            "trainer",
            logger=[
                CSVLog(folder / "metrics.csv"),
                *trackers(loggers, folder, self.cfg.name, self.console),
            ],
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            use_distributed_sampler=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )

    def _shown(self) -> list[str]:
        """The scores of the progress line: the monitored one first, three in all."""
        monitored = self.checkpoints.monitor.removeprefix("val/")
        return list(dict.fromkeys([monitored, *self.task.scores]))[:3]

    def _write_config(self, plain: dict[str, Any], data: Any) -> None:
        if not self.first:
            return
        folder, cfg = self.folder.path, self.cfg
        write_whole(folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(plain)))
        write_whole(folder / "overrides.yaml", OmegaConf.to_yaml(OmegaConf.create(self.overrides)))
        self.manifest = manifest(
            cfg.seed, self.overrides, data.source.fingerprint(), str(cfg.trainer.precision)
        )
        self.manifest["experiment"] = cfg.name
        self.manifest["about"] = plain["about"]
        if data.skipped or data.source.notes:
            self.manifest["data_notes"] = [*data.source.notes, *data.skipped]
        write_json(folder / "manifest.json", self.manifest)

    def _midway(self, trainer: Trainer, module: LightningModule) -> None:
        """After a validation: the page with what there is."""
        self._status("running", **self._facts(), epoch=trainer.current_epoch, step=trainer.global_step)
        with spared(self.folder.path / "report.html", OSError, UserError):
            write_report(self.folder.path)

    def _test(self, trainer: Trainer, data: Any) -> dict[str, float]:
        """The best checkpoint's scores on every test split, their predictions, and the panels of the page."""
        best = self.folder.path / "checkpoints" / "best.ckpt"
        if best.exists():
            self.task.load_state_dict(read_checkpoint(best)["state_dict"])
        else:
            raise NonFiniteError(
                f"{self.checkpoints.monitor}: no finite number at any validation, so nothing is best"
            )
        scores, lines, notes = {}, [], []
        for split in data.test_splits:
            scores.update(run.test(trainer, self.task, data, split))
            notes += self.task.notes(split)
            lines += [json.dumps({"split": split, **r}, ensure_ascii=False) + "\n" for r in self.task.records]
            Pictures.draw(trainer, self.task, self.folder.path, split)
        if self.first:
            self.manifest["notes"] = list(dict.fromkeys(notes))
            self._write_scores(scores, lines)
        return scores

    def _write_scores(self, scores: dict[str, float], lines: list[str]) -> None:
        write_whole(self.folder.path / "predictions.jsonl", "".join(lines))
        write_json(self.folder.path / "scores.json", scores)
        self.manifest["wall_seconds"] = round(time.monotonic() - self.began, 1)
        write_json(self.folder.path / "manifest.json", self.manifest)

    def _status(self, state: str, **facts: Any) -> None:
        if self.first:
            self.folder.status(state, **facts)

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"wall_seconds": round(time.monotonic() - self.began, 1)}
        if hasattr(self, "checkpoints"):
            facts |= {
                "best": self.checkpoints.best,
                "best_epoch": self.checkpoints.best_epoch,
                "monitor": self.checkpoints.monitor,
                "direction": self.checkpoints.direction,
                "steps_per_second": round(self.progress.steps_per_second, 2),
            }
        return facts

    def _print_head(self, data: Any, notes: list[str], trainer: Trainer) -> None:
        cfg = self.cfg
        direction = (
            f" · {cfg.about.direction.replace('->', '→')}" if cfg.about and cfg.about.get("direction") else ""
        )
        limit = trainer.limit_train_batches
        steps = len(data.loader("train", train=True)) // trainer.world_size
        steps = min(steps, limit) if isinstance(limit, int) else int(steps * limit)
        on_cpu = trainer.strategy.root_device.type == "cpu"
        device = counted(torch.get_num_threads(), "CPU core") if on_cpu else torch.cuda.get_device_name()
        device = f"{trainer.world_size} × {device}" if trainer.world_size > 1 else device
        lines = [
            f"{cfg.name}{direction} · {model_line(self.task)}",
            f"data      {data_line(data, notes)}",
            f"compute   {device} · {trainer.precision} · seed {cfg.seed} · "
            f"{counted(trainer.max_epochs or 0, 'epoch')} × {counted(steps, 'step')}",
            f"run       {self.folder.path}",
        ]
        if data.source.notes:
            lines.append(f"          {'; '.join(data.source.notes)}")
        if data.skipped:
            lines.append(f"skipped   {len(data.skipped)}, listed in manifest.json: {data.skipped[0]}")
        for line in lines:
            self.console.print(line, soft_wrap=True, markup=False)
        self.console.print()

    def _print_tail(self, scores: dict[str, float], page: Any) -> None:
        if self.checkpoints.stuck:
            self.console.print(
                f"{self.checkpoints.monitor} never moved ({self.checkpoints.best:g}), so it chose nothing: "
                "the first validation counts as best. Use another monitor",
                markup=False,
            )
        self.console.print()
        print_scores(self.console, scores, self.manifest["notes"])
        self.console.print(
            f"{clock(time.monotonic() - self.began)} · report: {page}", soft_wrap=True, markup=False
        )


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C as Python knows it: Lightning makes an exit of it, and stays deaf to the next."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


def _started(node: Any) -> Any:
    """The model's config without `pretrained`: a checkpoint holds the weights that came of it."""
    if isinstance(node, dict):
        return {name: None if name == "pretrained" else _started(value) for name, value in node.items()}
    return [_started(value) for value in node] if isinstance(node, list) else node
