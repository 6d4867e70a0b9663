"""An English text as it is read aloud: abbreviations, units, signs and numbers written as words."""

import re
import unicodedata
from collections.abc import Callable, Iterable

from crossmedia.text.numbers import CURRENCIES, fraction, numbers_as_words

_DOTTED = {
    "prof": "professor", "rev": "reverend", "gen": "general", "col": "colonel", "capt": "captain",
    "lt": "lieutenant", "sgt": "sergeant", "maj": "major", "gov": "governor", "sen": "senator",
    "hon": "honourable", "jr": "junior", "sr": "senior", "co": "company", "ltd": "limited",
    "inc": "incorporated", "corp": "corporation", "bros": "brothers", "mt": "mount", "ave": "avenue",
    "blvd": "boulevard", "rd": "road", "dept": "department", "approx": "approximately",
    "e.g": "for example", "i.e": "that is",
}  # fmt: skip
_DOT_OR_NONE = {
    "mr": "mister", "mrs": "missus", "ms": "miz", "dr": "doctor", "vs": "versus", "etc": "et cetera"
}  # fmt: skip
_BEFORE_NUMBERS = {
    "no": "number", "nos": "numbers", "p": "page", "pp": "pages", "vol": "volume", "fig": "figure",
    "ch": "chapter", "jan": "january", "feb": "february", "mar": "march", "apr": "april", "jun": "june",
    "jul": "july", "aug": "august", "sep": "september", "sept": "september", "oct": "october",
    "nov": "november", "dec": "december",
}  # fmt: skip
_BEFORE_NAMES = {"st": "saint", "dr": "doctor"}
_AFTER_NAMES = {"st": "street", "dr": "drive"}
_PLURAL = re.compile(r"(?= per | celsius| fahrenheit|$)")  # where a unit's name takes its s
_UNITS = {
    "mm": "millimetre", "cm": "centimetre", "km": "kilometre", "mg": "milligram", "kg": "kilogram",
    "ml": "millilitre", "lb": "pound", "lbs": "pound", "oz": "ounce", "ft": "foot", "ms": "millisecond",
    "sec": "second", "min": "minute", "hr": "hour", "hrs": "hour", "hz": "hertz", "khz": "kilohertz",
    "mhz": "megahertz", "ghz": "gigahertz", "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte",
    "tb": "terabyte", "kw": "kilowatt", "kwh": "kilowatt hour", "db": "decibel", "km/h": "kilometre per hour",
    "kmh": "kilometre per hour", "mph": "mile per hour", "°c": "degree celsius", "°f": "degree fahrenheit",
    "°": "degree",
}  # fmt: skip
_POWERS = {"k": "thousand", "m": "million", "bn": "billion"}
_POWERS |= {name: name for name in ("hundred", "thousand", "million", "billion", "trillion")}
_SIGNS = {
    "&": "and", "+": "plus", "=": "equals", "@": "at", "%": "percent", "×": "times", "÷": "divided by",
    "±": "plus or minus", "°": "degrees", "#": "hash",
}  # fmt: skip
_IN_NUMBERS = {"/": "slash"} | {sign: one for sign, (one, _) in CURRENCIES.items()}
_LETTER = r"[^\W\d_]"
_FRACTION = "[¼-¾⅐-⅞]"
_SIGNED = re.compile(rf"[0-9]|{_FRACTION}|[^\w\s.,!?;:'-]")
_APART = r"(?<![\w'.-])"


def read_aloud(text: str) -> str:
    """A normalised text with words for its abbreviations, units, signs and numbers.

    Raises ValueError that names a number of a form that has no reading.
    """
    if _SIGNED.search(text):
        for pattern, words in _BESIDE_NUMBERS:
            text = pattern.sub(words, text)
        text = numbers_as_words(text)
    for pattern, words in _ELSEWHERE:
        text = pattern.sub(words, text)
    return text


def _dialled(number: re.Match[str]) -> str:
    return " ".join(re.findall("[0-9+]", number[0]))


def _with_whole(match: re.Match[str]) -> str:
    """1 1/2 -> 1 and 1/2, where that is a fraction."""
    whole, above, below = match.groups()
    return f"{whole} and {above}/{below}" if fraction(above, below) else match[0]


def _money(match: re.Match[str]) -> str:
    """$1.5 million -> 1.5 million dollars."""
    sign, number, power = match.groups()
    return f"{number} {_POWERS[power]} {CURRENCIES[sign][1]}"


def _length(mark: re.Match[str]) -> str:
    """Feet and inches, where the mark closes no quotation."""
    opened = re.search(rf"(?:^|[ (]){mark[1]}\S", mark.string[: mark.start()])
    return mark[0] if opened else {"'": " ft", '"': " inches"}[mark[1]]


def _unit(match: re.Match[str]) -> str:
    one, unit = match.groups()
    name = _UNITS[unit]
    if not one and not name.endswith("hertz"):
        name = "feet" if name == "foot" else _PLURAL.sub("s", name, count=1)
    return f"{one or ''} {name}"


def _named(names: dict[str, str]) -> Callable[[re.Match[str]], str]:
    """The name of an abbreviation; its dot stays where it also ends the text."""
    return lambda match: names[match[1]] + _end(match)


def _letters(match: re.Match[str]) -> str:
    return " ".join(match[0].replace(".", " ").split()) + _end(match)


def _end(match: re.Match[str]) -> str:
    return "." * (match[0].endswith(".") and match.end() == len(match.string))


def _sign(match: re.Match[str]) -> str:
    return f" {(_SIGNS | _IN_NUMBERS)[match[0]]} "


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


_Rules = list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]

_BESIDE_NUMBERS: _Rules = [
    (re.compile(pattern), words)
    for pattern, words in [
        (_FRACTION, lambda sign: " " + unicodedata.normalize("NFKC", sign[0]).replace("\u2044", "/")),
        (r"\+(?=(?:[ -]?[0-9]){7})[0-9]+(?:[ -][0-9]+)*", _dialled),
        (r"\([0-9]{2,5}\)[ -]?[0-9]{3,}(?:[ -][0-9]{2,})*", _dialled),
        (r"(?<![\w.,:/-])0[1-9][0-9]{1,3}(?: [0-9]{3,})+(?![\w.,:/-])", _dialled),
        (r"(?<![\w.,:/-])([0-9]+)[ -]([0-9]{1,2})/([0-9]{1,2})(?![\w/])", _with_whole),
        (rf"([{''.join(CURRENCIES)}])([0-9][0-9.,-]*) ?({_any_of(_POWERS)})(?!\w)", _money),
        (r"(?<=[0-9])' ?(?=[0-9]{1,2}\")", " ft "),
        (r"(?<=[0-9])(['\"])(?!\w)", _length),
        (rf"(?:(?<![\w.,:/-])(1)|(?<=[0-9])) ?({_any_of(_UNITS)})(?!\w)", _unit),
        (r"(?<=[0-9]) ?([ap])(?:m(?!\w)|\.m\.?)", r" \1 m"),
        (
            rf"{_APART}({_any_of(_BEFORE_NUMBERS)})\. ?(?=[0-9])",
            lambda short: f"{_BEFORE_NUMBERS[short[1]]} ",
        ),
        ("%-(?=[0-9])", "% to "),
        ("# ?(?=[0-9])", "number "),
        (r"(?<!\S)#(?![^\s.,!?;:])", "pound"),  # two keys of a telephone
        (r"(?<!\S)\*(?![^\s.,!?;:])", "star"),
        (f"[{''.join(_SIGNS)}]", _sign),
    ]
]
_ELSEWHERE: _Rules = [
    (re.compile(pattern), words)
    for pattern, words in [
        (f"[{''.join(_IN_NUMBERS)}]", _sign),
        (rf"{_APART}({_any_of(_BEFORE_NAMES)})\.(?= {_LETTER})", _named(_BEFORE_NAMES)),
        (rf"{_APART}({_any_of(_AFTER_NAMES)})\.(?!\w)", _named(_AFTER_NAMES)),
        (rf"{_APART}({_any_of(_DOTTED)})\.(?!\w)", _named(_DOTTED)),
        (rf"{_APART}({_any_of(_DOT_OR_NONE)})(?:\.(?!\w)|(?![\w'.-]))", _named(_DOT_OR_NONE)),
        (rf"(?<![\w'.]){_LETTER}(?:\.{_LETTER})+(?!\.?\w)\.?", _letters),
    ]
]
