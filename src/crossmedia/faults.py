"""What is wrong with the plain values of a config: each node against its class, then the parts together."""

import inspect
import os
from collections.abc import Iterator
from typing import Any, get_args

from crossmedia.build import build, locate
from crossmedia.config import nearest
from crossmedia.errors import ConfigError, first_line
from crossmedia.limits import outside
from crossmedia.typing import UNKNOWN, mistyped

Fault = tuple[str, str]  # the key, and what follows it in the line

GIVEN = frozenset({"meta", "monitor"})  # arguments that the code hands over itself
OURS = (  # of the Trainer; what a run needs to be gone on with and scored
    "callbacks",
    "enable_checkpointing",
    "enable_model_summary",
    "enable_progress_bar",
    "logger",
    "num_sanity_val_steps",
    "plugins",
    "use_distributed_sampler",
)
FILLED = ("num_classes", "vocab_size")  # null until the data has been read
RANGED = ("crossmedia", "torch", "pytorch_lightning")  # whose arguments the table of ranges knows
INTERACTIVE = ("bash", "interactive")  # names of Slurm's jobs in which Lightning starts its own processes


def of_unknown(key: str, names: list[str]) -> str:
    if key == "experiments":
        return ": the experiment's file must begin with the line # @package _global_"
    return f": no such key{nearest(key, names)}"


def of_root(key: str, value: Any, annotation: Any) -> Iterator[Fault]:
    """A root key against its type and range; those that must name a class do."""
    if key in ("data", "model") and (value is None or (isinstance(value, dict) and "_target_" not in value)):
        yield key, f": not chosen. Use {key}=… or experiments=…; crossmedia list shows them"
    elif key in ("trainer", "early_stopping", "ema") and isinstance(value, dict) and "_target_" not in value:
        yield key, ": names no class. Add its _target_"
    else:
        yield from _of_value(key, value, annotation)


def _of_value(key: str, value: Any, annotation: Any, ranged: bool = True) -> Iterator[Fault]:
    words = mistyped(value, annotation) or (outside(key.rpartition(".")[2], value) if ranged else None)
    if words:
        yield key, f"={value}: {words}"


def of_node(node: Any, key: str) -> Iterator[Fault]:
    """A node and its parts against the signatures of their classes, and their numbers against the ranges."""
    if isinstance(node, list):
        for place, part in enumerate(node):
            yield from of_node(part, f"{key}[{place}]")
    if not isinstance(node, dict):
        return
    for name, part in node.items():
        yield from of_node(part, f"{key}.{name}")
    if "_target_" not in node or node["_target_"] is UNKNOWN:
        return
    try:
        cls = locate(node["_target_"], key)
    except ConfigError as error:
        for line in error.lines:
            yield key, line.removeprefix(key)
        return
    parameters = inspect.signature(cls).parameters
    given = {name: value for name, value in node.items() if name not in ("_target_", "_partial_")}
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    ranged = cls.__module__.partition(".")[0] in RANGED
    for name, value in given.items():
        if name not in parameters:
            if not open_ended:
                known = [f"{key}.{parameter}" for parameter in parameters]
                yield f"{key}.{name}", f": no such key{nearest(f'{key}.{name}', known)}"
            continue
        if value is None and name in FILLED:
            continue
        yield from _of_value(f"{key}.{name}", value, parameters[name].annotation, ranged)
    if not node.get("_partial_"):
        for name, parameter in parameters.items():
            required = parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
            if required and name not in given and name not in GIVEN:
                yield f"{key}.{name}", f": missing; {cls.__name__} needs it"


def of_sizes(plain: dict[str, Any]) -> Iterator[Fault]:
    """Sizes in the model, and rates in the view, that contradict those of the data."""
    data = _part(plain, "data")
    image, audio, tokenizer = _part(data, "image"), _part(data, "audio"), _part(data, "tokenizer")
    known = {
        "num_classes": ("data.num_classes", data.get("num_classes")),
        "vocab_size": ("data.tokenizer.vocab_size", tokenizer.get("vocab_size")),
        "image_size": ("data.image.size", image.get("size")),
        "channels": ("data.image.channels", image.get("channels")),
        "sample_rate": ("data.audio.sample_rate", audio.get("sample_rate")),
    }

    def faults(node: dict[str, Any], key: str) -> Iterator[Fault]:
        for name, value in node.items():
            if isinstance(value, dict):
                yield from faults(value, f"{key}.{name}")
            elif name in known:
                where, size = known[name]
                if size not in (None, UNKNOWN, value) and value is not UNKNOWN:
                    yield f"{key}.{name}", f"={value}: {where} is {size}. Leave it out"

    yield from faults(_part(plain, "model"), "model")
    yield from faults(_part(data, "view"), "data.view")


def of_parts(plain: dict[str, Any]) -> Iterator[Fault]:
    """What the task and the view speak, the monitored score, the devices."""
    task, view = _class(plain, "model"), _class(_part(plain, "data"), "view")
    monitor = plain.get("monitor")
    try:
        scores = task.scored(_part(plain, "model")) if hasattr(task, "scored") else {}
    except ConfigError as error:  # a part that the task cannot score by
        for line in error.lines:
            yield "model", line.removeprefix("model")
    else:
        names = [f"val/{name}" for name in (*scores, "loss")]
        if task and isinstance(monitor, str) and monitor not in names:
            yield "monitor", f"={monitor}: never logged{nearest(monitor, names)}. All: {', '.join(names)}"
    if task and view and hasattr(task, "score"):
        gives = inspect.signature(view.__call__).return_annotation
        takes = inspect.signature(task.score).parameters["batch"].annotation
        allowed = get_args(takes) or (takes,)
        if takes is not inspect.Parameter.empty and gives not in allowed:
            names = " or ".join(kind.__name__ for kind in allowed)
            words = f"{view.__name__} gives {gives.__name__}, but {task.__name__} takes {names}"
            yield "data.view", f": {words}"
    yield from of_devices(_part(plain, "trainer"))


def of_devices(trainer: dict[str, Any]) -> Iterator[Fault]:
    """Fewer GPUs than asked for, or another number of processes than Slurm was told to start."""
    import torch

    key, devices = "trainer.devices", trainer.get("devices")
    wanted = len(devices) if isinstance(devices, list) else devices
    if not isinstance(wanted, int):
        return
    if wanted < 1:
        yield key, f"={devices}: must be at least 1"
        return
    tasks = os.environ.get("SLURM_NTASKS", "")
    ours = os.environ.get("SLURM_JOB_NAME") in INTERACTIVE or "TORCHELASTIC_RUN_ID" in os.environ
    nodes = trainer.get("num_nodes", 1)
    if tasks.isdecimal() and not ours and isinstance(nodes, int) and int(tasks) != wanted * nodes:
        words = f"{wanted * nodes} processes, but Slurm starts {tasks} (SLURM_NTASKS). Make both the same"
        yield key, f"={devices}: {words}"
    if trainer.get("accelerator") in ("gpu", "cuda"):
        present = torch.cuda.device_count()
        if wanted > present:
            advice = f"trainer.devices={present} or " if present else ""
            words = f"this machine has {present} GPU{'s' * (present != 1)}. Use {advice}trainer=cpu"
            yield key, f"={devices} but {words}"


def of_trainer(node: dict[str, Any]) -> Iterator[Fault]:
    """What Lightning refuses for reasons of its own."""
    from lightning_fabric.utilities.exceptions import MisconfigurationException

    from crossmedia.run import quiet_lightning

    quiet_lightning()
    taken = [name for name in OURS if name in node]
    yield from ((f"trainer.{name}", ": the run sets it itself. Leave it out") for name in taken)
    endless = all(node.get(name) in (None, -1) for name in ("max_epochs", "max_steps", "max_time"))
    if endless:
        yield "trainer.max_epochs", ": not given, so training has no end. Give it, or trainer.max_steps"
    every, epochs = node.get("check_val_every_n_epoch"), node.get("max_epochs")
    if isinstance(every, int) and isinstance(epochs, int) and 0 < epochs < every:
        words = f"={every}: must be at most trainer.max_epochs, {epochs}, or nothing is ever scored"
        yield "trainer.check_val_every_n_epoch", words
    precision = str(node.get("precision"))
    if precision.endswith("-true") and not precision.startswith("32"):
        words = "weights and spectrograms are kept in float32. Use 32-true, bf16-mixed or 16-mixed"
        yield "trainer.precision", f"={precision}: {words}"
    if taken or endless:
        return
    silent = dict.fromkeys(["enable_checkpointing", "enable_progress_bar", "enable_model_summary"], False)
    given = {name: value for name, value in node.items() if value is not None}
    try:
        build(given, "trainer", logger=False, **silent)
    except (ConfigError, MisconfigurationException) as error:
        yield "trainer", f": {first_line(error.__cause__ or error)}"


def _part(node: dict[str, Any], name: str) -> dict[str, Any]:
    found = node.get(name)
    return found if isinstance(found, dict) else {}


def _class(node: dict[str, Any], name: str) -> Any:
    """The class of a part, or None where it has none that can be found."""
    try:
        return locate(_part(node, name).get("_target_"), name)
    except ConfigError:
        return None
