"""From a config node to the object it names, and the boundary that a file from a run folder cannot cross."""

import contextlib
import functools
import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from crossmedia.errors import ConfigError, SecurityError, UserError, brief

# What a run folder may name, by the root key: no class that writes, asks the network or starts a process when
# it is built, but for `pretrained`, which a checkpoint is loaded without.
_CLASS = r"(\.[a-z][a-z0-9_]*)+\.[A-Z][A-Za-z0-9]*"
_OPTIMIZERS = "Adam|AdamW|NAdam|RAdam|Adamax|Adagrad|RMSprop|SGD"
_SCHEDULES = (
    "ConstantLR|CosineAnnealingLR|CosineAnnealingWarmRestarts|ExponentialLR|LinearLR|MultiStepLR|OneCycleLR"
    "|PolynomialLR|ReduceLROnPlateau|StepLR"
)
_OF_DATA = rf"crossmedia\.(audio|data|images|metrics|text){_CLASS}"
MAY_NAME = {
    "data": _OF_DATA,
    "meta": _OF_DATA,
    "model": rf"crossmedia\.(audio|images|losses|metrics|nets|tasks|text){_CLASS}"
    rf"|torch\.optim\.({_OPTIMIZERS})|torch\.optim\.lr_scheduler\.({_SCHEDULES})",
    "trainer": r"pytorch_lightning\.Trainer|crossmedia\.trainer\.ddp\.DDP",
    "logger": r"pytorch_lightning\.loggers\.(TensorBoard|Wandb)Logger",
    "early_stopping": r"pytorch_lightning\.callbacks\.EarlyStopping",
    "ema": r"crossmedia\.trainer\.ema\.EMA",
}
DEEPEST = 50  # levels of a config
MOST_PARTS = 1_000_000  # of a config: a vocabulary and its merges; a few shared lists unfold to any number


_trusted: ContextVar[tuple[str, ...]] = ContextVar("trusted", default=())


@contextlib.contextmanager
def trusting(packages: Iterable[str]) -> Iterator[None]:
    """Within it, the files of runs may name the classes of these packages too: the user's word, `--trust`."""
    token = _trusted.set((*_trusted.get(), *packages))
    try:
        yield
    finally:
        _trusted.reset(token)


def trusted() -> tuple[str, ...]:
    """The packages that the user trusts here."""
    return _trusted.get()


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


def refuse_foreign(node: Any, key: str, source: str = "a run folder") -> None:
    """Raise SecurityError where a node from a file names a class that is not ours, listed, or trusted.

    Nothing is imported before every name in the node has passed.
    """
    found = list(_targets(node, key))
    for where, target in found:
        package = target.partition(".")[0] if isinstance(target, str) else ""
        allowed = MAY_NAME.get(re.split(r"[.\[]", where)[0], "")
        if package and (package in trusted() or re.fullmatch(allowed, target)):
            continue
        own = package and package != "crossmedia" and package not in sys.stdlib_module_names
        cure = f". If you wrote this class and trust the folder: --trust {brief(package, 20)}" if own else ""
        raise SecurityError(
            f"{brief(where, 40)}._target_={brief(target, 40)}: {source} may not name this there{cure}"
        )
    for where, target in found:
        if target.startswith("crossmedia.") and not _defined(target):
            raise SecurityError(
                f"{brief(where, 40)}._target_={brief(target)}: {source} names no class of crossmedia"
            )


def _defined(target: str) -> bool:
    """Whether crossmedia defines a class there, and does not only import it."""
    try:
        value = locate(target, "")
    except ConfigError:
        return False
    return inspect.isclass(value) and f"{value.__module__}.{value.__qualname__}" == target


def _targets(node: Any, key: str) -> Iterator[tuple[str, Any]]:
    """Every key that names something, and what; SecurityError where the node is beyond any config."""
    waiting, left = [(key, node, 0)], MOST_PARTS
    while waiting:
        key, node, depth = waiting.pop()
        if not isinstance(node, Mapping | list | tuple):
            continue
        left -= len(node)
        if depth > DEEPEST or left < 0:
            raise SecurityError(f"{brief(key)}: more parts, or deeper in one another, than any config has")
        if isinstance(node, Mapping):
            if "_target_" in node:
                yield key, node["_target_"]
            waiting += [(f"{key}.{name}", node[name], depth + 1) for name in node if name != "_target_"]
        else:
            waiting += [(f"{key}[{place}]", value, depth + 1) for place, value in enumerate(node)]


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
