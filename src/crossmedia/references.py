"""A composed config to plain values, each resolved for itself: a bad reference hides no other fault."""

import re
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import (
    InterpolationKeyError,
    InterpolationToMissingValueError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from crossmedia.build import locate
from crossmedia.config import nearest
from crossmedia.errors import ConfigError, first_line
from crossmedia.typing import UNKNOWN


class Resolved:
    """`values` of a config, UNKNOWN where one could not be found, and then the reason in `faults`.

    `copies` are the keys that hold another's value, and that key.
    """

    def __init__(self, cfg: DictConfig):
        self.cfg = cfg
        self.faults: list[tuple[str, str]] = []
        self.copies: dict[str, str] = {}
        self.values: Any = self._plain(cfg, "", ())

    def _plain(self, node: Any, key: str, above: tuple[Any, ...]) -> Any:
        if any(node is outer for outer in above):
            self.faults.append((key, ": refers to what holds it"))
            return UNKNOWN
        above = (*above, node)
        if isinstance(node, DictConfig):
            return {
                name: self._value(node, name, f"{key}.{name}" if key else str(name), above) for name in node
            }
        if isinstance(node, ListConfig):
            return [self._value(node, place, f"{key}[{place}]", above) for place in range(len(node))]
        return node

    def _value(self, node: Any, name: Any, key: str, above: tuple[Any, ...]) -> Any:
        if OmegaConf.is_interpolation(node, name):
            raw: Any = OmegaConf.to_container(node, resolve=False)
            self.copies[key] = str(raw[name]).removeprefix("${").removesuffix("}")
        try:
            value = node[name]
        except OmegaConfBaseException as error:
            fault = self._fault(key, error)
            if fault and fault not in self.faults:
                self.faults.append(fault)
            return UNKNOWN
        return self._plain(value, key, above)

    def _fault(self, key: str, error: OmegaConfBaseException) -> tuple[str, str] | None:
        words = first_line(error)
        if isinstance(error, InterpolationToMissingValueError):
            return None  # told where it is missing
        if isinstance(error, MissingMandatoryValue):
            return key, f": not given. {self._cure(key)}"
        if isinstance(error, InterpolationKeyError) and (asked := re.search("key '(.+)' not found", words)):
            group = asked[1].partition(".")[0]
            if asked[1].startswith("data.tokenizer.") and "_target_" in (self.cfg.get("data") or {}):
                return "data.tokenizer", ": this data has none. Use +data/tokenizer=words, or another model"
            if group in ("data", "model") and "_target_" not in (self.cfg.get(group) or {}):
                return None  # it was not chosen at all
            known = keys_below(OmegaConf.to_container(self.cfg))
            return key, f": refers to {asked[1]}, which is not there{nearest(asked[1], known)}"
        if variable := re.search("Environment variable '(.+)' not found", words):
            return key, f": the environment variable {variable[1]} is not set"
        if "Recursive interpolation" in words:
            return key, f"=${{{self.copies[key]}}}: refers to itself"
        return key, f": {words}"

    def _cure(self, key: str) -> str:
        """How to give a value; where its class knows whence, that too."""
        group, _, name = key.rpartition(".")
        node = OmegaConf.select(self.cfg, group)
        try:
            sources = getattr(locate(node.get("_target_"), group), "sources", {})
        except (AttributeError, ConfigError):  # the node's own check tells
            sources = {}
        return f"Download {sources[name]} and give it as {key}=…" if name in sources else f"Use {key}=…"


def keys_below(node: Any, prefix: str = "") -> Iterator[str]:
    """The dotted keys of everything in plain values."""
    for name, value in node.items() if isinstance(node, dict) else ():
        key = f"{prefix}.{name}" if prefix else str(name)
        yield key
        yield from keys_below(value, key)
