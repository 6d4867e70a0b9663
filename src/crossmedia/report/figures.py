"""Curves and heat maps in one look: SVG that follows the page's light or dark, pixels for trackers.

Only matplotlib's object API: no pyplot, so no state is shared and no display is asked for.
"""

import io
import itertools
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from crossmedia.report.panels import Curve, Matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

INK, MUTED, RULE = "#1f2328", "#656c76", "#d4d8dd"
LINES = ["#2a66b5", "#c2571a", "#2a7f4f", "#9a3b8f", "#8a6d00", "#0e7c86", "#b3334a", "#5b5f66"]
DASHES = ["-", "--", ":", "-."]
LEVELS = ["--", ":", "-."]
FEW_POWERS = 300  # the greatest value over the least, of an axis that also numbers 2 and 5
VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    RULE: "rule",
    **{colour: f"line{i}" for i, colour in enumerate(LINES)},
}
POSITIVE, NEGATIVE = (
    (0.16, 0.42, 0.74),
    (0.80, 0.36, 0.12),
)  # red, green, blue; readable on white and on black
WHITE_ABOVE = 0.85  # alpha; on such a cell white is easier to read than ink, in light and in dark
POINTS_AN_INCH = 72  # so that a font size is in the SVG's own unit
CURVE_WIDTH, CURVE_HEIGHT = 278, 150  # of the axes, so that three figures stand side by side
LINE_HEIGHT = 17
RIGHT = 14  # margin
LETTER = 6.5  # mean width of a letter at font size 11
MOST_NAMES = 10  # in a legend
SMALL = 0.01  # below it numbers are written with a power of ten
MARKED = 40  # points; longer lines are drawn without markers
NUMBERED = 24  # classes; larger matrices have no numbers in their cells
NAMED = 60  # classes; larger matrices name only some
BINS = 250  # cells on a side; of larger matrices each cell shows the greatest of a block


def draw(panel: Curve | Matrix) -> "Figure":
    """The figure of a panel, on a transparent ground. Text is drawn literally, `$x$` and `_x` too."""
    with _quiet():
        return _curve(panel) if isinstance(panel, Curve) else _matrix(panel)


def to_svg(figure: "Figure", label: str) -> str:
    """An `<svg>` element for a page that defines `--ink`, `--muted`, `--rule` and `--line0` … `--line7`.

    `label` is its text for those who cannot see it; ids are unique to the label.
    """
    import matplotlib

    buffer = io.StringIO()
    with _quiet(), matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": label}):
        figure.savefig(buffer, format="svg", transparent=True)
    drawing = buffer.getvalue()
    body = re.sub(r"<(metadata|style).*?</\1>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL)
    body = re.sub(r"<[^>]+>", _page_tag, body[body.index(">") + 1 :])
    width, height = (side * POINTS_AN_INCH for side in figure.get_size_inches())
    size = f'viewBox="0 0 {width:g} {height:g}" style="--drawn: {width:g}px"'
    return f'<svg {size} role="img" aria-label="{escape(label)}">{body}'


def to_pixels(figure: "Figure", scale: float = 2.0) -> Tensor:
    """The figure on white: (3, H, W) uint8, `scale` pixels a unit of its SVG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_facecolor("white")
    figure.set_dpi(POINTS_AN_INCH * scale)
    canvas = FigureCanvasAgg(figure)
    with _quiet():
        canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()  # (H, W, 3)
    return torch.from_numpy(pixels).permute(2, 0, 1)


@contextmanager
def _quiet() -> Iterator[None]:
    """No mathematics in anyone's text, and no word on letters that only the browser's fonts have."""
    import matplotlib

    with warnings.catch_warnings(), matplotlib.rc_context({"text.parse_math": False, "font.size": 11}):
        warnings.filterwarnings(
            "ignore", message=r"(?s)(Glyph .* missing from|Matplotlib currently does not)"
        )
        yield


def _page_tag(tag: re.Match[str]) -> str:
    """A tag of the drawing without what the page sets itself: names of groups, fonts, colours."""
    text = re.sub(r'(?<=<g) id="[^"]*"| transform="rotate\(-0 [^"]*"|font-family: [^;]*; ', "", tag[0])
    return re.sub(r"(?<=: )#[0-9a-f]{6}", lambda colour: _variable(colour[0]), text)


def _variable(colour: str) -> str:
    return f"var(--{VARIABLES[colour]})" if colour in VARIABLES else colour


def _axes(width: float, height: float, left: float, bottom: float, top: float) -> tuple["Figure", "Axes"]:
    """An empty figure of the page's look; lengths in pixels of the page, the first two those of the axes.

    Margins are given, because matplotlib's own layout takes as long as the drawing.
    """
    from matplotlib.figure import Figure

    whole = (left + width + RIGHT, bottom + height + top)
    figure = Figure(
        (whole[0] / POINTS_AN_INCH, whole[1] / POINTS_AN_INCH), dpi=POINTS_AN_INCH, facecolor="none"
    )
    place = (left / whole[0], bottom / whole[1], width / whole[0], height / whole[1])
    axes = figure.add_axes(place, facecolor="none")
    axes.tick_params(colors=MUTED, labelcolor=MUTED, labelsize=11, length=0, pad=5)
    for side in axes.spines.values():
        side.set_color(RULE)
    return figure, axes


def _curve(panel: Curve) -> "Figure":
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    levels = {name: value for name, value in panel.levels.items() if np.isfinite(value)}
    names = [_short(name, 40) for name in (*panel.lines, *levels)]
    legend = _legend_rows(names) if levels or list(panel.lines) != [panel.title] else 0
    figure, axes = _axes(
        CURVE_WIDTH, CURVE_HEIGHT, 66 if panel.y_label else 50, 38, LINE_HEIGHT * legend + 10
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    handles, values = [], [*levels.values()]
    for i, line in enumerate(panel.lines.values()):
        points = [(x, y) for x, y in zip(panel.x, line, strict=True) if y is not None]
        style = {"marker": "o", "markersize": 3.5} if len(points) <= MARKED else {}
        dashes = DASHES[i // len(LINES) % len(DASHES)]
        x, y = zip(*points, strict=True) if points else ((), ())
        finite = [value if np.isfinite(value) else np.nan for value in y]
        values += [value for value in y if np.isfinite(value)]
        handles += axes.plot(
            x, finite, dashes, color=LINES[i % len(LINES)], linewidth=1.6, zorder=3 - i / 100, **style
        )
    for i, value in enumerate(levels.values()):
        handles.append(axes.axhline(value, color=MUTED, linestyle=LEVELS[i % len(LEVELS)], linewidth=1.4))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=all(float(x).is_integer() for x in panel.x)))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    if panel.log and values and min(values) > 0:
        _logarithmic(axes, max(values) / min(values))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: _short_number(value)))
    axes.set_xlabel(panel.x_label, color=MUTED, loc="right", labelpad=1)
    axes.set_ylabel(panel.y_label, color=MUTED)
    if legend:
        _legend(axes, handles, names, legend)
    return figure


def _logarithmic(axes: "Axes", span: float) -> None:
    """An axis of powers of ten, with 2 and 5 times them where there are few."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if span < FEW_POWERS else (1,), numticks=7))
    axes.yaxis.set_minor_locator(NullLocator())


def _legend_rows(names: list[str]) -> int:
    """One row where the names fit side by side, else one a name and one for the title of a shortened list."""
    if sum(len(name) * LETTER + 40 for name in names) < CURVE_WIDTH + 40:
        return 1
    return min(len(names), MOST_NAMES + 1)


def _legend(axes: "Axes", handles: list["Line2D"], names: list[str], rows: int) -> None:
    title = f"the first {MOST_NAMES} of {len(names)}" if len(names) > MOST_NAMES else None
    handles = handles[:MOST_NAMES]
    legend = axes.legend(
        handles,
        ["name"] * len(handles),  # a name that begins with _ would be left out here
        ncols=len(handles) if rows == 1 else 1,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderpad=0,
        borderaxespad=0.3,
        handlelength=1.2,
        frameon=False,
        title=title,
    )
    legend.get_title().set(color=MUTED)
    for text, name in zip(legend.get_texts(), names, strict=False):
        text.set(text=name, color=INK)


def _matrix(panel: Matrix) -> "Figure":
    values = np.asarray(panel.values, dtype=float).reshape(len(panel.rows), len(panel.columns))
    down, across = values.shape
    long = max(down, across, 1)
    if long <= NAMED:
        wide = tall = min(44, max(24, 320 // long)) if long <= NUMBERED else max(13, min(17, 760 // long))
        every = every_row = 1
    else:
        wide, tall = (max(480 / long, min(12, 190 / max(count, 1))) for count in (across, down))
        every, every_row = _step(max(across / 20, 1)), _step(LINE_HEIGHT * 0.65 / tall)
    size = 11 if long <= NUMBERED else 9
    rows = [_short(name, 20) for name in panel.rows[::every_row]]
    columns = [_short(name, 20) for name in panel.columns[::every]]
    row_room, column_room = (
        max(map(len, names), default=0) * LETTER * size / 11 for names in (rows, columns)
    )
    upright = column_room > wide * every
    bottom = (column_room if upright else LINE_HEIGHT) + (LINE_HEIGHT + 8 if panel.column_label else 8)
    left = row_room + (LINE_HEIGHT + 14 if panel.row_label else 12)
    figure, axes = _axes(max(wide * across, 1), max(tall * down, 1), left, bottom, 8)
    image = _colours(_blocks(values))
    if values.size:
        extent = (-0.5, across - 0.5, down - 0.5, -0.5)
        axes.imshow(image, aspect="auto", interpolation="none", extent=extent)
    axes.set_xticks(range(0, across, every), columns, rotation=90 if upright else 0, fontsize=size)
    axes.set_yticks(range(0, down, every_row), rows, fontsize=size)
    axes.set_xlabel(panel.column_label, color=INK)
    axes.set_ylabel(panel.row_label, color=INK)
    if long <= NUMBERED:
        _numbers(axes, values)
    return figure


def _step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20 and so on that is no less."""
    return next(step for k in itertools.count() for step in (10**k, 2 * 10**k, 5 * 10**k) if step >= least)


def _numbers(axes: "Axes", values: np.ndarray) -> None:
    """Each cell's number; a zero stays blank."""
    alphas = _colours(values)[..., 3]
    whole = bool((values == np.rint(values)).all())
    for row, column in zip(*np.nonzero(values), strict=True):
        value = values[row, column]
        text = f"{value:.0f}" if whole else f"{value:.2f}".removeprefix("0")
        colour = "#ffffff" if alphas[row, column] > WHITE_ABOVE else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=10, color=colour)


def _blocks(values: np.ndarray) -> np.ndarray:
    """At most 250 cells a side: of each block the value furthest from 0, so that lone cells stay in sight."""
    for axis in (0, 1):
        starts = np.arange(0, values.shape[axis], max(1, -(-values.shape[axis] // BINS)))
        high, low = np.maximum.reduceat(values, starts, axis), np.minimum.reduceat(values, starts, axis)
        values = np.where(-low > high, low, high)
    return values


def _colours(values: np.ndarray) -> np.ndarray:
    """(rows, columns) to (rows, columns, RGBA): alpha is the root of a value's share, to show rare cells."""
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    share = np.abs(finite) / max(np.abs(finite).max(initial=0.0), np.finfo(float).tiny)
    hue = np.where((finite < 0)[..., None], NEGATIVE, POSITIVE)
    return np.concatenate([hue, np.sqrt(share)[..., None]], axis=-1)


def _short(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _short_number(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    if 0 < abs(value) < SMALL:
        digits, power = f"{value:.1e}".split("e")
        return f"{float(digits):g}e{int(power)}"
    return f"{value:.4g}"
