"""The root keys of a run, how they are composed, and the check that lists every fault before any building."""

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from crossmedia.errors import ConfigError
from crossmedia.typing import mistyped

ROOT = Path(__file__).resolve().parents[2]
GIVEN = frozenset({"meta", "monitor"})  # arguments that the code hands over itself
FROM_DATA = ("num_classes", "tokenizer.vocab_size")  # keys of `data` that the data itself may fill


@dataclass
class RunConfig:
    """The root keys; conf/train.yaml has their defaults."""

    about: dict | None  # what an experiment claims: claim, direction, minutes, score, on
    name: str | None  # the experiment, or <data>_<model>
    data: dict
    model: dict
    trainer: dict
    logger: dict
    seed: int
    monitor: str | None  # the score that chooses the best checkpoint; null: the task's first
    early_stopping: dict | None
    ema: dict | None
    init: str | None  # the run whose weights this one starts from
    out_dir: str
    compile: bool
    debug: bool


def nearest(name: str, names: Any) -> str:
    """`. Nearest: x` where one of the names is close, else nothing."""
    found = difflib.get_close_matches(str(name), [str(n) for n in names], n=1, cutoff=0.5)
    return f". Nearest: {found[0]}" if found else ""


def compose(overrides: list[str]) -> DictConfig:
    """The config of `python train.py <overrides>`, without Hydra's state."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    os.environ["CROSSMEDIA_ROOT"] = str(ROOT)
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = hydra_compose("train", overrides, return_hydra_config=True)
    choices = dict(cfg.hydra.runtime.choices)
    OmegaConf.set_struct(cfg, False)
    del cfg["hydra"]
    return named(cfg, choices)


def named(cfg: DictConfig, choices: dict[str, Any]) -> DictConfig:
    """Give the run its name, the experiment or `<data>_<model>`, and the debug trainer the last word."""
    if choices.get("trainer") == "debug":  # Hydra composes an experiment after it
        own = OmegaConf.load(ROOT / "conf" / "trainer" / "debug.yaml")
        cfg.trainer.update({key: value for key, value in own.items() if key != "defaults"})
    if cfg.name is None:
        cfg.name = choices.get("experiments") or f"{choices.get('data')}_{choices.get('model')}"
    return cfg


def check(cfg: DictConfig) -> None:
    """Raise ConfigError with every fault: keys, classes, arguments, types, the monitored score, devices."""
    faults = [
        f"{key}: no such key{nearest(str(key), [field.name for field in fields(RunConfig)])}"
        for key in cfg
        if key not in {field.name for field in fields(RunConfig)}
    ]
    for group in ("data", "model"):
        if cfg.get(group) is None:
            faults.append(f"{group}: not chosen. Use {group}=… or experiments=…; crossmedia list shows them")
    try:
        faults += [f"{key}: not given. Use {key}=…" for key in sorted(OmegaConf.missing_keys(cfg))]
        if faults:
            raise ConfigError(*faults)
        plain: Any = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        fault = str(error).splitlines()[0]
        if "data.tokenizer" in fault:
            fault = "data.tokenizer: this data has none. Use +data/tokenizer=words, or another model"
        raise ConfigError(*faults, fault) from None
    for field in fields(RunConfig):
        fault = mistyped(plain.get(field.name), field.type)
        if fault:
            faults.append(f"{field.name}={plain.get(field.name)}: {fault}")
    if isinstance(plain["seed"], int) and not 0 <= plain["seed"] < 2**32:
        faults.append(f"seed={plain['seed']}: must be from 0 to {2**32 - 1}")
    for group in ("data", "model", "trainer", "logger", "early_stopping", "ema"):
        faults += _check_node(plain.get(group), group)
    if not faults:
        faults += _check_together(plain)
    if faults:
        raise ConfigError(*faults)


def _check_node(node: Any, key: str) -> list[str]:
    """Bind a node and its parts to the signatures of their classes."""
    import inspect

    from crossmedia.build import locate

    if isinstance(node, list):
        return [fault for place, part in enumerate(node) for fault in _check_node(part, f"{key}[{place}]")]
    if not isinstance(node, dict):
        return []
    faults = [fault for name, part in node.items() for fault in _check_node(part, f"{key}.{name}")]
    if "_target_" not in node:
        return faults
    try:
        cls = locate(node["_target_"], key)
    except ConfigError as error:
        return [*faults, *error.lines]
    parameters = inspect.signature(cls).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    for name, value in node.items():
        if name in ("_target_", "_partial_"):
            continue
        if name not in parameters:
            if not open_ended:
                faults.append(
                    f"{key}.{name}: no such key{nearest(f'{key}.{name}', [f'{key}.{p}' for p in parameters])}"
                )
            continue
        fault = mistyped(value, parameters[name].annotation)
        if fault and not (value is None and name in ("num_classes", "vocab_size")):
            faults.append(f"{key}.{name}={value}: {fault}")
        if name in ("lr", "weight_decay") and isinstance(value, int | float) and value < 0:
            faults.append(f"{key}.{name}={value}: must be at least 0")
    if not node.get("_partial_"):
        for name, parameter in parameters.items():
            required = parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
            if required and name not in node and name not in GIVEN:
                faults.append(f"{key}.{name}: missing; {cls.__name__} needs it")
    return faults


def _check_together(cfg: dict[str, Any]) -> list[str]:
    """Faults between the parts: what the task and the view speak, the monitored score, the devices."""
    import inspect

    from crossmedia.build import locate

    faults = []
    task = locate(cfg["model"]["_target_"], "model")
    scores = getattr(task, "scores", {})
    monitor = cfg["monitor"]
    if monitor and monitor not in [f"val/{name}" for name in (*scores, "loss")]:
        names = [f"val/{name}" for name in (*scores, "loss")]
        faults.append(f"monitor={monitor}: never logged{nearest(monitor, names)}. All: {', '.join(names)}")
    view_node = cfg["data"].get("view")
    if view_node:
        view = locate(view_node["_target_"], "data.view")
        gives = inspect.signature(view.__call__).return_annotation
        takes = inspect.signature(task.score).parameters["batch"].annotation
        if takes is not inspect.Parameter.empty and gives is not takes:
            faults.append(
                f"data.view: {view.__name__} gives {gives.__name__}, "
                f"but {task.__name__} takes {takes.__name__}"
            )
    import torch

    devices, accelerator = cfg["trainer"].get("devices"), cfg["trainer"].get("accelerator")
    if accelerator in ("gpu", "cuda"):
        present = torch.cuda.device_count()
        wanted = len(devices) if isinstance(devices, list) else devices
        if not present or (isinstance(wanted, int) and wanted > present):
            advice = f"trainer.devices={present} or " if present else ""
            faults.append(
                f"trainer.devices={devices} but this machine has {present} GPU{'s' * (present != 1)}. "
                f"Use {advice}trainer=cpu"
            )
    return faults


def replace(node: dict[str, Any], override: str) -> None:
    """Put the value of a `data.key=value` into a run's plain config, read as Hydra reads it.

    Two keys of the trainer may change too; the model, and what it knows of its data, is as it was saved.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_override(override)
        key, value = parsed.key_or_group, parsed.value()
    except HydraException:
        raise ConfigError(
            f"{override}: cannot be read as key=value; a text with signs needs quotes"
        ) from None
    group, _, name = key.rpartition(".")
    place: Any = node
    for part in group.split("."):
        place = place.get(part) if isinstance(place, dict) else None
    if parsed.is_sweep_override():
        raise ConfigError(f"{key}: takes one value here, found {override.partition('=')[2]}")
    fixed = group.startswith(("data.image", "data.tokenizer")) or not group.startswith("data")
    if parsed.is_delete() or (fixed and key not in ("trainer.accelerator", "trainer.precision")):
        raise ConfigError(
            f"{override}: the model is as it was saved, with its pictures' size and its tokenizer. "
            "Other data.… can be changed, trainer.accelerator and trainer.precision"
        )
    if not isinstance(place, dict) or isinstance(place.get(name), dict):
        keys = [f"{group}.{known}" for known in place] if isinstance(place, dict) else []
        raise ConfigError(f"{key}: no such key to change{nearest(key, keys)}")
    place[name] = value
    faults = _check_node(node["data"], "data") + _check_node(node["trainer"], "trainer")
    if faults:
        raise ConfigError(*faults)


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The config as plain values, every interpolation resolved."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    return plain


def check_sizes(plain: dict[str, Any]) -> None:
    """Raise ConfigError where the model's config contradicts what the data turned out to be."""
    data = plain["data"]
    image, tokenizer = data.get("image") or {}, data.get("tokenizer") or {}
    known = {"num_classes": data.get("num_classes"), "vocab_size": tokenizer.get("vocab_size")}
    known |= {"image_size": image.get("size"), "channels": image.get("channels")}

    def faults(node: dict[str, Any], key: str) -> Iterator[str]:
        for name, value in node.items():
            if isinstance(value, dict):
                yield from faults(value, f"{key}.{name}")
            elif known.get(name) not in (None, value):
                yield f"{key}.{name}={value}: the data has {known[name]}. Leave it out"

    found = list(faults(plain["model"], "model"))
    if found:
        raise ConfigError(*found)


def fill_from_data(cfg: DictConfig, data: Any) -> list[str]:
    """Write into the config what only the data knows; return a line for each value that was asked otherwise.

    A vocabulary's default size is a cap, and no one's wish.
    """
    from crossmedia.text.tokenizer import CAP

    notes = []
    meta = data.meta
    known = {
        "num_classes": len(meta.classes) or None,
        "tokenizer.vocab_size": meta.tokenizer.vocab_size if meta.tokenizer else None,
    }
    OmegaConf.set_struct(cfg, False)
    for key in FROM_DATA:
        if known[key] is None:
            continue
        asked = OmegaConf.select(cfg.data, key)
        if asked not in (None, known[key], CAP):
            notes.append(f"{key.rpartition('.')[2]} {known[key]}, {asked} asked")
        OmegaConf.update(cfg.data, key, known[key])
    return notes
