"""What there is: experiments, tasks, data sets and runs, read from the files' first lines."""

from pathlib import Path
from typing import Any

import yaml

MISSING = "–"  # nobody measured it
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def experiments(root: Path) -> dict[str, dict[str, Any]]:
    """Name to `about` of every experiment file, with the `data` that it chooses."""
    found = {}
    for path in sorted((root / "experiments").glob("*.yaml")):
        head = yaml.load(path.read_text(encoding="utf-8"), LOADER) or {}
        parts = [part for part in head.get("defaults") or [] if isinstance(part, dict)]
        chosen = {key: value for part in parts for key, value in part.items()}
        about = {"on" if key is True else key: value for key, value in (head.get("about") or {}).items()}
        found[path.stem] = {"data": chosen.get("override /data"), **about}  # YAML reads a bare `on` as true
    return found


def groups(root: Path, group: str) -> dict[str, str]:
    """Option to the sentence that opens its file."""
    found = {}
    for path in sorted((root / "conf" / group).glob("*.yaml")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        found[path.stem] = first.lstrip("# ")
    return found


def experiment_rows(root: Path) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of the table of experiments."""
    rows = [
        [
            f"experiments={name}",
            about.get("claim"),
            (about.get("direction") or "").replace("->", "→"),
            about["data"],
            score_text(about.get("score")),
            str(about.get("minutes") or MISSING),
            about.get("on"),
        ]
        for name, about in experiments(root).items()
    ]
    return ["python train.py …", "what it shows", "direction", "data", "score", "minutes", "on"], rows


def readme_table(root: Path) -> str:
    """The experiments that are measured as a Markdown table, and the names of the others."""
    from crossmedia.report.tables import to_markdown

    columns, rows = experiment_rows(root)
    score = columns.index("score")
    measured = [row for row in rows if row[score] != MISSING]
    names = [f"`{row[0].removeprefix('experiments=')}`" for row in rows if row[score] == MISSING]
    others = f"\nComplete, but not measured here: {', '.join(names)}.\n" if names else ""
    return to_markdown(columns, measured) + others


def run_rows(out_dir: Path) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of every run folder, oldest first, with the score that chose its best checkpoint."""
    from crossmedia.folder import runs_of
    from crossmedia.saved import saved_facts

    rows = []
    for run in runs_of(out_dir):
        status = saved_facts(run, "status")
        path = str(run.relative_to(out_dir.resolve()))
        metric = (status.get("monitor") or "").removeprefix("val/")
        scores = saved_facts(run, "scores")
        shown = {key: value for key, value in scores.items() if key.partition("/")[2] == metric}
        rows.append([path, status.get("state"), score_text(shown)])
    return ["run", "state", "score"], rows


def score_text(score: dict[str, Any] | None) -> str:
    """`accuracy 0.986 · test_composition/bleu4 0.61`: `test` goes without saying."""
    if not score or None in score.values():
        return MISSING
    words = [f"{key.removeprefix('test/')} {_short(value)}" for key, value in score.items()]
    return " · ".join(words)


def _short(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3g}" if 0 < abs(value) < 0.1 else f"{value:.3f}"
