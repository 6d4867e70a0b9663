"""Reads the tables of data sets line by line, so that no lone quote swallows the lines after it."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from crossmedia.data.sources.files import quoted
from crossmedia.data.sources.text_files import lines_of
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, path_text

Rows = list[tuple[str, dict[str, str]]]  # file and line, and its cells by column
_LONE = "unexpected end of data"  # what Python's reader says of a quote that nobody closed


def csv_rows(path: Path, columns: Sequence[str], faults: list[str]) -> Rows:
    """The lines of a CSV with a header that has at least `columns`; a record is one line.

    A wrong line becomes a fault.
    """
    return _rows(path, columns, faults, _csv)


def tsv_rows(path: Path, columns: Sequence[str], faults: list[str]) -> Rows:
    """The same of a table whose cells tabs part; quotes are plain characters in it."""
    return _rows(path, columns, faults, lambda line: line.split("\t"))


def _rows(path: Path, columns: Sequence[str], faults: list[str], cut: Callable[[str], list[str]]) -> Rows:
    lines = lines_of(path, faults)
    file = path_text(path)
    number, first = lines[0] if lines else (1, "")
    header, _ = _cells(first, cut)
    lacking = [name for name in columns if name not in header]
    if lacking:
        raise DataError(f"{file}:{number}: no column {lacking[0]} in the header {quoted(first)}. Mend it")
    rows = []
    for number, line in lines[1:]:
        cells, fault = _cells(line, cut)
        if not fault and len(cells) != len(header):
            fault = f"{len(cells)} columns, {len(header)} expected"
        if fault:
            faults.append(f"{file}:{number}: {quoted(line)}: {fault}. Mend the line{SKIP}")
        else:
            rows.append((f"{file}:{number}", dict(zip(header, cells, strict=True))))
    return rows


def _cells(line: str, cut: Callable[[str], list[str]]) -> tuple[list[str], str]:
    """The cells of a line, and what is wrong with it."""
    try:
        return cut(line), ""
    except csv.Error as error:
        return [], "a quote without its partner" if str(error) == _LONE else str(error)


def _csv(line: str) -> list[str]:
    most = csv.field_size_limit()  # characters of a cell; no line of these sets has as many
    if len(line) > most:
        raise csv.Error(f"a line of {len(line)} characters, at most {most}")
    return next(csv.reader([line], strict=True))
