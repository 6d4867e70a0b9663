"""The three verbs: train a config, evaluate a run, load a model. Also the Python interface."""

import warnings
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from crossmedia import config
from crossmedia.build import build, locate, refuse_foreign
from crossmedia.errors import CheckpointError
from crossmedia.folder import RunFolder, find_run, write_json
from crossmedia.saved import read_checkpoint, saved_config, unpack_meta
from crossmedia.trainer.cluster import rank, telling, to_start, told


def train(cfg: DictConfig | list[str], overrides: list[str] | None = None) -> dict[str, float]:
    """Train, test, and write the run folder; returns the scores of the test splits, as `test/accuracy`.

    cfg: a composed config, or the overrides of the command line.
    """
    if not isinstance(cfg, DictConfig):
        overrides = list(cfg)
        cfg = config.compose(overrides)
    config.check(cfg)
    from crossmedia.session import Session
    from crossmedia.trainer.ranks import launch

    count = to_start(cfg)
    if rank() > 0:  # rank 0 makes the folder and writes it
        return Session(cfg, RunFolder(told()), overrides or []).run()
    folder = RunFolder.create(cfg.out_dir, cfg.name)
    with folder.locked(), telling(folder.path):
        if count:
            return launch(count, cfg, folder, overrides or [])
        return Session(cfg, folder, overrides or []).run()


def quiet_lightning() -> None:
    """Lightning's advice about workers and its own banners say nothing that our lines do not."""
    import logging

    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(pytorch_lightning|lightning_fabric).*")


def monitored(cfg: DictConfig) -> tuple[str, str]:
    """The score that chooses the best checkpoint, and its better direction, "min" or "max"."""
    scores = locate(cfg.model._target_, "model").scores
    key = cfg.monitor or f"val/{next(iter(scores))}"
    return key, scores.get(key.removeprefix("val/"), "min")


def load(run: str | Path, trust: tuple[str, ...] = ()) -> Any:
    """The task of a run folder, a checkpoint, `latest` or `<experiment>@best`: on the CPU, in eval mode.

    Raises CheckpointError where there is none or it is damaged, SecurityError where it names foreign code.
    """
    return _load(find_run(run)[1], trust)


def _load(checkpoint: Path, trust: tuple[str, ...]) -> Any:
    saved = read_checkpoint(checkpoint)
    refuse_foreign(saved["model"], "model", trust)
    task = build(saved["model"], "model", meta=unpack_meta(saved["meta"], trust))
    try:
        task.load_state_dict(saved["state_dict"])
    except RuntimeError as error:
        raise CheckpointError(
            f"{checkpoint}: does not fit its own model. {str(error).splitlines()[-1].strip()}"
        ) from None
    return task.eval()


def evaluate(
    run: str | Path,
    split: str | None = None,
    overrides: tuple[str, ...] | list[str] = (),
    trust: tuple[str, ...] = (),
) -> dict[str, float]:
    """Score a checkpoint on one split (default: every test split); writes `eval/<split>.json`.

    The run folder alone is enough.
    """
    return evaluated(run, split, overrides, trust)[0]


def evaluated(
    run: str | Path,
    split: str | None = None,
    overrides: tuple[str, ...] | list[str] = (),
    trust: tuple[str, ...] = (),
) -> tuple[dict[str, float], list[str]]:
    """As `evaluate`; the scores and what a reader of them has to know."""
    from pytorch_lightning import Trainer

    from crossmedia.trainer.steps import Steps

    quiet_lightning()
    folder, checkpoint = find_run(run)
    task = _load(checkpoint, trust)
    node = saved_config(folder)
    for override in overrides:
        config.replace(node, override)
    refuse_foreign(node["data"], "data", trust)
    data = build(node["data"], "data")
    data.learn(task.meta)
    splits = [split] if split else data.test_splits
    trainer = Trainer(
        accelerator="cpu" if node["trainer"].get("accelerator") == "cpu" else "auto",
        devices=1,
        precision=node["trainer"].get("precision"),
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        use_distributed_sampler=False,
        callbacks=[Steps(node["seed"])],
    )
    scores: dict[str, float] = {}
    notes: dict[str, None] = {}
    for name in splits:
        found = test(trainer, task, data, name)
        facts = {"checkpoint": checkpoint.name, "overrides": list(overrides)}
        write_json(folder / "eval" / f"{name}.json", {**facts, **found})
        scores.update(found)
        notes |= dict.fromkeys(task.notes(name))
    return scores, list(notes)


def test(trainer: Any, task: Any, data: Any, split: str) -> dict[str, float]:
    """The scores of one split under its own name; the task keeps the records of every rank."""
    import torch

    task.test_split = split
    loader = data.loader(split)
    trainer.test(task, dataloaders=loader, verbose=False)
    if trainer.world_size > 1:
        parts: list[Any] = [None] * trainer.world_size
        torch.distributed.all_gather_object(parts, task.records)
        task.records = [record for part in parts for record in part]
    return {
        key: float(value) for key, value in trainer.callback_metrics.items() if key.startswith(f"{split}/")
    }
