"""The root keys of a run, how they are composed, and the check that lists every fault before any building."""

import difflib
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

import crossmedia.precision  # its resolver  # noqa: F401
from crossmedia.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
BUILT = ("data", "model", "trainer", "logger", "early_stopping", "ema")  # the keys that name classes
SECRET = re.compile(r"oc\.env:\s*(\w*(?:KEY|TOKEN|SECRET|PASSW|CREDENTIAL)\w*)", re.IGNORECASE)
HELPERS = ("vocoder", "judge", "aligner")  # parts of a model that are runs of their own
ELSEWHERE = (  # paths: where the file lies, not which it is; and by whom is spoken and judged
    "model.features.weights",
    "model.lm",
    *(f"model.{helper}.run" for helper in HELPERS),
)
REPLACED = (  # of a model, in a scoring: how it searches, too
    *(f"model.{name}" for name in ("beam", "max_len", "length_penalty", "ctc_decoding")),
    *(f"model.{name}" for name in ("lm_weight", "length_bonus")),
    *ELSEWHERE,
)
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


def compose(overrides: list[str], own: str | None = None) -> DictConfig:
    """The config of `python train.py -cd <own> <overrides>`, without Hydra's state."""
    cfg = with_hydra(overrides, own)
    choices = dict(cfg.hydra.runtime.choices)
    OmegaConf.set_struct(cfg, False)
    del cfg["hydra"]
    return named(cfg, choices)


def with_hydra(overrides: list[str], own: str | None = None) -> DictConfig:
    """As `compose`, with Hydra's own node."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    from crossmedia.config_files import guard

    guard()
    os.environ["CROSSMEDIA_ROOT"] = str(ROOT)
    if own is not None:
        overrides = [*overrides, f"hydra.searchpath=['file://{ROOT}','file://{Path(own).absolute()}']"]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return hydra_compose("train", overrides, return_hydra_config=True)


def named(cfg: DictConfig, choices: dict[str, Any]) -> DictConfig:
    """Give the run its name, the experiment or `<data>_<model>`, and the debug trainer the last word."""
    OmegaConf.set_struct(cfg, False)
    if choices.get("trainer") == "debug":  # Hydra composes an experiment after it
        own = OmegaConf.load(ROOT / "conf" / "trainer" / "debug.yaml")
        cfg.trainer.update({key: value for key, value in own.items() if key != "defaults"})
    if not OmegaConf.is_interpolation(cfg, "name") and cfg.name is None:
        cfg.name = choices.get("experiments") or f"{choices.get('data')}_{choices.get('model')}"
    return cfg


def check(cfg: DictConfig) -> None:
    """Raise ConfigError with every fault: keys, references, classes, arguments, types, ranges, sizes, the
    monitored score, devices."""
    from crossmedia import faults
    from crossmedia.references import Resolved

    names = [field.name for field in fields(RunConfig)]
    found = [(str(key), faults.of_unknown(str(key), names)) for key in cfg if key not in names]
    for name in sorted(set(SECRET.findall(OmegaConf.to_yaml(cfg)))):
        found.append(
            (f"oc.env:{name}", ": a run's files would hold it. Leave it to the library that reads it itself")
        )
    resolved = Resolved(cfg)
    plain = resolved.values
    found += resolved.faults
    for field in fields(RunConfig):
        value = plain.get(field.name)
        found += faults.of_root(field.name, value, field.type)
        found += faults.of_node(value, field.name) if field.name in BUILT else []
    found += [*faults.of_sizes(plain), *faults.of_parts(plain)]
    if not any(key.startswith("trainer") for key, _ in found):
        found += faults.of_trainer(plain["trainer"])
    told: dict[str, str] = {}
    for key, words in sorted(found, key=lambda fault: fault[0] in resolved.copies):
        if resolved.copies.get(key) not in told:  # what refers to a bad value is no second fault
            told.setdefault(key, words)
    if told:
        raise ConfigError(*(key + words for key, words in told.items()))


def read_override(override: str) -> tuple[str, Any]:
    """Key and value of `key=value`, read as Hydra reads it."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        read = OverridesParser.create().parse_override(override)
        if read.is_delete():
            raise ConfigError(f"{override}: no key of a run can be dropped. Give key=value")
        if read.is_sweep_override():
            raise ConfigError(
                f"{read.key_or_group}: takes one value here, found {override.partition('=')[2]}"
            )
        return read.key_or_group, read.value()
    except HydraException:
        raise ConfigError(f"{override}: cannot be read as key=value. Quote a text with signs") from None


def replace(node: dict[str, Any], override: str) -> None:
    """Put the value of a `data.key=value` into a run's plain config, read as Hydra reads it.

    Two keys of the trainer may change too, and `REPLACED`; the rest of the model, and what it knows of its
    data, is as it was saved.
    """
    from crossmedia.faults import of_node

    key, value = read_override(override)
    group, _, name = key.rpartition(".")
    place: Any = node
    for part in group.split("."):
        place = place.get(part) if isinstance(place, dict) else None
    fixed = group.startswith(("data.image", "data.audio", "data.tokenizer")) or not group.startswith("data")
    if fixed and key not in ("trainer.accelerator", "trainer.precision", *REPLACED):
        raise ConfigError(
            f"{override}: the model is as it was saved, with its size of pictures, rate of sounds and "
            "tokenizer. Other data.… can be changed, trainer.accelerator, trainer.precision, "
            f"{', '.join(REPLACED)}"
        )
    if not isinstance(place, dict) or isinstance(place.get(name), dict):
        keys = [f"{group}.{known}" for known in place] if isinstance(place, dict) else []
        raise ConfigError(f"{key}: no such key to change{nearest(key, keys)}")
    place[name] = value
    parts = {"data": node["data"], "trainer": node["trainer"]}
    if key in REPLACED:
        parts[group] = place
    found = [key + words for part, values in parts.items() for key, words in of_node(values, part)]
    if found:
        raise ConfigError(*found)


def resolved(cfg: DictConfig) -> dict[str, Any]:
    """The config as plain values, every interpolation resolved."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    return plain


def check_sizes(plain: dict[str, Any]) -> None:
    """Raise ConfigError where the model's config contradicts what the data turned out to be."""
    from crossmedia.faults import of_sizes

    found = [key + words for key, words in of_sizes(plain)]
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
