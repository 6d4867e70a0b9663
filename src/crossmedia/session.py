"""One training run, from a checked config to its scores: builds, trains, tests, writes the run folder."""

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning import Trainer, seed_everything

from crossmedia import config, run
from crossmedia.build import build
from crossmedia.console import console, head, print_scores
from crossmedia.errors import ConfigError, NonFiniteError, SystemFault, UserError, first_line
from crossmedia.folder import RunFolder, write_json, write_whole
from crossmedia.manifest import manifest, need_same_features, need_same_teachers, other_helpers
from crossmedia.origin import Origin, last_good, need_same_data, vocabulary_of, warm_start
from crossmedia.report.page import write_report
from crossmedia.saved import (
    FORMAT,
    need_same_model,
    pack_meta,
    read_checkpoint,
    saved_facts,
    unpack_meta,
    without_pretrained,
)
from crossmedia.tasks.phases import PhasedTask
from crossmedia.trainer.checkpoints import AtomicCheckpointIO, Checkpoints
from crossmedia.trainer.cluster import rank
from crossmedia.trainer.ddp import Alike
from crossmedia.trainer.log import CSVLog
from crossmedia.trainer.progress import ProgressLine, clock
from crossmedia.trainer.signals import Signals
from crossmedia.trainer.steps import Steps
from crossmedia.trainer.trackers import Pictures, ending, spared, trackers


class Session:
    """Holds the parts of a run while it lasts."""

    def __init__(self, cfg: DictConfig, folder: RunFolder, overrides: list[str], resume: bool = False):
        self.cfg, self.folder, self.overrides = cfg, folder, overrides
        self.resume = resume
        self.first = rank() == 0  # the one that writes and prints
        self.console = console(quiet=not self.first, lasting=True)
        self.signals = Signals()
        before = saved_facts(folder.path, "status") if resume else {}
        self.earlier = before.get("wall_seconds") or 0.0  # seconds that it trained before
        self.began = time.monotonic()

    def run(self) -> dict[str, float]:
        """Train, test, report; returns the scores of the test splits."""
        self._status("starting")
        try:
            with ending(self.folder.path), self.signals.heard(), interruptible():
                scores = self._run()
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt)
            reason = first_line(error)
            with contextlib.suppress(SystemFault):  # of a full disk: what came first is what to tell
                self._status("interrupted" if stopped else "failed", **self._facts(), reason=reason)
            if stopped and (self.folder.path / "config.yaml").exists():
                self._print(f"stopped. To go on: python train.py resume={self.folder.path}")
            raise
        return scores

    def _run(self) -> dict[str, float]:
        cfg = self.cfg
        run.quiet_lightning()
        seed_everything(cfg.seed, verbose=False)
        origin = last_good(self.folder.path) if self.resume else Origin()
        found, saved = origin.checkpoint, origin.contents
        data = build(config.resolved(cfg)["data"], "data")
        if saved:
            data.learn(unpack_meta(saved["meta"]))
        else:
            data.learn(tokenizer=vocabulary_of(cfg.init, cfg.out_dir) if cfg.init else None)
        notes = config.fill_from_data(cfg, data)
        plain = config.resolved(cfg)
        config.check_sizes(plain)
        contents = {
            "format": FORMAT,
            "model": without_pretrained(plain["model"]),
            "meta": saved["meta"] if saved else pack_meta(data.meta),
            "data": data.fingerprint(),
        }
        words = [*origin.words]
        if found and saved:
            need_same_model(found, saved["model"], contents["model"])
            need_same_data(found, saved, contents["data"])
        elif self.first:
            (self.folder.path / "metrics.csv").unlink(missing_ok=True)  # of a start that left no checkpoint
        self.task = build(contents["model"] if saved else plain["model"], "model", meta=data.meta)
        self.task.data = data
        self.task.ready()
        self.task.ready_to_learn()
        self._need_monitored()
        if cfg.init and not saved:
            words.append(warm_start(self.task, cfg.init, cfg.out_dir))
        self._write_config(plain, data)
        self.checkpoints = Checkpoints(self.folder.path, *run.monitored(cfg), contents, self.signals)
        trainer = self._trainer(plain)
        self._print(*head(cfg, self.task, data, notes, trainer, self.folder.path), *words)
        if cfg.compile:
            for net in self.task.nets():
                net.compile()
        self.task.to(memory_format=torch.channels_last)
        self._status("running")
        if self.first:
            self.folder.link()  # a start that fails leaves the run before as the latest
        trainer.fit(self.task, datamodule=data, ckpt_path=found, weights_only=True)
        scores = self._test(trainer, data)
        self._status("finished", **self._facts())
        if self.first:
            self._write_page()
            self._print_tail(scores, self.folder.path / "report.html")
        return scores

    def _need_monitored(self) -> None:
        """ConfigError where the first validation would not log the score that is monitored."""
        key = run.monitored(self.cfg)[0]
        reason = self.task.unscored().get(key.removeprefix("val/"))
        if reason:
            raise ConfigError(f"monitor={key}: {reason}")

    def _trainer(self, plain: dict[str, Any]) -> Trainer:
        folder = self.folder.path
        self.progress = ProgressLine(self.console, self.checkpoints, self._shown())
        callbacks = [Steps(plain["seed"]), self.checkpoints, self.progress, Alike(plain, folder.name)]
        if plain["early_stopping"]:
            kept = self.checkpoints
            callbacks.append(
                build(plain["early_stopping"], "early_stopping", monitor=kept.monitor, mode=kept.direction)
            )
        callbacks.append(Pictures(folder, self._midway))  # after what may stop: it shows the last validation
        if plain["ema"]:  # the last: what looks at a validation looks at the average
            callbacks.append(build(plain["ema"], "ema"))
        node = {name: value for name, value in plain["trainer"].items() if value is not None}
        if isinstance(self.task, PhasedTask):
            node = self.task.take(node)
        log = CSVLog(folder / "metrics.csv")
        return build(
            node,
            "trainer",
            logger=[log, *trackers(plain["logger"], folder, self.cfg.name, self.console)],
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
        precision = str(cfg.trainer.precision)
        facts = manifest(cfg.seed, self.overrides, data.source.fingerprint(), precision, plain["model"])
        facts |= {"experiment": cfg.name, "about": plain["about"]}
        if noises := data.noises():
            facts["noises"] = noises
        if data.skipped or data.source.notes:
            facts["data_notes"] = [*data.source.notes, *data.skipped]
        before = saved_facts(folder, "manifest") if self.resume else {}
        if before:  # it speaks of the start; of each later one, what differs
            need_same_features(before, plain["model"])
            need_same_teachers(before, plain["model"])
            self._print(*other_helpers(before, plain["model"]))
            stack = ("versions", "hardware", "git", "features", "helpers")
            differs = {name: facts[name] for name in stack if facts[name] != before.get(name)}
            facts = {**before, "command": facts["command"], "resumed": [*before.get("resumed", []), differs]}
        self.manifest = facts
        write_whole(folder / "overrides.yaml", OmegaConf.to_yaml(OmegaConf.create(self.overrides)))
        write_json(folder / "manifest.json", self.manifest)
        write_whole(
            folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(plain))
        )  # last: now it is a run

    def _midway(self, trainer: Trainer, notes: list[str]) -> None:
        """After a validation: the page with what there is."""
        moment = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        self._status("running", **self._facts(), **moment, notes=notes)
        self._write_page()

    def _write_page(self) -> None:
        with spared(self.folder.path / "report.html", OSError, UserError):
            write_report(self.folder.path)

    def _test(self, trainer: Trainer, data: Any) -> dict[str, float]:
        """The best checkpoint's scores on every test split, their predictions, and the panels of the page."""
        best = self.folder.path / "checkpoints" / "best.ckpt"
        if not best.exists():
            if self.checkpoints.monitor not in trainer.callback_metrics:
                words = "training ended before its first validation, so nothing was scored"
                keys = "trainer.val_check_interval or trainer.check_val_every_n_epoch"
                raise ConfigError(f"trainer: {words}. Set {keys} to less, or train longer")
            raise NonFiniteError(
                f"{self.checkpoints.monitor}: no finite number at any validation, so nothing is best. Lower "
                "model.optimizer.lr, or use another monitor"
            )
        self.task.load_state_dict(read_checkpoint(best)["state_dict"])
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
        self.manifest["wall_seconds"] = round(self._seconds(), 1)
        write_json(self.folder.path / "manifest.json", self.manifest)

    def _status(self, state: str, **facts: Any) -> None:
        if self.first:
            self.folder.status(state, **facts)

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"wall_seconds": round(self._seconds(), 1)}
        if hasattr(self, "checkpoints"):
            facts |= {
                "best": self.checkpoints.best,
                "best_epoch": self.checkpoints.best_epoch,
                "monitor": self.checkpoints.monitor,
                "direction": self.checkpoints.direction,
                "steps_per_second": round(self.progress.steps_per_second, 2),
            }
        return facts

    def _seconds(self) -> float:
        return self.earlier + time.monotonic() - self.began

    def _print(self, *lines: str) -> None:
        for line in lines:
            self.console.print(line, soft_wrap=True, markup=False, highlight=False)

    def _print_tail(self, scores: dict[str, float], page: Any) -> None:
        if self.checkpoints.stuck:
            self._print(
                f"{self.checkpoints.monitor} never moved ({self.checkpoints.best:g}), so it chose nothing: "
                "the first validation counts as best. Use another monitor"
            )
        self._print("")
        print_scores(self.console, scores, self.manifest["notes"])
        self._print(f"{clock(self._seconds())} · report: {page}")


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C as Python knows it: Lightning makes an exit of it."""
    try:
        yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise error.__context__ from None
        raise
