"""What a caption list says, line by line, before its pictures are looked for."""

import json
import re
from typing import Any, NamedTuple

from crossmedia.text.normalise import normalise

MAX_CHARS = 10_000  # the longest caption of Flickr and COCO has about 500; more is a broken file
_BREAK = re.compile(r"[ ]*[\t\n\v\f\r\x85\u2028\u2029]+[ ]*")
_HALF = re.compile(r"[\ud800-\udfff]")


class Row(NamedTuple):
    """One caption of one picture."""

    where: str  # file and line, or file and id
    picture: str  # its path as the list has it
    caption: Any  # text, where the list is right
    split: str | None  # None: the list keeps the picture out of all splits


class Listing(NamedTuple):
    rows: list[Row]
    faults: list[str]
    notes: list[str]


def caption_fault(caption: Any, kind: str = "caption") -> str | None:
    """Why this cannot be a caption, or a text of another `kind`; None where it can."""
    if caption is None:
        return f"the {kind} is null, text expected"
    if not isinstance(caption, str):
        return f"the {kind} is {json.dumps(caption)[:40]}, text expected"
    if len(caption) > MAX_CHARS:
        return f"a {kind} of {len(caption)} characters, at most {MAX_CHARS}"
    if not normalise(caption):  # blanks, or what is never seen, as a soft hyphen
        return f"empty {kind}"
    if "\0" in caption:
        return f"the {kind} holds a NUL character"
    if _HALF.search(caption):
        return f"the {kind} holds half a character (a lone surrogate)"
    return None


def one_line(caption: str) -> str:
    """The caption as written, each line break or tab a blank, nothing around it."""
    return _BREAK.sub(" ", caption).strip()
