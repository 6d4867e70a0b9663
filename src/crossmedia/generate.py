"""What `generate` of any task takes from a command line, and what becomes of its outputs."""

import inspect
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor

from crossmedia import run
from crossmedia.audio import read as sounds
from crossmedia.config import nearest
from crossmedia.errors import ConfigError, DataError
from crossmedia.folder import find_run
from crossmedia.given import KINDS, files, in_parts, lines
from crossmedia.images.read import SUFFIXES
from crossmedia.limits import outside
from crossmedia.made_files import write_each, write_sheet
from crossmedia.report.panels import Sound
from crossmedia.report.store import png, slug, wav
from crossmedia.saved import inside

MEDIA = ("image", "audio", "text")
KIND_WORDS = {int: "a whole number", float: "a number", bool: "true or false"}
PART = 64  # pictures out of nothing at a time
DIGITS = 6  # of a number in a file's name


class Asked(NamedTuple):
    """What a task is to make. An output is a text, a waveform (samples,) or a picture (3, H, W) uint8."""

    sources: list[str]  # what each output is made of; of what is made of nothing, its number
    stems: list[str]  # of their files
    outputs: Iterator[tuple[int, Any]]  # the place of each among them, and itself


def generated(name: str, words: list[str], out: Path | None) -> Iterator[str]:
    """The lines to print, as they come: texts, or the paths of the pictures or sounds that were written.

    Raises ConfigError for a word that the task does not take, SystemFault where `out` cannot be written, as
    `run.load` does, and in the end, when the others are done, DataError with every input that is at fault.
    """
    folder, checkpoint = find_run(name)
    task = run.load(checkpoint)
    given = _keywords(task, words)
    medium = _medium(task, given)
    faults: list[str] = []
    if medium:
        asked = _of_inputs(task, medium, given.pop(medium), given, faults)
    else:
        parameters = _parameters(task)
        given = {word: parameters[word].default for word in ("seed", "n")} | given
        asked = _of_nothing(task, given)
    first = next(asked.outputs, None)
    if first is not None:
        label = _label(given if checkpoint.stem == "best" else {**given, "": checkpoint.stem})
        asked = asked._replace(outputs=chain([first], asked.outputs))
        yield from _told(task, asked, first[1], medium, label, out, inside(folder, "generated"))
    if faults:
        raise DataError(*dict.fromkeys(faults))


def _told(
    task: Any, asked: Asked, first: Any, medium: str | None, label: str, out: Path | None, usual: Path
) -> Iterator[str]:
    """Each text, or the path of each file; `first` is the first output, `usual` the folder without `out`."""
    several = len(asked.sources) > 1
    if isinstance(first, str):
        if out:
            raise ConfigError(f"--out={out}: {type(task).__name__} gives text, which is printed")
        for place, text in asked.outputs:
            yield f"{asked.sources[place]}: {printable(text)}" if several and medium else printable(text)
        return
    sound = first.dim() == 1
    suffix, kind, others = (".wav", "sounds", sounds.SUFFIXES) if sound else (".png", "pictures", SUFFIXES)
    if out and out.suffix.lower() in others - {suffix} and not out.is_dir():
        raise ConfigError(f"--out={out}: {kind} are written as {suffix}. Give such a name, or a folder")
    home = out or usual
    one_file = home.suffix.lower() == suffix and not home.is_dir()
    if sound and one_file and several:
        raise ConfigError(f"--out={out}: {len(asked.sources)} sounds do not fit in a file. Give a folder")
    if not sound and (one_file or not (out or medium)):
        path = home if one_file else home / f"{label}.png"
        yield str(write_sheet((image for _, image in asked.outputs), len(asked.sources), path))
        return
    names = [f"{stem}{'' if out or not label else f'-{label}'}{suffix}" for stem in asked.stems]
    if one_file:
        home, names = home.parent, [home.name]
    encode = _wav_at(task.meta.audio.sample_rate) if sound else png
    for place, path in write_each(asked.outputs, home, names, out is None or one_file, encode):
        if medium:
            yield f"{asked.sources[place]}: {path}" if several else str(path)
    if not medium:
        yield str(home)


def told_words(name: str) -> str:
    """What the task of a run makes, and the words that it takes. Raises as `run.load` does."""
    task = run.load(name)
    lines = [f"{type(task).__name__}: {inspect.getdoc(task.generate) or 'tells nothing of itself'}", ""]
    for word, parameter in _parameters(task).items():
        kind = "a file or folder" if word in KINDS else KIND_WORDS.get(_kind(parameter.annotation), "a text")
        default = "" if parameter.default in (inspect.Parameter.empty, None) else f" ({parameter.default})"
        lines.append(f"  --{word.replace('_', '-'):8} {kind}{default}")
    return "\n".join(lines)


def printable(text: str) -> str:
    """Text from a checkpoint as a terminal may show it: no control character acts."""
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


def _parameters(task: Any) -> dict[str, inspect.Parameter]:
    """What the task's `generate` takes; of pictures and sounds the kind that it was trained on."""
    parameters = dict(inspect.signature(task.generate).parameters)
    meta = task.meta
    if meta.image or meta.audio:
        for name, known in (("image", meta.image), ("audio", meta.audio)):
            if not known:
                parameters.pop(name, None)
    return parameters


def _medium(task: Any, given: dict[str, Any]) -> str | None:
    """The kind of input that the words give; None where the task is to make something out of nothing."""
    parameters = _parameters(task)
    takes = [name for name in MEDIA if name in parameters]
    free = "n" in parameters and all(
        parameters[name].default is not inspect.Parameter.empty for name in takes
    )
    found = [name for name in takes if name in given]
    if found and free and "n" in given:
        raise ConfigError(f"generate: --n makes out of nothing, --{found[0]} of an input. Give one of them")
    if len(found) > 1 or not (found or free):
        allowed = ", ".join(f"--{name}" for name in takes)
        raise ConfigError(f"generate: {type(task).__name__} takes one of {allowed}")
    return found[0] if found else None


def _keywords(task: Any, words: list[str]) -> dict[str, Any]:
    """The words as the arguments of the task's `generate`, each of its kind and in its range."""
    parameters = _parameters(task)
    given: dict[str, Any] = {}
    remaining = list(words)
    while remaining:
        word = remaining.pop(0)
        name, sign, value = word.removeprefix("--").partition("=")
        name = name.replace("-", "_")
        if not word.startswith("--") or name not in parameters:
            allowed = ", ".join(f"--{parameter}" for parameter in parameters)
            near = nearest(name, parameters).replace("Nearest: ", "Nearest: --")
            raise ConfigError(f"{word}: {type(task).__name__} takes {allowed}{near}")
        if not sign:
            if not remaining:
                raise ConfigError(f"{word}: needs a value")
            value = remaining.pop(0)
        given[name] = _value(name, value, parameters[name].annotation)
    return given


def _value(name: str, text: str, annotation: Any) -> Any:
    kind = _kind(annotation)
    if kind is bool:
        if text not in ("true", "false"):
            raise ConfigError(f"--{name}={text}: must be true or false")
        return text == "true"
    if kind not in (int, float):
        return text
    try:
        value = kind(text)
    except ValueError:
        raise ConfigError(f"--{name}={text}: expected {KIND_WORDS[kind]}") from None
    if fault := outside(name, value):
        raise ConfigError(f"--{name}={text}: {fault}")
    return value


def _kind(annotation: Any) -> Any:
    """int of `int` and of `int | None`."""
    return next(iter(get_args(annotation)), annotation)


def _label(given: dict[str, Any]) -> str:
    """What tells the file of these words from that of others, as `seed0-n16`."""
    return "-".join(re.sub(r"[^A-Za-z0-9.]+", "_", f"{name}{value}")[:40] for name, value in given.items())


def _wav_at(sample_rate: int) -> Callable[[Tensor], bytes]:
    return lambda waveform: wav(Sound("", waveform, sample_rate))


def _of_inputs(task: Any, medium: str, value: str, given: dict[str, Any], faults: list[str]) -> Asked:
    """An output an input; where two inputs have one stem, every file is named by its input's whole name."""
    if medium == "text":
        inputs: list[Any] = lines(value)
        several = len(inputs) > 1
        stems = [f"{k:0{DIGITS}d}" if several else slug(line) for k, line in enumerate(inputs, 1)]
    else:
        inputs = files(Path(value), KINDS[medium])
        distinct = len({path.stem.lower() for path in inputs}) == len(inputs)
        stems = [path.stem if distinct else path.name for path in inputs]
    return Asked([*map(str, inputs)], stems, _each(task, medium, inputs, given, faults))


def _each(
    task: Any, medium: str, inputs: list[Any], given: dict[str, Any], faults: list[str]
) -> Iterator[tuple[int, Any]]:
    """The place and the output of each input that has one; what is wrong with others goes to `faults`."""
    start = 0
    for part in in_parts(inputs, medium):
        try:
            found = [*_outputs(task, {medium: part, **given}, len(part))]
        except (ConfigError, DataError):
            if len(inputs) == 1:
                raise
            found = [_alone(task, {medium: [one], **given}, faults) for one in part]
        yield from ((start + k, output) for k, output in enumerate(found) if output is not None)
        start += len(part)


def _alone(task: Any, given: dict[str, Any], faults: list[str]) -> Any:
    """The output of one input; None where it is at fault."""
    try:
        return _outputs(task, given, 1)[0]
    except (ConfigError, DataError) as error:
        faults += error.lines
        return None


def _of_nothing(task: Any, given: dict[str, Any]) -> Asked:
    """Pictures `first` to `first + n`, each of its own number, so that they may be made in parts."""
    first, count = given.get("first", 0), given["n"]
    names = [f"{number:0{DIGITS}d}" for number in range(first, first + count)]
    parts = ((start, min(PART, first + count - start)) for start in range(first, first + count, PART))
    outputs = (_outputs(task, {**given, "n": size, "first": start}, size) for start, size in parts)
    return Asked(names, names, enumerate(chain.from_iterable(outputs)))


def _outputs(task: Any, given: dict[str, Any], count: int) -> Any:
    try:
        outputs = task.generate(**given)
    except ValueError as error:
        raise ConfigError(f"generate: {error}") from error
    whole = not isinstance(outputs, Tensor) or (outputs.dtype == torch.uint8 and outputs.shape[1:2] == (3,))
    if not whole or len(outputs) != count:
        kinds = f"{count} texts, {count} waveforms nor uint8 (B, 3, H, W)"
        raise TypeError(f"{type(task).__name__}.generate: gives neither {kinds}")
    return outputs
