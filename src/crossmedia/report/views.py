"""A panel as the plain strings that its place on the page needs; the templates escape every one of them."""

import base64
import io
import math
import pickle
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from markupsafe import Markup
from PIL import Image
from torch import Tensor

from crossmedia.report import figures, store, tables
from crossmedia.report.panels import Alignment, Curve, Grid, Matrix, Panel, Sound, Table
from crossmedia.report.reels import Reel, frame, spread

MOST_ROWS = 200  # of a table; the file behind it has them all
SMALL = 48  # pixels; up to this size a picture is enlarged with its pixels in sight
LOSSLESS = 192  # pixels; larger pictures go into the page as JPEG
PAGE_WIDTH, NARROW, CAPTIONED = (
    976,
    64,
    132,
)  # pixels: the page, the least width of a picture without and with text
LONG_CAPTION = 24  # letters
BROAD = 520  # pixels; a wider figure takes the page's whole width


def view(panel: Panel) -> dict[str, Any]:
    """What `panels.html` draws; the key `kind` picks the macro."""
    if isinstance(panel, Reel):
        return _reel(panel)
    if isinstance(panel, Grid):
        return _grid(panel)
    if isinstance(panel, Table):
        return table_view(panel)
    if isinstance(panel, Curve | Matrix):
        return _figure(panel)
    if isinstance(panel, Sound):
        seconds = len(panel.waveform) / panel.sample_rate
        facts = f"{seconds:.1f} s, {panel.sample_rate} Hz"
        src = data_url("audio/wav", store.wav(panel))
        return {"kind": "sound", "title": panel.title, "note": panel.note, "facts": facts, "src": src}
    if isinstance(panel, Alignment):
        rows = zip(panel.names, panel.rows, strict=True)
        ready = [(name, [_edit(*part) for part in row]) for name, row in rows]
        return {"kind": "alignment", "title": panel.title, "note": panel.note, "rows": ready}
    return {"kind": "text", "title": panel.title, "body": panel.body}


def table_view(table: Table) -> dict[str, Any]:
    """Cells with the class that marks them: a number, or an empty text."""
    numeric = tables.numeric_columns(table.columns, table.rows)
    shown = tables.shown_rows(table.rows[:MOST_ROWS])
    blanks = [[_blank(cell) for cell in row] for row in table.rows[:MOST_ROWS]]
    rows = [
        [{"text": text, "number": number, "blank": blank} for text, number, blank in zip(*row, strict=True)]
        for row in ((texts, numeric, empties) for texts, empties in zip(shown, blanks, strict=True))
    ]
    cut = (
        f"The first {MOST_ROWS} of {len(table.rows)} rows; the CSV has all."
        if len(table.rows) > MOST_ROWS
        else ""
    )
    return {
        "kind": "table",
        "title": table.title,
        "note": " ".join(filter(None, [table.note, cut])),
        "columns": list(zip(table.columns, numeric, strict=True)),
        "rows": rows,
        "links": links(table.title, table.columns, table.rows),
    }


def links(
    title: str, columns: Sequence[str], rows: tables.Rows, kinds: str = "csv md tex"
) -> list[dict[str, str]]:
    """The same rows as files behind a link."""
    forms = {
        "csv": ("CSV", "text/csv", tables.to_csv),
        "md": ("Markdown", "text/markdown", tables.to_markdown),
        "tex": ("LaTeX", "application/x-tex", tables.to_latex),
    }
    return [
        {
            "name": forms[kind][0],
            "file": f"{store.slug(title)}.{kind}",
            "href": data_url(forms[kind][1], store.utf8(forms[kind][2](columns, rows))),
        }
        for kind in kinds.split()
    ]


def _edit(edit: str, reference: str, output: str) -> dict[str, str]:
    """Words of a reference, struck out where the output lacks them, and words that the output has instead."""
    equal = edit == "equal"
    return {"was": reference, "was_tag": "span" if equal else "del", "now": "" if equal else output}


def data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _grid(grid: Grid) -> dict[str, Any]:
    captions = [*grid.captions, *[None] * (len(grid.images) - len(grid.captions))]
    longest = max((len(line) for text in grid.captions for line in text.splitlines()), default=0)
    least = NARROW if not grid.captions else CAPTIONED if longest > LONG_CAPTION else CAPTIONED * 2 // 3
    return {
        "kind": "grid",
        "title": grid.title,
        "note": grid.note,
        "columns": max(1, min(grid.columns, len(grid.images))),
        # with text under them the pictures flow, without it a row or column may mean something
        "width": max(least, PAGE_WIDTH // max(grid.columns, 1) - 14) if grid.captions else None,
        "small": grid.images.shape[2] <= SMALL,
        "pictures": [
            _picture(image, caption, f"{grid.title}, picture {number}")
            for number, (image, caption) in enumerate(zip(grid.images, captions, strict=False), 1)
        ],
    }


def _reel(reel: Reel) -> dict[str, Any]:
    """A sheet a step, so that a page holds many."""
    columns, steps = max(1, min(reel.columns, len(reel.images))), spread(reel.sheets)
    frames = [
        {
            "step": step,
            "src": _sheet_url(frame(reel.sheets[step]), step == steps[-1]),
            "alt": f"{reel.title}, step {step}: {len(reel.images)} pictures, {columns} in a row",
        }
        for step in steps
    ]
    return {
        "kind": "reel",
        "title": reel.title,
        "note": reel.note,
        "columns": columns,
        "small": reel.images.shape[2] <= SMALL,
        "captions": [{"text": tables.shown(line), "blank": _blank(line)} for line in reel.captions],
        "last": frames[-1],
        "earlier": frames[:-1],
    }


def _sheet_url(sheet: Image.Image, last: bool) -> str:
    """The last step is as good as a page can show it, the others take less room."""
    buffer = io.BytesIO()
    if last and max(sheet.size) <= PAGE_WIDTH:
        sheet.save(buffer, "PNG")
        return data_url("image/png", buffer.getvalue())
    side = PAGE_WIDTH * 2 if last else PAGE_WIDTH
    sheet.thumbnail((side, side))
    sheet.save(buffer, "JPEG", quality=90 if last else 85, subsampling=0)
    return data_url("image/jpeg", buffer.getvalue())


def _picture(image: Tensor, caption: str | None, name: str) -> dict[str, Any]:
    lines = [] if caption is None else caption.split("\n")
    return {
        "src": _picture_url(image),
        "alt": f"{name}: {tables.shown(lines[0])}" if lines else name,
        "lines": [{"text": tables.shown(line), "blank": _blank(line)} for line in lines],
    }


def _picture_url(image: Tensor) -> str:
    content = store.png(image)
    if max(image.shape[1:]) <= LOSSLESS:
        return data_url("image/png", content)
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(content)) as picture:
        picture.save(buffer, "JPEG", quality=90, subsampling=0)
    return data_url("image/jpeg", min(buffer.getvalue(), content, key=len))


def _figure(panel: Curve | Matrix) -> dict[str, Any]:
    return dict(_drawn(pickle.dumps(panel)))


@lru_cache(maxsize=64)  # a page is written again and again, most of its figures as they were
def _drawn(pickled: bytes) -> dict[str, Any]:
    panel: Curve | Matrix = pickle.loads(pickled)
    figure = figures.draw(panel)
    note = panel.note
    if isinstance(panel, Matrix):
        finite = [value for row in panel.values for value in row if math.isfinite(value)]
        strongest = max(finite, key=abs, default=0.0)
        note = f"{note} Full colour at {strongest:.4g}.".lstrip()
    return {
        "kind": "figure",
        "title": panel.title,
        "note": note,
        "broad": figure.get_size_inches()[0] * figures.POINTS_AN_INCH > BROAD,
        "svg": Markup(figures.to_svg(figure, _described(panel))),  # matplotlib escapes the texts in it
        "links": links(panel.title, *tables.numbers(panel), kinds="csv"),
    }


def _described(panel: Curve | Matrix) -> str:
    """The figure in words, for those who cannot see it."""
    if isinstance(panel, Matrix):
        return f"{panel.title}: {len(panel.rows)} rows, {len(panel.columns)} columns"
    ends = [(name, [y for y in line if y is not None]) for name, line in panel.lines.items()]
    told = [f"{name} from {tables.shown(line[0])} to {tables.shown(line[-1])}" for name, line in ends if line]
    told += [f"{name} at {tables.shown(value)}" for name, value in panel.levels.items()]
    return f"{panel.title} over {panel.x_label}: {', '.join(told) or 'no points yet'}"


def _blank(cell: tables.Cell) -> bool:
    return cell is None or isinstance(cell, str) and not cell.strip()
