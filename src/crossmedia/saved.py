"""What a run leaves to be read again: checkpoint, config, `meta`. It is data, and never becomes code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from crossmedia.build import build, refuse_foreign
from crossmedia.config import ELSEWHERE
from crossmedia.errors import CheckpointError, SecurityError, brief
from crossmedia.folder import read_json
from crossmedia.sealed import read_values
from crossmedia.typing import mistyped

FORMAT = 1  # of checkpoints
PLAIN = (
    "classes",
    "seconds",
    "speakers",
    "longest",
    "kinds",
    "objects",
    "names",
)  # the parts of `meta` that are values
MOST_TEXT = 1 << 20  # bytes of a config.yaml, of which a long one has a few thousand


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What it takes to load a task, whole and finite: `format`, `model`, `meta`, `state_dict`."""
    saved = read_values(path)
    contents = saved["crossmedia"]
    kinds = {"format": int, "model": dict, "meta": dict}
    lacking = [name for name, kind in kinds.items() if not isinstance(contents.get(name), kind)]
    weights = saved.get("state_dict")
    if lacking or not isinstance(weights, dict):
        raise CheckpointError(f"{path}: lacks {', '.join(lacking or ['weights'])}. Use another checkpoint")
    if not 1 <= contents["format"] <= FORMAT:
        raise CheckpointError(
            f"{path}: format {contents['format']}, this crossmedia reads up to {FORMAT}. Update crossmedia"
        )
    for name, tensor in weights.items():
        if not _finite(tensor):
            raise CheckpointError(
                f"{path}: {brief(name)} holds what is no finite number. Use another checkpoint"
            )
    return {**contents, "state_dict": weights}


def _finite(value: Any) -> bool:
    """Whether it is a tensor as nets have them, of finite numbers."""
    import torch

    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_quantized:
        return False
    whole = value.numel() * value.element_size() <= value.untyped_storage().nbytes()  # else it repeats itself
    return whole and value.device.type == "cpu" and bool(torch.isfinite(value).all())


def saved_config(folder: Path) -> dict[str, Any]:
    """The resolved config of a run folder; SecurityError where it names foreign code."""
    path = folder / "config.yaml"
    found = read_yaml(path)
    if found is None:
        raise CheckpointError(f"{path}: no such file; this is not a run folder")
    parts = {"data": dict, "model": dict, "trainer": dict, "seed": int}
    if not isinstance(found, dict) or not all(isinstance(found.get(key), parts[key]) for key in parts):
        raise CheckpointError(f"{path}: is not the config of a run")
    for key, node in found.items():
        refuse_foreign(node, str(key), path.name)
    return found


def need_resolved(node: Any) -> None:
    """SecurityError where a run's config refers to something, before OmegaConf reads it: what a reference
    gives is seen by no check, and all were resolved when it was written."""
    for text in _texts(node):
        if "${" in text:
            raise SecurityError(f"config.yaml: {brief(text, 60)}: a run's config may not refer to this")


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict | list):
        for part in [*node, *node.values()] if isinstance(node, dict) else node:
            yield from _texts(part)
    elif isinstance(node, str):
        yield node


class _Plain(yaml.SafeLoader):
    """YAML without aliases: no file of a run has any, and a few lines of them unfold to gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> Any:
    """The plain values of a YAML file in a run folder, or None where there is none.

    Raises CheckpointError where it is damaged, SecurityError where it asks for more than values.
    """
    if not path.exists():
        return None
    if not path.is_file() or path.stat().st_size > MOST_TEXT:
        raise CheckpointError(f"{path}: is not a file of at most {MOST_TEXT >> 20} MB")
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Plain)
    except yaml.constructor.ConstructorError as error:
        raise SecurityError(f"{path}: {brief(error.problem, 120)}; not read") from None
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    except Exception as error:  # YAML's own, a number of a million digits, the 31st of June, a deep nesting
        raise CheckpointError(f"{path}: cannot be read ({type(error).__name__})") from None


def saved_overrides(folder: Path) -> list[str]:
    """The overrides that a run was started with."""
    found = read_yaml(folder / "overrides.yaml")
    if not isinstance(found, list) or not all(isinstance(override, str) for override in found):
        raise CheckpointError(f"{folder / 'overrides.yaml'}: is not a list of overrides")
    return found


def need_same_model(checkpoint: Path, saved: Any, config: Any) -> None:
    """CheckpointError where the model of a checkpoint is not that of the run's config."""
    for key in _differing(without_pretrained(saved), without_pretrained(config), "model"):
        raise CheckpointError(
            f"{checkpoint}: {brief(key)} is not that of the run's config.yaml. "
            "Put back the run's own checkpoint, or its config"
        )


def _differing(one: Any, other: Any, key: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict) and one.get("_target_") == other.get("_target_"):
        for name in {**one, **other}:
            yield from _differing(one.get(name), other.get(name), f"{key}.{name}")
    elif one != other and key not in ELSEWHERE:
        yield key


def without_pretrained(node: Any) -> Any:
    """A model's config without `pretrained`: a checkpoint holds the weights that came of it."""
    if isinstance(node, dict):
        return {
            name: None if name == "pretrained" else without_pretrained(value) for name, value in node.items()
        }
    return [without_pretrained(value) for value in node] if isinstance(node, list | tuple) else node


def other_data(folder: Path, fingerprint: str) -> list[str]:
    """A line where the data are not those that the run was trained on."""
    known = str(saved_facts(folder, "manifest").get("data", fingerprint))
    if known == fingerprint:
        return []
    return [f"Not the data of the training: fingerprint {fingerprint[:12]}, then {brief(known, 12)}"]


def inside(folder: Path, name: str) -> Path:
    """A folder inside a run folder, to write to; CheckpointError where it is a link, which leads anywhere."""
    path = folder / name
    if path.is_symlink():
        raise CheckpointError(f"{path}: is a link; nothing is written through it. Remove it")
    return path


# What is read of a run's JSON files, and as what; a score is a number.
_FACTS: dict[str, Any] = {
    "about": dict | None,
    "best": float | None,
    "best_epoch": int | None,
    "command": list[str] | None,
    "direction": str | None,
    "experiment": str | None,
    "git": dict | None,
    "monitor": str | None,
    "notes": list[str] | None,
    "state": str | None,
    "steps_per_second": float | None,
    "wall_seconds": float | None,
}


def saved_facts(folder: Path, name: str) -> dict[str, Any]:
    """The values of manifest.json, scores.json or status.json; empty where it is not written yet."""
    path = folder / f"{name}.json"
    found = read_json(path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise CheckpointError(f"{path}: is not an object of JSON. Remove it")
    for key, value in found.items():
        fault = mistyped(value, float | None if name == "scores" else _FACTS.get(key, object))
        if fault:
            raise CheckpointError(f"{path}: {brief(key)}: {fault}. Remove the file")
    return found


def pack_meta(meta: Any) -> dict[str, Any]:
    """`meta` as plain values."""
    plain = {name: getattr(meta, name) for name in PLAIN}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}
    parts = {name: part for name, part in meta._asdict().items() if name not in plain and part is not None}
    return plain | {name: part.config() for name, part in parts.items()}


def unpack_meta(plain: dict[str, Any], source: str = "a run folder") -> Any:
    """What `pack_meta` gave, built again."""
    from crossmedia.data.batches import Meta

    refuse_foreign(plain, "meta", source)
    parts = {name: build(node, f"meta.{name}") for name, node in plain.items() if name not in PLAIN}
    seconds, longest = plain.get("seconds"), plain.get("longest")
    return Meta(
        tuple(plain["classes"]),
        None if seconds is None else float(seconds),
        tuple(plain.get("speakers", ())),
        None if longest is None else int(longest),
        tuple(map(tuple, plain.get("kinds", ()))),
        int(plain.get("objects", 0)),
        tuple(tuple(map(str, values)) for values in plain.get("names", ())),
        **parts,
    )
