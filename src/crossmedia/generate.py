"""What `generate` of any task takes from a command line, and what becomes of its outputs."""

import inspect
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor

from crossmedia import run
from crossmedia.audio import read as sounds
from crossmedia.config import nearest
from crossmedia.errors import ConfigError, DataError, SystemFault
from crossmedia.folder import find_run, write_whole
from crossmedia.images.read import MAX_PIXELS, SUFFIXES
from crossmedia.limits import outside
from crossmedia.report.store import png
from crossmedia.saved import inside

MEDIA = ("image", "audio", "text")
KINDS = {"image": ("pictures", SUFFIXES), "audio": ("sounds", sounds.SUFFIXES)}
KIND_WORDS = {int: "a whole number", float: "a number", bool: "true or false"}
PART = 64  # inputs, or pictures out of nothing, at a time
SECONDS = 600.0  # of sounds at a time
DIGITS = 6  # of a picture's number in its file's name


class Asked(NamedTuple):
    """What a task is to make. `outputs` come in parts: texts, or pictures as uint8 (B, 3, H, W)."""

    total: int
    sources: Iterable[str]  # what each output is made of; of what is made of nothing, its number
    stems: Iterable[str]  # of their files
    outputs: Iterator[Any]


def generated(name: str, words: list[str], out: Path | None, trust: tuple[str, ...] = ()) -> Iterator[str]:
    """The lines to print, as they come: texts, or the paths of the pictures that were written.

    Raises ConfigError for a word that the task does not take, DataError for an input, SystemFault where `out`
    cannot be written, and as `run.load` does.
    """
    if out and out.suffix.lower() in SUFFIXES - {".png"} and not out.is_dir():
        raise ConfigError(f"--out={out}: pictures are written as .png. Give such a name, or a folder")
    folder, checkpoint = find_run(name)
    task = run.load(checkpoint, trust)
    given = _keywords(task, words)
    medium = _medium(task, given)
    if medium:
        asked = _of_inputs(task, medium, _inputs(Path(given.pop(medium)), KINDS[medium]), given)
    else:
        parameters = _parameters(task)
        given = {word: parameters[word].default for word in ("seed", "n")} | given
        asked = _of_nothing(task, given)
    first = next(asked.outputs)
    outputs, several = chain([first], asked.outputs), asked.total > 1
    if not isinstance(first, Tensor):
        if out:
            raise ConfigError(f"--out={out}: {type(task).__name__} gives text, which is printed")
        for source, text in zip(asked.sources, chain.from_iterable(outputs), strict=True):
            yield f"{source}: {printable(text)}" if several and medium else printable(text)
        return
    home = out or inside(folder, "generated")
    label = _label(given if checkpoint.stem == "best" else {**given, "": checkpoint.stem})
    if not (out or medium):
        yield str(_write_sheet(outputs, asked.total, home / f"{label}.png"))
    elif home.suffix.lower() == ".png" and not home.is_dir():
        yield str(_write_sheet(outputs, asked.total, home))
    else:
        names = [f"{stem}{'' if out or not label else f'-{label}'}.png" for stem in asked.stems]
        written = _write_each(outputs, home, names, replace=out is None)
        for source, path in zip(asked.sources, written, strict=True):
            if medium:
                yield f"{source}: {path}" if several else str(path)
        if not medium:
            yield str(home)


def told_words(name: str, trust: tuple[str, ...] = ()) -> str:
    """What the task of a run makes, and the words that it takes. Raises as `run.load` does."""
    task = run.load(name, trust)
    lines = [f"{type(task).__name__}: {inspect.getdoc(task.generate) or 'tells nothing of itself'}", ""]
    for word, parameter in _parameters(task).items():
        kind = "a file or folder" if word in MEDIA else KIND_WORDS.get(_kind(parameter.annotation), "a text")
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


def _inputs(path: Path, kind: tuple[str, frozenset[str]]) -> list[Path]:
    """The file, or the files of that kind of a folder in the order of their names; others are counted."""
    if not path.is_dir():
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        return [path]
    files = sorted(p for p in path.iterdir() if not p.is_dir() and not p.name.startswith("."))
    name, suffixes = kind
    found = [file for file in files if file.suffix.lower() in suffixes]
    if not found:
        raise DataError(f"{path}: this folder has no {name} ({', '.join(sorted(suffixes))})")
    if len(found) < len(files):
        print(f"{len(files) - len(found)} other files in {path} passed over", file=sys.stderr)
    return found


def _of_inputs(task: Any, medium: str, inputs: list[Path], given: dict[str, Any]) -> Asked:
    """An output an input; where two inputs have one stem, every file is named by its input's whole name."""
    distinct = len({path.stem.lower() for path in inputs}) == len(inputs)
    outputs = (_outputs(task, {medium: part, **given}, len(part)) for part in _parts(inputs, medium))
    stems = (path.stem if distinct else path.name for path in inputs)
    return Asked(len(inputs), map(str, inputs), stems, outputs)


def _parts(inputs: list[Path], medium: str) -> Iterator[list[Path]]:
    """At most `PART` inputs at a time, of sounds at most `SECONDS` where they are several."""
    part: list[Path] = []
    total = 0.0
    for path in inputs:
        seconds = _seconds(path) if medium == "audio" else 0.0
        if part and (len(part) == PART or total + seconds > SECONDS):
            yield part
            part, total = [], 0.0
        part.append(path)
        total += seconds
    yield part


def _seconds(path: Path) -> float:
    try:
        return sounds.audio_info(path).seconds
    except DataError:
        return 0.0  # told when it is read


def _of_nothing(task: Any, given: dict[str, Any]) -> Asked:
    """Pictures `first` to `first + n`, each of its own number, so that they may be made in parts."""
    first, count = given.get("first", 0), given["n"]
    names, stems = ((f"{number:0{DIGITS}d}" for number in range(first, first + count)) for _ in range(2))
    parts = ((start, min(PART, first + count - start)) for start in range(first, first + count, PART))
    outputs = (_outputs(task, {**given, "n": size, "first": start}, size) for start, size in parts)
    return Asked(count, names, stems, outputs)


def _outputs(task: Any, given: dict[str, Any], count: int) -> Any:
    try:
        outputs = task.generate(**given)
    except ValueError as error:
        raise ConfigError(f"generate: {error}") from error
    whole = not isinstance(outputs, Tensor) or (outputs.dtype == torch.uint8 and outputs.shape[1:2] == (3,))
    if not whole or len(outputs) != count:
        raise TypeError(f"{type(task).__name__}.generate: gives neither {count} texts nor uint8 (B, 3, H, W)")
    return outputs


def _write_sheet(outputs: Iterator[Tensor], count: int, path: Path) -> Path:
    """All pictures on one, in rows and columns that are nearly as many; black fills the last row."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet, place = torch.empty(0), 0
    for images in outputs:
        height, width = images.shape[2:]
        if not place:
            if rows * height * columns * width > MAX_PIXELS:
                fault = f"{count} pictures on one sheet are more than {MAX_PIXELS // 10**6} million pixels"
                raise ConfigError(f"generate: {fault}. Give a folder with --out")
            _make(path.parent)
            sheet = torch.zeros(3, rows * height, columns * width, dtype=torch.uint8)
        for image in images.cpu():
            top, left = place // columns * height, place % columns * width
            sheet[:, top : top + height, left : left + width] = image
            place += 1
    write_whole(path, png(sheet))
    return path


def _write_each(outputs: Iterator[Tensor], home: Path, names: list[str], replace: bool) -> Iterator[Path]:
    """A file a picture; gives each path once it is written."""
    _make(home)
    there = set() if replace else {path.name for path in home.iterdir()}
    if taken := next((name for name in names if name in there), None):
        raise ConfigError(f"--out={home}: {taken} is there already. Remove it, or give another folder")
    for name, image in zip(names, chain.from_iterable(outputs), strict=True):
        write_whole(home / name, png(image))
        yield home / name


def _make(folder: Path) -> None:
    """The folder, before hours are spent on what it is to hold."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SystemFault(f"{folder}: {error.strerror}. Choose another place with --out") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SystemFault(f"{folder}: not to be written. Choose another place with --out")
