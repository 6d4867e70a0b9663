"""Rows as CSV, Markdown and LaTeX whose columns stay in place whatever text a cell holds."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from crossmedia.report.panels import Curve, Matrix, Table

Cell = str | int | float | None
Value = TypeVar("Value")
Rows = Sequence[Sequence[Cell]]

EMPTY = "(empty)"  # an output without text
MISSING = "–"
WIDE = 10_000  # cells; a larger matrix is listed without its zeros
# As papers write them.
PAPERS = "BLEU CER CIDEr CIDEr-D ELBO FID IS KID KL LPIPS MCD MSE NLL PESQ PSNR ROUGE-L SSIM STFT STOI WER"
NAMES = {"lr": "learning rate", **{name.lower().replace("-", "_"): name for name in PAPERS.split()}}
NAMES |= {"bits_per_dim": "bits/dim", "bits_per_dim_iw": "bits/dim, importance-weighted"}
NAMES |= {"f0_error": "F0 error, cents"}
# Scores of pictures by the features of some net, whose name is the rest; those of classes have means instead.
QUALITY = re.compile(
    r"(fid|kid|inception_score|precision|recall|density|coverage|sure|as_told)_(?!macro|micro|weighted)(\w+)"
)
REFERENCES = {
    "chance": "chance",
    "floor": "real data",
    "paraphrase": "a person's paraphrase",
}  # end of a score's name -> its column
MARKDOWN = re.compile(r"[\\`*\[\]|$~]|(?<![^\W_])_|_(?![^\W_])")  # inside a word _ is plain
LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",  # babel gives the plain one a meaning of its own
    "`": r"\char96{}",
    "[": "{[}",  # after \\ these two belong to the line end
    "*": "{*}",
    **{mark: f"\\{mark}" for mark in "{}$&#_%"},
}


def to_csv(columns: Sequence[str], rows: Rows) -> str:
    """Every value as it is, numbers with all their digits."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()


def to_markdown(columns: Sequence[str], rows: Rows) -> str:
    """A table in GitHub's Markdown; a line end in a cell becomes `<br>`."""
    numeric = numeric_columns(columns, rows)
    lines = [[markdown_text(name) for name in columns], ["--:" if number else "---" for number in numeric]]
    lines += [[markdown_text(cell) for cell in row] for row in shown_rows(rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown_text(text: str) -> str:
    """Text that Markdown shows literally, on one line."""
    text = MARKDOWN.sub(r"\\\g<0>", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    return _one_line(text, "<br>")


def to_latex(columns: Sequence[str], rows: Rows) -> str:
    """A `tabular` that needs no package; a line end in a cell becomes a space."""
    numeric = numeric_columns(columns, rows)
    lines = [" & ".join(map(latex_text, row)) + r" \\" for row in [columns, *shown_rows(rows)]]
    layout = "".join("r" if number else "l" for number in numeric)
    body = "\n".join([r"\hline", lines[0], r"\hline", *lines[1:], r"\hline"])
    return f"\\begin{{tabular}}{{{layout}}}\n{body}\n\\end{{tabular}}\n"


def latex_text(text: str) -> str:
    """Text that LaTeX sets literally, on one line."""
    text = "".join(LATEX.get(mark, mark) for mark in _one_line(text, " "))
    return re.sub(r"-(?=-)", "-{}", text)  # two in a row would become a dash


def numeric_columns(columns: Sequence[str], rows: Rows) -> list[bool]:
    """Which columns hold numbers or nothing; the others are text."""
    return [not any(isinstance(row[column], str) for row in rows) for column in range(len(columns))]


def shown_rows(rows: Rows) -> list[list[str]]:
    """The cells as a reader sees them."""
    return [[shown(cell) for cell in row] for row in rows]


def shown(cell: Cell) -> str:
    """One cell as a reader sees it: a number rounded, an empty text and a missing value marked."""
    if cell is None:
        return MISSING
    if isinstance(cell, str):
        return cell if cell.strip() else EMPTY
    if isinstance(cell, int) or not math.isfinite(cell):
        return str(cell)
    if cell == 0 or 1e-3 <= abs(cell) < 1e3:
        return f"{cell:.3f}"
    return f"{cell:.4g}"


def metric_name(key: str) -> str:
    """A metric's key as papers write it: `bleu4` is BLEU-4, `rouge_l` ROUGE-L, `top_five` top five.

    Of what pictures are scored by, the net is told: `fid_scenes` is FID (scenes features).
    """
    numbered = re.fullmatch(r"bleu_?(\d)", key)
    if numbered:
        return f"BLEU-{numbered[1]}"
    if quality := QUALITY.fullmatch(key):
        return f"{metric_name(quality[1])} ({quality[2].replace('_', ' ')} features)"
    if key.startswith("attributes_"):
        return f"attributes ({key.partition('_')[2].replace('_', ' ')})"
    return NAMES.get(key) or " ".join(NAMES.get(word, word) for word in key.split("_"))


def split_key(key: str) -> tuple[str, str, str]:
    """Split, metric, and the reference that the score belongs to ("" for the model's own).

    `test/bleu4_chance` is the score of chance on BLEU-4, `val/fid_scenes_floor` that of other real data.
    """
    split, _, metric = key.partition("/")
    base, _, end = metric.rpartition("_")
    return (split, base, REFERENCES[end]) if end in REFERENCES else (split, metric, "")


def without_repeats(scores: Mapping[str, Value]) -> dict[str, Value]:
    """The scores without the references of other splits than test: they say the same again."""
    return {key: v for key, v in scores.items() if not split_key(key)[2] or split_key(key)[0] == "test"}


def scores_table(scores: Mapping[str, float | None]) -> Table:
    """Scores under `<split>/<metric>`: a row a metric, a column a split, references after them."""
    cells: dict[str, dict[tuple[str, str], float | None]] = {}
    for key, value in scores.items():
        split, metric, reference = split_key(key)
        cells.setdefault(metric, {})[split, reference] = value
    columns = list(dict.fromkeys(column for row in cells.values() for column in row))
    columns.sort(key=lambda column: (column[1] != "", split_order(column[0]), column[1]))
    names = [_column_name(split, reference) for split, reference in columns]
    metrics = sorted(cells, key=lambda metric: (metric == "samples", metric.endswith("loss")))
    rows: list[list[Cell]] = [
        [metric_name(m), *(cells[m].get(column) for column in columns)] for m in metrics
    ]
    return Table("scores", ["metric", *names], rows)


def _column_name(split: str, reference: str) -> str:
    if not reference:
        return split
    return reference if split == "test" else f"{reference}, {split}"


def split_order(split: str) -> int:
    """Test first, its relatives next, validation after them, then whatever stands for comparison."""
    return 0 if split == "test" else 1 if split.startswith("test") else 2 if split in ("val", "train") else 3


def numbers(panel: Curve | Matrix | Table) -> tuple[list[str], list[list[Cell]]]:
    """The columns and rows behind a figure; of a large matrix only what is not zero, a row a cell."""
    if isinstance(panel, Table):
        return panel.columns, panel.rows
    if isinstance(panel, Curve):
        lines, levels = list(panel.lines.values()), list(panel.levels.values())
        return [panel.x_label, *panel.lines, *panel.levels], [
            [x, *(line[i] for line in lines), *levels] for i, x in enumerate(panel.x)
        ]
    across, down = panel.row_label or "row", panel.column_label or "column"
    if len(panel.rows) * len(panel.columns) > WIDE:
        cells: list[list[Cell]] = [
            [row, column, value]
            for row, values in zip(panel.rows, panel.values, strict=True)
            for column, value in zip(panel.columns, values, strict=True)
            if value
        ]
        return [across, down, "value"], cells
    return [f"{across} / {down}", *panel.columns], [
        [row, *values] for row, values in zip(panel.rows, panel.values, strict=True)
    ]


def _one_line(text: str, line_end: str) -> str:
    text = re.sub(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", " ", text)
    return re.sub(r"\r\n|[\n\r\x85\u2028\u2029]", line_end, text)
