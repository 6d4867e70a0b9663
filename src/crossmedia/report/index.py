"""The page of all runs: a table an experiment, newest run first, and the same as CSV, Markdown and LaTeX."""

import os
from pathlib import Path
from urllib.parse import quote

from crossmedia.folder import runs_of, write_whole
from crossmedia.report import tables
from crossmedia.report.facts import Facts, duration, read_facts
from crossmedia.report.page import environment, write_tables
from crossmedia.report.panels import Table
from crossmedia.report.store import utf8


def write_index(outputs: Path) -> Path:
    """Write `index.html`, `report.csv`, `.md` and `.tex` over all runs; returns the page's path."""
    groups: dict[str, list[Facts]] = {}
    for run in reversed(runs_of(outputs)):
        facts = read_facts(run)
        groups.setdefault(facts.experiment, []).append(facts)
    parts = {name: _table(name, groups[name]) for name in sorted(groups)}
    write_tables(outputs / "report", list(parts.values()) or [_table("runs", [])], csv=_whole(groups))
    sections = [
        {
            "experiment": name,
            "claim": groups[name][0].about.get("claim") or "",
            "numeric": tables.numeric_columns(table.columns, table.rows),
            "columns": table.columns,
            "rows": [
                (_link(outputs, facts), row)
                for facts, row in zip(groups[name], tables.shown_rows(table.rows), strict=True)
            ],
        }
        for name, table in parts.items()
    ]
    path = outputs / "index.html"
    template = environment().get_template("index.html")
    write_whole(path, utf8(template.render(title=outputs.resolve().name, sections=sections)))
    return path


def _table(title: str, runs: list[Facts]) -> Table:
    """A row a run; the test's scores first, then those of other splits, references last."""
    found = dict.fromkeys(key for facts in runs for key in facts.scores if not key.endswith("loss"))
    parts = {key: tables.split_key(key) for key in found}
    keys = sorted(parts, key=lambda key: (parts[key][2] != "", tables.split_order(parts[key][0])))
    names = [_score_name(*parts[key]) for key in keys]
    rows = [[*_plain(facts), *(facts.scores.get(key) for key in keys)] for facts in runs]
    return Table(title, ["run", "state", "seed", "time", *names], rows)


def _score_name(split: str, metric: str, reference: str) -> str:
    return ", ".join(filter(None, [tables.metric_name(metric), "" if split == "test" else split, reference]))


def _whole(groups: dict[str, list[Facts]]) -> Table:
    """All runs in one table, a column a score, for programs."""
    everything = [facts for name in sorted(groups) for facts in groups[name]]
    keys = list(dict.fromkeys(key for facts in everything for key in facts.scores))
    rows: list[list[tables.Cell]] = [
        [
            facts.experiment,
            facts.folder.name,
            facts.status.get("state"),
            facts.config.get("seed"),
            facts.wall_seconds,
            *(facts.scores.get(key) for key in keys),
        ]
        for facts in everything
    ]
    return Table("runs", ["experiment", "run", "state", "seed", "wall_seconds", *keys], rows)


def _plain(facts: Facts) -> list[tables.Cell]:
    seconds = facts.wall_seconds
    took = tables.MISSING if seconds is None else duration(seconds)
    return [facts.folder.name, facts.status.get("state"), facts.config.get("seed"), took]


def _link(outputs: Path, facts: Facts) -> str:
    """From the index to a run's page, or to its folder while it has none."""
    folder = quote(os.path.relpath(facts.folder, outputs.resolve()))
    return f"{folder}/report.html" if (facts.folder / "report.html").exists() else f"{folder}/"
