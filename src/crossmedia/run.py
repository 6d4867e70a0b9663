"""The three verbs: train a config, evaluate a run, load a model. Also the Python interface."""

import copy
import warnings
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from crossmedia import config, continued
from crossmedia.build import build, locate, refuse_foreign
from crossmedia.errors import CheckpointError, ConfigError, SecurityError, SystemFault, brief
from crossmedia.folder import RunFolder, find_folder, find_run, write_json
from crossmedia.manifest import other_features, other_helpers
from crossmedia.origin import last_good
from crossmedia.saved import (
    inside,
    need_same_model,
    other_data,
    read_checkpoint,
    saved_config,
    saved_facts,
    saved_overrides,
    unpack_meta,
    without_pretrained,
)
from crossmedia.trainer.cluster import rank, telling, to_start, told


def train(cfg: DictConfig | list[str], overrides: list[str] | None = None) -> dict[str, float]:
    """Train, test, and write the run folder; returns the scores of the test splits, as `test/accuracy`.

    cfg: a composed config, or the overrides of the command line.
    """
    if not isinstance(cfg, DictConfig):
        overrides = list(cfg)
        cfg = config.compose(overrides)
    config.check(cfg)
    if cfg.init:
        find_run(cfg.init, cfg.out_dir)
    count = to_start(cfg)
    if rank() > 0:  # rank 0 makes the folder and writes it
        return _run(count, cfg, RunFolder(told()), overrides or [])
    folder = RunFolder.create(cfg.out_dir, cfg.name)
    with folder.locked(), telling(folder.path):
        return _run(count, cfg, folder, overrides or [])


def resume(name: str, overrides: list[str]) -> dict[str, float]:
    """Continue a run in its folder, to the same bits; `trainer.max_epochs=20` extends it. Returns the scores.

    A run that is finished stays as it is. Raises CheckpointError where there is no run, where its checkpoints
    are damaged, or where the data changed; ConfigError where something else is to change.
    """
    path = find_run(name)[0] if Path(name).is_file() else find_folder(name)
    plain = saved_config(path)
    cfg, changes = continued.change(plain, overrides)
    config.check(cfg)
    epochs = cfg.trainer.max_epochs
    if epochs != plain["trainer"].get("max_epochs"):
        saved = last_good(path).contents
        if saved and epochs < saved["progress"]["epoch"]:
            done = saved["progress"]["epoch"]
            raise ConfigError(f"trainer.max_epochs={epochs}: {done} epochs are done. Give more")
    elif saved_facts(path, "status").get("state") == "finished":
        if rank() == 0:
            idle = f"; {', '.join(changes)} changes nothing there" if changes else ""
            print(f"already finished: {path}{idle}. trainer.max_epochs=… extends it")
        return saved_facts(path, "scores")
    count = to_start(cfg)
    folder, overrides = RunFolder(path), continued.merged(saved_overrides(path), changes)
    if rank() > 0:
        return _run(count, cfg, folder, overrides, True)
    with folder.locked():
        folder.sweep()
        return _run(count, cfg, folder, overrides, True)


def _run(
    count: int,
    cfg: DictConfig,
    folder: RunFolder,
    overrides: list[str],
    resume: bool = False,
) -> dict[str, float]:
    """Train here, or on `count` ranks that are to be started."""
    from crossmedia.session import Session
    from crossmedia.trainer.ranks import launch

    if count:
        return launch(count, cfg, folder, overrides, resume)
    return Session(cfg, folder, overrides, resume).run()


def quiet_lightning() -> None:
    """Lightning's advice about workers and its own banners say nothing that our lines do not."""
    import logging

    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(pytorch_lightning|lightning_fabric).*")


def monitored(cfg: DictConfig) -> tuple[str, str]:
    """The score that chooses the best checkpoint, and its better direction, "min" or "max"."""
    model: Any = OmegaConf.to_container(cfg.model, resolve=True)
    scores = locate(model["_target_"], "model").scored(model)
    key = cfg.monitor or f"val/{next(iter(scores))}"
    return key, {"loss": "min", **scores}[key.removeprefix("val/")]


def load(run: str | Path) -> Any:
    """The task of a run folder, a checkpoint, `latest` or `<experiment>@best`: on the CPU, in eval mode.

    Raises CheckpointError where there is none or it is damaged, SecurityError where it names foreign code.
    """
    return _load(find_run(run)[1])


def _load(
    checkpoint: Path,
    node: dict[str, Any] | None = None,
    changed: dict[str, Any] | None = None,
) -> Any:
    """The task of a checkpoint; where `node`, the config of its run, is given, the two must fit, and the task
    is that of the config as it was `changed`."""
    saved = read_checkpoint(checkpoint)
    refuse_foreign(saved["model"], "model", checkpoint.name)
    model = without_pretrained(saved["model"])
    if node:
        need_same_model(checkpoint, model, node["model"])
        model = without_pretrained((changed or node)["model"])  # with the paths that hold now
    try:
        task = build(model, "model", meta=unpack_meta(saved["meta"], checkpoint.name))
        task.load_state_dict(saved["state_dict"])
        return task.eval()
    except (SecurityError, SystemFault):
        raise
    except Exception as error:  # of values that no config check has seen, a constructor can make anything
        if changed and isinstance(error, ConfigError):
            raise
        fault = brief(str(error).splitlines()[-1].strip() if str(error) else type(error).__name__, 80)
        raise CheckpointError(f"{checkpoint}: does not fit its own model. {fault}") from error


def evaluate(
    run: str | Path,
    split: str | None = None,
    overrides: tuple[str, ...] | list[str] = (),
) -> dict[str, float]:
    """Score a checkpoint on one split (default: every test split); writes `eval/<split>.json`.

    The run folder alone is enough.
    """
    return evaluated(run, split, overrides)[0]


def evaluated(
    run: str | Path,
    split: str | None = None,
    overrides: tuple[str, ...] | list[str] = (),
) -> tuple[dict[str, float], list[str]]:
    """As `evaluate`; the scores and what a reader of them has to know."""
    from crossmedia.trainer.steps import Steps

    quiet_lightning()
    folder, checkpoint = find_run(run)
    saved = saved_config(folder)
    node = copy.deepcopy(saved)
    for override in overrides:
        config.replace(node, override)
    refuse_foreign(node["data"], "data")
    task = _load(checkpoint, saved, node)
    task.ready()
    data = build(node["data"], "data")
    data.learn(task.meta)
    splits = [split] if split else data.test_splits
    trainer = build(
        {
            "_target_": "pytorch_lightning.Trainer",
            "accelerator": "cpu" if node["trainer"].get("accelerator") == "cpu" else "auto",
            "precision": node["trainer"].get("precision"),
        },
        "trainer",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        use_distributed_sampler=False,
        callbacks=[Steps(node["seed"])],
    )
    scores: dict[str, float] = {}
    own = not any(override.startswith("data.source") for override in overrides)
    notes = dict.fromkeys(other_data(folder, data.source.fingerprint()) if own else [])
    before = saved_facts(folder, "manifest")
    notes |= dict.fromkeys(other_features(before, node["model"]) + other_helpers(before, node["model"]))
    for name in splits:
        found = test(trainer, task, data, name)
        facts = {"checkpoint": checkpoint.name, "overrides": list(overrides)}
        write_json(inside(folder, "eval") / f"{name}.json", {**facts, **found})
        scores.update(found)
        notes |= dict.fromkeys(task.notes(name))
    return scores, list(notes)


def test(trainer: Any, task: Any, data: Any, split: str) -> dict[str, float]:
    """The scores of one split under its own name, and of how many samples; the task keeps the records of
    every rank."""
    from crossmedia.trainer.ddp import gathered

    task.test_split, task.data = split, data
    loader = data.loader(split)
    trainer.test(task, dataloaders=loader, verbose=False)
    task.records = gathered(task.records)
    found = {
        key: float(value) for key, value in trainer.callback_metrics.items() if key.startswith(f"{split}/")
    }
    return {**found, f"{split}/samples": len(task.records)}
