"""The `crossmedia` command: reads runs. `crossmedia --help` lists its verbs."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from crossmedia.build import trusting
from crossmedia.errors import CheckpointError, ConfigError
from crossmedia.terminal import explained


def main() -> int:
    """The command's entry; returns the exit code."""
    return explained(lambda: _run(sys.argv[1:]))


def _run(argv: list[str]) -> None:
    options, rest = _parser().parse_known_args(argv)
    if rest:
        _need_run(argv, rest, options)
    if rest and options.verb not in ("generate", "evaluate"):
        raise ConfigError(f"{rest[0]}: {options.verb} has no such argument. crossmedia {options.verb} --help")
    with trusting(getattr(options, "trust", [])):
        options.call(options, rest)


def _need_run(argv: list[str], rest: list[str], options: argparse.Namespace) -> None:
    """ConfigError where argparse took the value of a task's own word, as in `generate --n 4`, for RUN."""
    for word, value in zip(argv, argv[1:], strict=False):
        if word in rest and word.startswith("--") and value not in rest and value == vars(options).get("run"):
            raise ConfigError(f"{options.verb}: RUN is missing. crossmedia {options.verb} RUN {word} {value}")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}. {self.prog} --help")


class _TaskHelp(argparse.Action):
    """Tells the words of the run's task too."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *_: Any) -> None:
        parser.print_help()
        if name := getattr(namespace, "run", None):
            from crossmedia.generate import told_words

            with trusting(namespace.trust):
                print(f"\n{told_words(name)}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("crossmedia", description="Reads the runs that train.py makes.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, call: Any, words: str, run: bool = True, **more: Any) -> argparse.ArgumentParser:
        part = verbs.add_parser(name, help=words, description=words, **more)
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
    words = "an output an input, or pictures out of nothing: the task's own words"
    part = verb("generate", _generate, words, add_help=False)
    part.add_argument("-h", "--help", action=_TaskHelp, nargs=0, help="and, after RUN, its task's words")
    part.add_argument(
        "--out", type=Path, help="a .png or .wav file, or a folder for one each; else below <run>/generated"
    )
    part.allow_abbrev = False  # what is short is the task's
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

    scores, notes = run.evaluated(options.run, options.split, overrides)
    print_scores(console(), scores, notes)


def _generate(options: argparse.Namespace, words: list[str]) -> None:
    from crossmedia.generate import generated

    for line in generated(options.run, words, options.out):
        print(line, flush=True)


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

    print(export(options.run, options.out))


if __name__ == "__main__":
    sys.exit(main())
