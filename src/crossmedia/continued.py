"""What of a run's config may change where it goes on."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from crossmedia.config import ELSEWHERE, ROOT, read_override
from crossmedia.errors import ConfigError
from crossmedia.listing import groups
from crossmedia.saved import need_resolved

ALLOWED = ("trainer.max_epochs", "trainer.accelerator", "data.num_workers", "compile", "debug", *ELSEWHERE)


def parse(words: list[str]) -> tuple[str, list[str]]:
    """`resume=RUN key=value …` as the run and the overrides."""
    name, overrides = "", []
    for word in words:
        if word.startswith("resume="):
            if name:
                raise ConfigError(f"{word}: a command goes on with one run, and {name} was named before")
            name = word.partition("=")[2].strip("'\"")
        elif word.startswith("-"):
            raise ConfigError(f"{word}: cannot stand beside resume=RUN, which is one run with its own config")
        else:
            overrides.append(word)
    return name, overrides


def change(plain: dict[str, Any], overrides: list[str]) -> tuple[DictConfig, list[str]]:
    """The config of a run that goes on, and those of the overrides that change it.

    Only how long and on what it trains may change, and where a file lies; the rest is another run.
    """
    need_resolved(plain)
    cfg = OmegaConf.create(plain)
    changes, faults = [], []
    for override in overrides:
        key, value = read_override(override)
        if key == "logger":
            options = groups(ROOT, "logger")
            if not isinstance(value, str) or value not in options:
                faults.append(f"logger={value}: no such option. All: {', '.join(options)}")
                continue
            value = OmegaConf.load(ROOT / "conf" / "logger" / f"{value}.yaml")
        elif key not in ALLOWED or (key in ELSEWHERE and not _has(cfg, key)):
            before = OmegaConf.select(cfg, key)
            had = "its own" if OmegaConf.is_config(before) else before
            faults.append(
                f"{key}={value}: the run to resume has {had}. Only {', '.join(ALLOWED)} and logger "
                "may change; init=RUN starts another run from its weights"
            )
            continue
        if OmegaConf.select(cfg, key) != value:
            OmegaConf.update(cfg, key, value)
            changes.append(override)
    if faults:
        raise ConfigError(*faults)
    return cfg, changes


def _has(cfg: DictConfig, key: str) -> bool:
    group, _, name = key.rpartition(".")
    place = OmegaConf.select(cfg, group)
    return isinstance(place, DictConfig) and name in place


def merged(before: list[str], changes: list[str]) -> list[str]:
    """The overrides of a run and the later ones, which stand for those of the same key."""
    new = {change.lstrip("+").partition("=")[0] for change in changes}
    return [override for override in before if override.lstrip("+").partition("=")[0] not in new] + changes
