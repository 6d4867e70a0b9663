"""What there is: experiments, tasks, data sets and runs, read from the files' first lines."""

from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def experiments(root: Path) -> dict[str, dict[str, Any]]:
    """Name to `about` of every experiment file."""
    found = {}
    for path in sorted((root / "experiments").glob("*.yaml")):
        found[path.stem] = _head(path).get("about") or {}
    return found


def _head(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(encoding="utf-8"), LOADER) or {}


def groups(root: Path, group: str) -> dict[str, str]:
    """Option to the sentence that opens its file."""
    found = {}
    for path in sorted((root / "conf" / group).glob("*.yaml")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        found[path.stem] = first.lstrip("# ")
    return found


def experiment_rows(root: Path) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the table of experiments, as README shows it."""
    columns = ["experiment", "what", "direction", "score", "minutes", "on"]
    rows = [
        [
            name,
            about.get("claim"),
            about.get("direction"),
            score_text(about.get("score")),
            about.get("minutes"),
            about.get("on"),
        ]
        for name, about in experiments(root).items()
    ]
    return columns, rows


def run_rows(out_dir: Path) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of every run folder, oldest first."""
    from crossmedia.folder import read_json, runs_of

    rows = []
    for run in runs_of(out_dir):
        status = read_json(run / "status.json") or {}
        path = str(run.relative_to(out_dir.resolve()))
        rows.append([path, status.get("state"), score_text(read_json(run / "scores.json"))])
    return ["run", "state", "scores"], rows


def score_text(score: dict[str, Any] | None) -> str:
    """`accuracy 0.986 · test_composition/bleu4 0.61`: `test` goes without saying; – where nobody measured."""
    if not score:
        return "–"
    words = [f"{key.removeprefix('test/')} {_short(value)}" for key, value in score.items()]
    return " · ".join(words)


def _short(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
