"""Numbers of an English text as words: a token that holds digits is read whole, or named in an error."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from crossmedia.errors import SystemFault, brief

_WHOLE = r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+"
_AMOUNT = rf"(?:{_WHOLE})?\.[0-9]+|{_WHOLE}"
_COINS = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
}
CURRENCIES = {sign: names[:2] for sign, names in _COINS.items()}  # one, and many
_SIGN = f"[{''.join(_COINS)}]"
_NAMED = 36  # digits: the longest number that has a name, in decillions
_LISTED = 10  # digits: from here on a number without commas is one to dial or to type
_DIGITS = "zero one two three four five six seven eight nine".split()
_TOKEN = re.compile(r"\S*[0-9]\S*")
_POWER = re.compile(r"(?<!\w)[0-9.,]+e-[0-9]")
_RUN = re.compile(r"([^\W\d_](?:[^\W\d_]|')*)")  # letters inside a token


def numbers_as_words(text: str) -> str:
    """The text with words for its digits; none is left, and none lost.

    Raises ValueError that names the first token of a form that has no reading here, and `SystemFault` where
    `inflect` is missing.
    """
    return _TOKEN.sub(_token, text)


def _token(match: re.Match[str]) -> str:
    token = match[0]
    read = [place for place, char in enumerate(token) if char.isalnum() or char in _COINS]
    start, end = read[0], read[-1] + 1
    if not token[start].isalpha():
        start -= token[:start].endswith(".")  # .5
        start -= token[:start].endswith("-")  # -7
    core = token[start:end]
    words = _read(core) or _mixed(core) or _slashed(core)
    if words is None:
        raise ValueError(f"text: '{brief(core)}' has no reading as a number; write it in words")
    return token[:start] + words + token[end:]


def _read(core: str) -> str | None:
    for form, words in _FORMS:
        found = form.fullmatch(core)
        read = found and words(*found.groups())
        if read:
            return read
    return None


def _cardinal(number: str) -> str:
    """Of digits, with or without commas; digit by digit where leading zeros or the length ask for it."""
    digits = number.replace(",", "")
    listed = digits == number and len(digits) >= _LISTED
    if listed or len(digits) > _NAMED or (digits[0] == "0" and len(digits) > 1):
        return _spelled(digits)
    words = _inflect().number_to_words(digits, andword="")
    return words.replace(",", "").replace("-", " ")


def _spelled(digits: str) -> str:
    return " ".join(_DIGITS[int(digit)] for digit in digits if digit.isdigit())


def _plain(number: str) -> str:
    """As `_cardinal`, but by pairs where it may be a year: 1905 is "nineteen oh five"."""
    if not re.fullmatch("1[1-9]..|20[1-9].", number) or "," in number:
        return _cardinal(number)
    return f"{_cardinal(number[:2])} {_pair(number[2:], 'hundred')}"


def _pair(pair: str, none: str) -> str:
    """Two digits after others: "oh five", "ten"; `none` for 00."""
    if pair == "00":
        return none
    return f"oh {_cardinal(pair[1])}" if pair[0] == "0" else _cardinal(pair)


def _amount(number: str) -> str:
    whole, dot, decimals = number.partition(".")
    if not dot:
        return _plain(number)
    point = f"point {_spelled(decimals)}"
    return f"{_cardinal(whole)} {point}" if whole else point


def _money(sign: str, number: str) -> str:
    one, many, cent, cents = _COINS[sign]
    whole, _, decimals = number.partition(".")
    if decimals and (len(decimals) != 2 or not whole or not cent):
        return f"{_amount(number)} {many}"
    words = f"{_cardinal(whole)} {one if whole == '1' else many}"
    if not decimals:
        return words
    return f"{words} and {_cardinal(str(int(decimals)))} {cent if decimals == '01' else cents}"


def _negative(rest: str) -> str | None:
    words = _read(rest)
    return words and f"minus {words}"


def _ordinal(number: str) -> str:
    return _inflect().ordinal(_cardinal(number))


def _many(words: str) -> str:
    """The plural of a number, as in the nineties or two thirds."""
    endings = {"half": "halves", "y": "ies", "x": "xes"}
    last = next((end for end in endings if words.endswith(end)), "")
    return words.removesuffix(last) + endings.get(last, "s")


def _time(hour: str, minute: str, second: str | None) -> str | None:
    if int(hour) > 24:
        return None
    full = "o'clock" if 1 <= int(hour) <= 12 and hour[0] != "0" else "hundred"
    words = f"{_cardinal(hour)} {_pair(minute, 'zero zero' if second else full)}"
    return f"{words} {_pair(second, 'zero zero')}" if second else words


def fraction(above: str, below: str) -> str | None:
    """The words of a proper fraction up to ninety-ninths; None of another, as 24/7."""
    if "0" in (above[0], below[0]) or int(above) >= int(below):
        return None
    name = {"2": "half", "4": "quarter"}.get(below) or _ordinal(below)
    return f"{_cardinal(above)} {name if above == '1' else _many(name)}"


def _between(first: str, last: str) -> str | None:
    """A range, as 3-5, 1939-45 or $3-$5; None where the two are no numbers that rise."""
    if first.isdecimal() and last.isdecimal():
        ends = first[2:] if len(first) == 4 and len(last) == 2 else first
        rises = (len(ends), ends) < (len(last), last)
        dialled = (len(first), len(last)) == (3, 4) or "0" in (first[0], last[0])
        if dialled or not rises:
            return None
    words = [_read(first), _read(last)]
    return " to ".join(map(str, words)) if all(words) else None


def _slashed(core: str) -> str | None:
    words = [_read(part) or _mixed(part) for part in core.split("/")]
    return " slash ".join(map(str, words)) if all(words) else None


def _scientific(sign: str, number: str, below: str, power: str) -> str:
    """1e-4 is "one times ten to the minus four"."""
    words = f"{_amount(number)} times ten to the {'minus ' * bool(below)}{_cardinal(power)}"
    return f"minus {words}" if sign else words


def _mixed(core: str) -> str | None:
    """Letters and numbers in one token, each read for itself: mp3, covid-19, 20-year-old."""
    if _POWER.search(core):  # or its minus would be lost as a hyphen is
        return None
    words: list[str | None] = []
    for piece in filter(None, core.split("-")):
        whole = _read(piece)
        parts = enumerate(_RUN.split(piece))
        words += [whole] if whole else [part if at % 2 else _read(part) for at, part in parts if part]
    return " ".join(map(str, words)) if all(words) else None


_FORMS: list[tuple[re.Pattern[str], Callable[..., str | None]]] = [
    (re.compile(form), words)
    for form, words in [
        (f"({_AMOUNT})", _amount),
        (f"-({_SIGN}?(?:{_AMOUNT}){_SIGN}?)", _negative),
        (f"(-?)({_AMOUNT})e(-?)0*([0-9]+)", _scientific),
        (f"({_SIGN})({_AMOUNT})", _money),
        (f"({_AMOUNT})({_SIGN})", lambda number, sign: _money(sign, number)),
        (f"({_WHOLE})(?:st|nd|rd|th)", _ordinal),
        (r"([0-9]+)'?s", lambda number: _many(_plain(number))),
        (r"([0-9]{1,2}):([0-5][0-9])(?::([0-5][0-9]))?", _time),
        (f"({_AMOUNT}):({_AMOUNT})", lambda one, other: f"{_amount(one)} to {_amount(other)}"),
        (r"([0-9]{1,2})/([0-9]{1,2})", fraction),
        (r"([^-]+)-([^-]+)", _between),
        (r"([0-9]+(?:-[0-9]+)+)", _spelled),  # to dial
        (r"([0-9]+(?:\.[0-9]+){2,})", lambda parts: " point ".join(map(_cardinal, parts.split(".")))),
    ]
]


@cache
def _inflect() -> Any:
    try:
        import inflect
    except ImportError:
        raise SystemFault('numbers as words need inflect: pip install "crossmedia[speech]"') from None
    return inflect.engine()
