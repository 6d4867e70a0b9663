"""Plain values against annotations."""

import types
from collections.abc import Sequence
from typing import Any, Literal, Union, get_args, get_origin

WORDS = {
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "text",
    list: "a list",
    tuple: "a list",
    Sequence: "a list",
    dict: "a group of keys",
    type(None): "null",
}
UNKNOWN: Any = object()  # a value that could not be found; the reason is told elsewhere
FOUND = {int: "a number", float: "a number", type(None): "nothing"}


def mistyped(value: Any, annotation: Any) -> str | None:
    """What is wrong with a plain value under an annotation; None where it fits or nothing is known."""
    if value is UNKNOWN or (isinstance(value, dict) and "_target_" in value):
        return None
    expected, choices, foreign = [], [], False
    for option in (
        get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    ):
        kind = get_origin(option) or option
        if kind is Literal:
            choices += map(str, get_args(option))
            if value in get_args(option):
                return None
        elif kind not in WORDS:
            foreign = True  # a class of its own, as a Tensor for a learning rate: text can never be one
        elif _is(value, kind):
            inner = get_args(option)
            return _mistyped_inside(value, inner[0]) if isinstance(value, list) and inner else None
        else:
            expected.append(WORDS[kind])
    if choices:
        expected.insert(0, "one of " + ", ".join(dict.fromkeys(choices)))
    if foreign and not (expected and isinstance(value, str)):
        return None
    found = FOUND.get(type(value)) or WORDS.get(type(value), type(value).__name__)
    quotes = (
        ". Put it in quotes" if expected == [WORDS[str]] and isinstance(value, bool | int | float) else ""
    )
    return f"expected {' or '.join(expected)}, found {found}{quotes}"


def _is(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, list if kind in (tuple, Sequence) else kind)


def _mistyped_inside(values: list, annotation: Any) -> str | None:
    for place, value in enumerate(values, 1):
        fault = mistyped(value, annotation)
        if fault:
            return fault.replace(", found", f" at place {place}, found")
    return None
