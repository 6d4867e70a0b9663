"""One figure a row: ours beside the peer's, the median ratio of neighbouring repeats, and the quartiles."""

import os
import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.table import Table

from crossmedia.console import console


class Figure(NamedTuple):
    """What was measured in one run. `goal` is the least median of `values` where `least`, else the most."""

    what: str
    ours: str  # with its unit
    peer: str  # with its name; empty where the goal is absolute
    values: list[float]  # a ratio, or a time in seconds, for each repeat
    goal: float | None  # none where the row only explains another
    least: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def reached(self) -> bool:
        return self.goal is None or (self.median >= self.goal if self.least else self.median <= self.goal)


def ratios(ours: Sequence[float], peer: Sequence[float]) -> list[float]:
    """Ours by the peer's, repeat by repeat: what slows the machine slows two neighbours alike."""
    return [mine / other for mine, other in zip(ours, peer, strict=True)]


def table(figures: Sequence[Figure], title: str) -> Table:
    """The figures under a line that says on what they were measured."""
    load = os.getloadavg()[0]
    found = Table(title=f"{title}, {os.cpu_count()} cores, load {load:.1f}", title_justify="left", box=None)
    for name, justify in (("", "left"), ("ours", "right"), ("peer", "right"), ("median", "right")):
        found.add_column(name, justify=justify, no_wrap=name == "median")
    found.add_column("quartiles", justify="right", no_wrap=True)
    found.add_column("goal", justify="right", no_wrap=True)
    for figure in figures:
        low, _, high = statistics.quantiles(figure.values, n=4, method="inclusive")
        goal = "" if figure.goal is None else f"{'≥' if figure.least else '≤'} {figure.goal:g}"
        mark = "" if figure.goal is None else " reached" if figure.reached else " missed"
        spread = f"{low:.3f} – {high:.3f}"
        found.add_row(figure.what, figure.ours, figure.peer, f"{figure.median:.3f}", spread, goal + mark)
    return found


def show(title: str, *measures: Callable[[], list[Figure]]) -> int:
    """Measure, print one table, and return the exit code: 1 where a goal is missed."""
    figures = [figure for measure in measures for figure in measure()]
    console().print(table(figures, title))
    return int(not all(figure.reached for figure in figures))
