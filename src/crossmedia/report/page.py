"""The page of a run: one file without network, built anew from the run folder alone."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from crossmedia.folder import write_whole
from crossmedia.report import tables
from crossmedia.report.curves import Point, read_metrics, training_curves
from crossmedia.report.facts import Facts, duration, read_facts
from crossmedia.report.panels import Grid, Panel, Sound, Table
from crossmedia.report.reels import Reel, spread
from crossmedia.report.store import load_panels, utf8
from crossmedia.report.views import table_view, view

MOST_BYTES = 10_000_000
MOST_SOUNDS = 12
MOST_LISTED = 20  # further ones are counted
RESERVE = 50_000  # bytes for the headings and for the lines on what was left out


def write_report(run: Path) -> Path:
    """Write `report.html` and, once there are scores, `scores.csv`, `.md` and `.tex`; returns the path.

    The page holds at most 10 MB and 12 sounds and says what it left out. A damaged file is a CheckpointError.
    """
    facts = read_facts(run)
    scores = tables.scores_table(facts.scores)
    if scores.rows:
        write_tables(run / "scores", [scores])
    template = environment().get_template("template.html")
    words = _words(facts, scores)
    panels = load_panels(run)
    words["script"] = (
        _script() if any(isinstance(p, Reel) for part in panels.values() for p in part) else None
    )
    bare = template.render(words, sections=[], left_out=[])
    sections, left_out = _sections(panels, MOST_BYTES - RESERVE - _size(bare))
    path = run / "report.html"
    write_whole(path, utf8(template.render(words, sections=sections, left_out=left_out)))
    return path


@cache
def environment() -> Environment:
    """The templates beside this file; whatever they are given is text and never markup."""
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@cache
def _script() -> dict[str, str]:
    """The one script of a page, and the hash by which its policy lets it run, and no other."""
    text = Path(__file__).with_name("reel.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return {"text": Markup(text), "digest": f"sha256-{digest}"}


def write_tables(stem: Path, parts: list[Table], csv: Table | None = None) -> None:
    """The tables as `.md` and `.tex`, one below another; `csv`, or else the first of them, as `.csv`."""
    whole = csv or parts[0]
    write_whole(stem.with_suffix(".csv"), utf8(tables.to_csv(whole.columns, whole.rows)))
    headed = len(parts) > 1
    markdown = [
        (f"## {tables.markdown_text(part.title)}\n\n" if headed else "")
        + tables.to_markdown(part.columns, part.rows)
        for part in parts
    ]
    latex = [
        (f"\\subsection*{{{tables.latex_text(part.title)}}}\n" if headed else "")
        + tables.to_latex(part.columns, part.rows)
        for part in parts
    ]
    write_whole(stem.with_suffix(".md"), utf8("\n".join(markdown)))
    write_whole(stem.with_suffix(".tex"), utf8("\n".join(latex)))


def _words(facts: Facts, scores: Table) -> dict[str, Any]:
    about, status, metrics = facts.about, facts.status, read_metrics(facts.folder / "metrics.csv")
    speed = status.get("steps_per_second", facts.manifest.get("steps_per_second"))
    throughput = {
        "steps per second": None if speed is None else f"{speed:.1f}",
        "steps": status.get("step"),
        "epoch": status.get("epoch"),
        "wall time": None if facts.wall_seconds is None else duration(facts.wall_seconds),
    }
    return {
        "experiment": facts.experiment,
        "run": facts.folder.name,
        "claim": about.get("claim") or "",
        "direction": (about.get("direction") or "").replace("->", "→"),
        "state": status.get("state") or "",
        "seed": facts.config.get("seed"),
        "best": _best(status),
        "reason": status.get("reason") or "",
        "scores": _main_table(facts.scores) if scores.rows else None,
        "notes": (facts.manifest if scores.rows else status).get("notes") or [],
        "so_far": table_view(_so_far(metrics)),
        "curves": [view(curve) for curve in training_curves(metrics)],
        "throughput": {name: value for name, value in throughput.items() if value is not None},
        "changes": [line for line in facts.overrides if not line.startswith("experiments=")],
        "manifest": {
            name: _readable(value) for name, value in facts.manifest.items() if name not in ("about", "notes")
        },
        "config": facts.config_text,
    }


def _main_table(scores: Mapping[str, float | None]) -> dict[str, Any]:
    """The scores worth a column; the files behind the links have all."""
    shown, every = (tables.scores_table(part) for part in (tables.without_repeats(scores), scores))
    return {**table_view(shown), "links": table_view(every)["links"]}


def _best(status: Mapping[str, Any]) -> str:
    """The monitored score of the checkpoint that the test took."""
    if status.get("best") is None:
        return ""
    name = tables.metric_name(status.get("monitor", "").removeprefix("val/"))
    return f"{name} {tables.shown(status['best'])}, epoch {status.get('best_epoch', 0) + 1}"


def _so_far(metrics: Mapping[str, list[Point]]) -> Table:
    """The newest validation, for a page before the test."""
    newest = {
        key.removeprefix("val/"): points[-1] for key, points in metrics.items() if key.startswith("val/")
    }
    last = max((point for point in newest.values()), default=None)
    parts = {name: tables.split_key(f"val/{name}")[1:] for name in newest}
    rows: list[list[tables.Cell]] = [
        [", ".join(filter(None, [tables.metric_name(metric), reference])), newest[name].value]
        for name, (metric, reference) in parts.items()
    ]
    return Table(
        "validation", ["metric", "val"], rows, f"epoch {last.epoch}, step {last.step}" if last else ""
    )


def _readable(value: Any) -> Any:
    """Nested groups stay, a list becomes one line, so that any manifest can be printed."""
    if isinstance(value, Mapping):
        return {str(name): _readable(member) for name, member in value.items()}
    if isinstance(value, list):
        rest = f" … {len(value)} in all" if len(value) > MOST_LISTED else ""
        return " ".join(str(member) for member in value[:MOST_LISTED]) + rest
    return tables.shown(value) if value is None else str(value)


def _sections(panels: dict[str, list[Panel]], left: int) -> tuple[list[dict[str, Any]], list[str]]:
    """The drawn panels of each split, as many as fit into `left` bytes, and a line for each that does not."""
    draw = getattr(environment().get_template("panels.html").module, "panel")  # noqa: B009 - a macro
    sections: dict[str, list[str]] = {split: [] for split in sorted(panels, key=tables.split_order)}
    found = [(split, panel) for split in sections for panel in panels[split]]
    more = [(split, panel) for split, panel in found if isinstance(panel, Sound)][MOST_SOUNDS:]
    left_out = [f"{split}: {sound.title} (a sound; the page holds {MOST_SOUNDS})" for split, sound in more]
    silent = {id(sound) for _, sound in more}
    views = [(split, panel, view(panel)) for split, panel in found if id(panel) not in silent]
    left_out += _fewer_steps(views, left, draw)
    for split, panel, ready in views:
        html = draw(ready)
        if _size(html) > left:
            left_out.append(f"{split}: {panel.title} ({_size(html) / 1e6:.1f} MB)")
            fitting = _shorter(panel, left / _size(html))
            if fitting is None:
                continue
            html = draw(view(fitting))
            if _size(html) > left:
                continue
            left_out[-1] += ": its first part is shown"
        sections[split].append(html)
        left -= _size(html)
    if len(left_out) > MOST_LISTED:
        left_out[MOST_LISTED:] = [f"and {len(left_out) - MOST_LISTED} more"]
    return [{"split": split, "panels": drawn} for split, drawn in sections.items() if drawn], left_out


def _fewer_steps(views: list[tuple[str, Panel, dict[str, Any]]], left: int, draw: Any) -> list[str]:
    """Drop earlier steps of grids, evenly, until all panels fit or none is left; a line for each grid."""
    reels = [(split, ready, ready["earlier"]) for split, _, ready in views if ready["kind"] == "reel"]
    most = max((len(earlier) for *_, earlier in reels), default=0)
    over = sum(_size(draw(ready)) for *_, ready in views) - left if most else 0
    while over > 0 and most > 0:
        most -= 1
        for _, reel, earlier in reels:
            kept = spread((frame["step"] for frame in earlier), most) if most else []
            fewer = [frame for frame in earlier if frame["step"] in kept]
            over -= sum(len(frame["src"]) for frame in reel["earlier"]) - sum(len(f["src"]) for f in fewer)
            reel["earlier"] = fewer
    return [
        f"{split}: {reel['title']}: {len(reel['earlier']) + 1} of {len(earlier) + 1} steps are shown"
        for split, reel, earlier in reels
        if len(reel["earlier"]) < len(earlier)
    ]


def _shorter(panel: Panel, share: float) -> Panel | None:
    """The first pictures or rows that fit into a share of the panel's size, if there are any."""
    if (
        isinstance(panel, Grid)
        and not isinstance(panel, Reel)
        and (count := int(share * 0.9 * len(panel.images)))
    ):
        note = " ".join(filter(None, [panel.note, f"The first {count} of {len(panel.images)} pictures."]))
        return replace(panel, images=panel.images[:count], captions=panel.captions[:count], note=note)
    if isinstance(panel, Table) and (count := int(share * 0.9 * len(panel.rows))):
        note = " ".join(filter(None, [panel.note, f"The first {count} of {len(panel.rows)} rows."]))
        return replace(panel, rows=panel.rows[:count], note=note)
    return None


def _size(html: str) -> int:
    return len(utf8(html))
