"""Puts together the texts of overlapping stretches of one sound."""

from collections.abc import Sequence

import numpy as np

from crossmedia.text.normalise import pieces, unspaced

MOST = 60  # words of an overlap, or characters: four seconds of fast speech hold no more


def joined(texts: Sequence[str]) -> str:
    """Texts of which each ends with words that the next begins with, as one.

    The last words of one are aligned with the first of the next: 1 for each pair that agrees, -1 for each
    that does not and for a word without a partner. Where the best overlap is above 0 they are joined at the
    middle one of its equal pairs; else they follow one another. A word that a stretch's end cuts agrees with
    the whole one. Each character of a script without blanks between words is a word.
    """
    whole: list[str] = []
    for text in texts:
        coming = pieces(text)  # each with the blank before it
        start = max(0, len(whole) - MOST)
        pairs = _overlap([word.lstrip() for word in whole[start:]], [word.lstrip() for word in coming[:MOST]])
        if pairs:
            mine, theirs = pairs[len(pairs) // 2]
            kept, other = whole[start + mine], coming[theirs].lstrip()
            if len(other) > len(kept.lstrip()):  # the word that is kept was cut
                kept = " " * kept.startswith(" ") + other
            whole = [*whole[: start + mine], kept, *coming[theirs + 1 :]]
        else:
            whole = _followed(whole, coming)
    return "".join(whole)


def in_a_row(texts: Sequence[str]) -> str:
    """Texts one after the other, a blank between two of them but inside a script that has none."""
    whole: list[str] = []
    for text in texts:
        whole = _followed(whole, pieces(text))
    return "".join(whole)


def _followed(whole: list[str], coming: list[str]) -> list[str]:
    if not (whole and coming):
        return whole + coming
    apart = unspaced(f"{whole[-1]} {coming[0]}").endswith(f" {coming[0]}")
    return [*whole, " " * apart + coming[0], *coming[1:]]


def _overlap(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The places of the words that agree, where an end of `old` is a start of `new`; equal ones alone where
    there are any.
    """
    rows, columns = len(old), len(new)
    best = np.zeros((rows + 1, columns + 1), int)  # old may begin anywhere, new only at its start
    best[0] = -np.arange(columns + 1)
    for row in range(1, rows + 1):
        for column in range(1, columns + 1):
            agree = 1 if _agree(old, row - 1, new, column - 1) else -1
            best[row, column] = max(
                best[row - 1, column - 1] + agree, best[row - 1, column] - 1, best[row, column - 1] - 1
            )
    row, column = rows, int(best[rows].argmax())  # all of old is heard, new goes on
    if best[row, column] <= 0:
        return []
    found = []
    while row and column:
        agree = _agree(old, row - 1, new, column - 1)
        if best[row, column] == best[row - 1, column - 1] + (1 if agree else -1):
            row, column = row - 1, column - 1
            if agree:
                found.append((row, column))
        elif best[row, column] == best[row - 1, column] - 1:
            row -= 1
        else:
            column -= 1
    found.reverse()
    return [(row, column) for row, column in found if old[row] == new[column]] or found


def _agree(old: Sequence[str], row: int, new: Sequence[str], column: int) -> bool:
    one, other = old[row], new[column]
    cut = (row == len(old) - 1 and other.startswith(one)) or (column == 0 and one.endswith(other))
    return one == other or cut
