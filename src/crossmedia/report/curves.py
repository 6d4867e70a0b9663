"""The training curves: `metrics.csv` as one figure for the losses and one for each other metric."""

import math
from pathlib import Path
from typing import NamedTuple

from crossmedia.report.panels import Curve
from crossmedia.report.tables import metric_name, split_key

MOST_POINTS = 300  # a line; more cannot be told apart at a page's width
MOST_CURVES = 24
LOGARITHMIC = "fid"  # a distance that falls by powers of ten
WIDE = 10  # the greatest value over the least: from here on a logarithmic axis shows more


class Point(NamedTuple):
    step: int
    epoch: int
    value: float


def read_metrics(path: Path) -> dict[str, list[Point]]:
    """Each key's points in the order of the file; a line that a kill cut short is passed over."""
    series: dict[str, list[Point]] = {}
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                try:
                    step, epoch, rest = line.split(",", 2)
                    key, value = rest.rsplit(",", 1)  # a key may hold a comma
                    point = Point(int(step), int(epoch), float(value))
                except ValueError:
                    continue
                series.setdefault(key, []).append(point)
    return series


def training_curves(series: dict[str, list[Point]]) -> list[Curve]:
    """Losses together, both players' too, then a figure for each other metric: validation, training.

    A reference, as the score of other real data is, is a level in the figure of its metric. A test is one
    point, and stands in the table. Of more than 24 figures the first.
    """
    figures: dict[str, dict[str, list[Point]]] = {}
    levels: dict[str, dict[str, float]] = {}
    for key in sorted(
        series, key=lambda key: not key.startswith("val/")
    ):  # so that its colour is always the first
        split, _, metric = key.rpartition("/")
        reference = split_key(key)[2]
        if split.startswith("test"):
            continue
        if reference:
            levels.setdefault(metric.rpartition("_")[0], {})[reference] = series[key][-1].value
        elif metric.endswith("loss"):
            figures.setdefault("loss", {})[split if metric == "loss" else key] = series[key]
        else:
            figures.setdefault(metric, {})[split or metric_name(metric)] = series[key]
    names = sorted(figures, key=lambda name: name != "loss")
    return [_curve(name, figures[name], levels.get(name, {})) for name in names[:MOST_CURVES]]


def _curve(metric: str, lines: dict[str, list[Point]], levels: dict[str, float]) -> Curve:
    notes = []
    means: dict[int, list[str]] = {}  # how many values a point stands for -> the lines
    thinned: dict[str, dict[int, float]] = {}
    for name, points in lines.items():
        size = -(-len(points) // MOST_POINTS)
        bins = [points[i : i + size] for i in range(0, len(points), size)]
        thinned[name] = {bin[-1].step: sum(point.value for point in bin) / len(bin) for bin in bins}
        if size > 1:
            means.setdefault(size, []).append(name)
        if bad := sum(not math.isfinite(point.value) for point in points):
            notes.append(f"{name}: {bad} of {len(points)} values are not finite.")
    notes += [f"{', '.join(names)}: a point is the mean of {size}." for size, names in means.items()]
    steps = sorted({step for line in thinned.values() for step in line})
    lined = {name: [line.get(step) for step in steps] for name, line in thinned.items()}
    values = [value for line in thinned.values() for value in line.values() if math.isfinite(value)]
    log = metric.startswith(LOGARITHMIC) and bool(values) and 0 < WIDE * min(values) <= max(values)
    return Curve(metric_name(metric), [*steps], lined, note=" ".join(notes), levels=levels, log=log)
