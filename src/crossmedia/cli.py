"""The `crossmedia` command: reads runs. `crossmedia --help` lists its verbs."""

import argparse
import inspect
import json
import sys
from pathlib import Path
from typing import Any, NoReturn, get_args

from crossmedia.errors import CheckpointError, ConfigError, DataError
from crossmedia.terminal import explained


def main() -> int:
    """The command's entry; returns the exit code."""
    return explained(lambda: _run(sys.argv[1:]))


def _run(argv: list[str]) -> None:
    options, rest = _parser().parse_known_args(argv)
    if rest and options.verb not in ("generate", "evaluate"):
        raise ConfigError(f"{rest[0]}: {options.verb} has no such argument. crossmedia {options.verb} --help")
    options.call(options, rest)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}. {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("crossmedia", description="Reads the runs that train.py makes.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, call: Any, words: str, run: bool = True) -> argparse.ArgumentParser:
        part = verbs.add_parser(name, help=words, description=words)
        if run:
            part.add_argument(
                "run",
                metavar="RUN",
                help="a run folder, a checkpoint, latest, an experiment (its newest run), or EXPERIMENT@best",
            )
        part.set_defaults(call=call)
        return part

    part = verb("list", _list, "what there is: experiments, tasks, data sets, runs", run=False)
    part.add_argument(
        "what", nargs="?", default="experiments", choices=["experiments", "tasks", "data", "runs"]
    )
    part.add_argument("--markdown", action="store_true", help="a Markdown table")
    part.add_argument("--json", action="store_true", help="JSON")
    part = verb("evaluate", _evaluate, "scores from the checkpoint alone; k=v changes the run's data config")
    part.add_argument("--split", help="one split, as test_composition; else every test split")
    _trust(part)
    part = verb("generate", _generate, "one output per input")
    _trust(part)
    verb("report", _report, "the page of a run, or of every run below a folder, anew")
    part = verb("export", _export, "weights as safetensors, config, a model card")
    part.add_argument("--out", type=Path, help="the folder; else <run>/export")
    _trust(part)
    return parser


def _trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trust", action="append", default=[], metavar="PACKAGE", help="a package of yours")


def _list(options: argparse.Namespace, _: list[str]) -> None:
    from crossmedia import listing
    from crossmedia.config import ROOT
    from crossmedia.report.tables import to_markdown

    if options.what == "experiments":
        columns, rows = listing.experiment_rows(ROOT)
    elif options.what == "runs":
        columns, rows = listing.run_rows(Path("outputs"))
    else:
        group = "model" if options.what == "tasks" else "data"
        columns, rows = (
            [options.what, "what it is"],
            [list(row) for row in listing.groups(ROOT, group).items()],
        )
    if options.json:
        print(
            json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=1, ensure_ascii=False)
        )
    elif options.markdown:
        print(to_markdown(columns, rows), end="")
    else:
        from rich.table import Table
        from rich.text import Text

        from crossmedia.console import console

        table = Table(box=None, header_style="bold", pad_edge=False)
        for place, column in enumerate(columns):
            table.add_column(column, no_wrap=place == 0, overflow="fold")
        for row in rows:
            table.add_row(*(Text("–" if cell is None else str(cell)) for cell in row))
        console().print(table)


def _evaluate(options: argparse.Namespace, overrides: list[str]) -> None:
    from crossmedia import run
    from crossmedia.console import console, print_scores

    scores, notes = run.evaluated(options.run, options.split, overrides, tuple(options.trust))
    print_scores(console(), scores, notes)


def _generate(options: argparse.Namespace, words: list[str]) -> None:
    """The task's own `generate` says which inputs and words it takes."""
    from crossmedia import run

    task = run.load(options.run, tuple(options.trust))
    given = _keywords(task, words)
    media = [name for name in given if name in ("image", "audio", "text")]
    if len(media) != 1:
        takes = [
            f"--{name}"
            for name in inspect.signature(task.generate).parameters
            if name in ("image", "audio", "text")
        ]
        raise ConfigError(f"generate: {type(task).__name__} takes one of {', '.join(takes)}")
    inputs = _inputs(Path(given.pop(media[0])))
    for place in range(0, len(inputs), 64):
        part = inputs[place : place + 64]
        try:
            outputs = task.generate(**{media[0]: part}, **given)
        except ValueError as error:
            raise ConfigError(f"generate: {error}") from error
        for source, output in zip(part, outputs, strict=True):
            shown = printable(output)
            print(f"{source}: {shown}" if len(inputs) > 1 else shown)


def printable(text: str) -> str:
    """Text from a checkpoint as a terminal may show it: no control character acts."""
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


def _keywords(task: Any, words: list[str]) -> dict[str, Any]:
    from crossmedia.config import nearest

    parameters = inspect.signature(task.generate).parameters
    given: dict[str, Any] = {}
    remaining = list(words)
    while remaining:
        word = remaining.pop(0)
        name, sign, value = word.removeprefix("--").replace("-", "_").partition("=")
        if not word.startswith("--") or name not in parameters:
            allowed = [f"--{parameter}" for parameter in parameters]
            raise ConfigError(
                f"{word}: {type(task).__name__} takes {', '.join(allowed)}{nearest(word, allowed)}"
            )
        if sign:
            value = word.partition("=")[2]
        elif remaining:
            value = remaining.pop(0)
        else:
            raise ConfigError(f"{word}: needs a value")
        kind = next(iter(get_args(parameters[name].annotation)), parameters[name].annotation)
        try:
            given[name] = kind(value) if kind in (int, float) else value
        except ValueError:
            raise ConfigError(
                f"--{name}={value}: expected {'a whole number' if kind is int else 'a number'}"
            ) from None
    return given


def _inputs(path: Path) -> list[Path]:
    """The file, or the pictures of a folder in the order of their names; others are counted."""
    if not path.is_dir():
        if not path.exists():
            raise DataError(f"{path}: no such file or folder")
        return [path]
    from crossmedia.images.read import SUFFIXES

    files = sorted(p for p in path.iterdir() if not p.is_dir() and not p.name.startswith("."))
    found = [file for file in files if file.suffix.lower() in SUFFIXES]
    if not found:
        raise DataError(f"{path}: this folder has no pictures ({', '.join(sorted(SUFFIXES))})")
    if len(found) < len(files):
        print(f"{len(files) - len(found)} other files in {path} passed over", file=sys.stderr)
    return found


def _report(options: argparse.Namespace, _: list[str]) -> None:
    from crossmedia.folder import find_folder, find_run
    from crossmedia.report.index import write_index
    from crossmedia.report.page import write_report

    path = Path(options.run)
    if path.is_dir() and not (path / "config.yaml").exists() and not path.is_symlink():
        print(write_index(path))
        return
    folder = find_run(path)[0] if path.is_file() else find_folder(options.run)
    if path.is_file() and not (folder / "config.yaml").exists():
        raise CheckpointError(f"{path}: is not a checkpoint in a run folder")
    print(write_report(folder))


def _export(options: argparse.Namespace, _: list[str]) -> None:
    from crossmedia.export import export

    print(export(options.run, options.out, tuple(options.trust)))


if __name__ == "__main__":
    sys.exit(main())
