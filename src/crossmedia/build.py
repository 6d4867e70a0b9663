"""From a config node to the object it names, and the boundary that a file from a run folder cannot cross."""

import functools
import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

from crossmedia.errors import ConfigError, SecurityError, UserError

# What a run folder may name beside the classes that crossmedia itself defines.
OPTIMIZERS = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "RMSprop", "SGD")
SCHEDULES = (
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "StepLR",
)
ALLOWED = frozenset(
    [f"torch.optim.{name}" for name in OPTIMIZERS]
    + [f"torch.optim.lr_scheduler.{name}" for name in SCHEDULES]
)


def locate(target: Any, key: str) -> Any:
    """The class that a dotted path names; the config that the user typed may name any."""
    if not isinstance(target, str) or "." not in target:
        raise ConfigError(f"{key}._target_={target}: must be the dotted path of a class")
    module, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name and not (module == error.name or module.startswith(f"{error.name}.")):
            raise  # the module exists, something that it imports does not
        raise ConfigError(f"{key}._target_={target}: no such module{_nearest_module(module)}") from None
    except AttributeError:
        from crossmedia.config import nearest

        names = [n for n, value in vars(importlib.import_module(module)).items() if inspect.isclass(value)]
        raise ConfigError(f"{key}._target_={target}: no such class{nearest(name, names)}") from None
    if not callable(found):
        raise ConfigError(f"{key}._target_={target}: is not a class")
    return found


def _nearest_module(module: str) -> str:
    from crossmedia.config import ROOT, nearest

    folder = ROOT / "src"
    names = [".".join(p.relative_to(folder).with_suffix("").parts) for p in folder.glob("crossmedia/**/*.py")]
    return nearest(module, [name for name in names if not name.endswith("__init__")])


def refuse_foreign(
    node: Any, key: str, trust: tuple[str, ...] = (), also: frozenset[str] = frozenset()
) -> None:
    """Raise SecurityError where a node from a file names a class that is not ours, listed, or trusted.

    Nothing is imported before every name in the node has passed.
    """
    found = list(_targets(node, key))
    for where, target in found:
        package = str(target).partition(".")[0]
        if package in trust or target in ALLOWED | also:
            continue
        if package != "crossmedia":
            raise SecurityError(
                f"{where}._target_={target!r}: a run folder may only name classes of crossmedia and torch's "
                f"optimizers. If you wrote this class and trust the folder: --trust {package}"
            )
    for where, target in found:
        if str(target).startswith("crossmedia."):
            value = locate(target, where)
            if not inspect.isclass(value) or f"{value.__module__}.{value.__qualname__}" != target:
                raise SecurityError(
                    f"{where}._target_={target!r}: is not a class that crossmedia defines there"
                )


def _targets(node: Any, key: str):
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name == "_target_":
                yield key, value
            else:
                yield from _targets(value, f"{key}.{name}")
    elif isinstance(node, list | tuple):
        for place, value in enumerate(node):
            yield from _targets(value, f"{key}[{place}]")


def build(node: Any, key: str, **given: Any) -> Any:
    """The object of a resolved config node, its parts first; `given` are arguments that no config can know.

    A fault of a constructor's value becomes a ConfigError that names the key.
    """
    if isinstance(node, Mapping):
        parts = {
            name: build(value, f"{key}.{name}")
            for name, value in node.items()
            if name not in ("_target_", "_partial_")
        }
        if "_target_" not in node:
            return parts
        cls = locate(node["_target_"], key)
        if node.get("_partial_"):
            return functools.partial(cls, **parts)
        try:
            return cls(**{**given, **parts})
        except UserError:
            raise
        except ValueError as error:
            raise ConfigError(f"{key}.{assigned(str(error))}") from error
        except TypeError as error:
            raise ConfigError(f"{key}: {cls.__name__}: {error}") from error
    if isinstance(node, list | tuple):
        return [build(value, f"{key}[{place}]") for place, value in enumerate(node)]
    return node


def assigned(fault: str) -> str:
    """`lr -1: must be …`, as constructors say it, in the form of an override: `lr=-1: must be …`."""
    return re.sub(r"^(\w+(?:\.\w+)*) (?=[^:]+: must )", r"\1=", fault)
