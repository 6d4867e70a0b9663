"""Puts together the texts of overlapping stretches of one sound."""

from collections.abc import Sequence
from difflib import SequenceMatcher


def joined(texts: Sequence[str], most: int = 20) -> str:
    """Texts of which each ends with words that the next begins with, as one.

    The longest run of words that the last `most` of one and the first `most` of the next have in common is
    where they overlap: before it stands what the first heard, behind it what the next heard. Without such a
    run they follow one another.
    """
    whole: list[str] = []
    for text in texts:
        coming = text.split()
        tail = whole[-most:]
        found = SequenceMatcher(None, tail, coming[:most], autojunk=False).find_longest_match()
        if found.size:
            whole = whole[: len(whole) - len(tail) + found.a] + coming[found.b :]
        else:
            whole += coming
    return " ".join(whole)
