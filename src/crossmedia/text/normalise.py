"""One way to write a text and to cut it into words, for vocabularies and for scores, in any script."""

import re
import unicodedata
from functools import lru_cache

NAME = "words-1: NFC, straight quotes, lower case, punctuation dropped"  # stands beside every score of text

_PLAIN = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"')
    | dict.fromkeys("\u2010\u2011\u2212", "-")  # hyphens, the sign of a negative number
    | dict.fromkeys("\u200b", " ")  # a line may break there: Khmer and Thai part words by it
    | dict.fromkeys("\u00ad\u2060\ufeff", None)  # never seen, never heard
)
_BLANKLESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")
_WORD = re.compile(
    r"cm*"  # scripts without blanks between words: a character with its marks
    r"|sm*"  # a symbol, as $ or %
    r"|(?<![wdm])-d[wdm]*(?:[,.]d[wdm]*)*"  # a negative number
    r"|[wdm]+(?:[-']w[wdm]*|-d[wdm]*|(?<=d)[,.]d[wdm]*)*"
)
_PIECE = re.compile(r"_*(?:cm*|[^c_]+)")
_GLUED = re.compile(r"(?<=[cm])_(?=c)|_(?=l)|(?<=r)_")


class _Kinds(dict[int, str]):
    """The kind of each character, as one letter.

    w letter, d digit, m mark, c letter of a script without blanks, s symbol; ' - , . the joints inside words
    and numbers; l, r, p punctuation beyond ASCII that leans left, right or stands alone; _ white space; a
    blank for the rest.
    """

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if char in "'-,.":
            kind = char
        elif char in "·\u05f3\u05f4":  # Catalan l·l, Hebrew marks of abbreviation
            kind = "'"
        elif char == ":":  # 10:05
            kind = "."
        elif char.isspace():
            kind = "_"
        elif (
            category[0] == "M" or char in "\u200c\u200d"
        ):  # joiners shape letters in Persian and Indic scripts
            kind = "m"
        elif category[0] == "L":
            kind = "c" if unicodedata.name(char, "").startswith(_BLANKLESS) else "w"
        elif category[0] == "N":
            kind = "d"
        elif category in ("Sc", "So") or char in "#%&+@":
            kind = "s"
        elif char.isascii() or category[0] != "P":
            kind = " "
        elif char in "¡¿" or category in ("Ps", "Pi"):
            kind = "r"
        else:
            kind = "l" if category in ("Pe", "Pf", "Po") else "p"
        self[code] = kind
        return kind


_KINDS = _Kinds()


def normalise(text: str) -> str:
    """The text in NFC and lower case, with straight quotes and single blanks; twice changes nothing."""
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).translate(_PLAIN).lower())
    return " ".join(text.split())


@lru_cache(maxsize=1 << 16)  # a set's references are cut again in every epoch and by every score
def words(text: str) -> tuple[str, ...]:
    """The words of a text for scoring, by Unicode's categories and so in any script.

    Marks stay with their letters; apostrophes and hyphens inside words and separators inside numbers stay;
    other punctuation goes, as in COCO's scorer (Chen et al., 2015). Each character of a script without blanks
    between words is a word.
    """
    text = normalise(text)
    return tuple(text[slice(*match.span())] for match in _WORD.finditer(text.translate(_KINDS)))


@lru_cache(maxsize=1 << 16)
def spelled(text: str) -> str:
    """The words of a text in a row, to be cut into characters; `words` finds the same in it.

    A blank parts two of them, but beside a script without blanks between words only where the text has one.
    """
    text = normalise(text)
    kinds = text.translate(_KINDS)
    row, before = "", None
    for match in _WORD.finditer(kinds):
        start, end = match.span()
        if before and ("_" in kinds[before.end() : start] or not _close(before[0], match[0][0])):
            row += " "
        row, before = row + text[start:end], match
    return row


def _close(kinds: str, following: str) -> bool:
    """Whether what follows a word of these kinds needs no blank before it to stay a word of its own: a mark
    would join the word before, a sign that which ends in a mark.
    """
    return following == "c" or (kinds[0] == "c" and following in ("wds-" if kinds[-1] == "c" else "wds"))


def pieces(text: str) -> list[str]:
    """A normalised text cut at its blanks, and round each character of a script without: what is joined again
    is the text.
    """
    text = " ".join(text.split())
    return [text[slice(*match.span())] for match in _PIECE.finditer(text.translate(_KINDS))]


def spaced(text: str) -> str:
    """Blanks round what rules for English leave glued: punctuation beyond ASCII, scripts without blanks."""
    kinds = text.translate(_KINDS)
    parts = []
    for char, kind, following in zip(text, kinds, (kinds + "_")[1:], strict=True):
        apart = kind in "clrp"
        parts.append((" " if apart else "") + char + (" " if apart and following != "m" else ""))
    return " ".join("".join(parts).split())


def unspaced(text: str) -> str:
    """The readable inverse of `spaced`: characters of such scripts joined, punctuation beside its word."""
    chars = list(text)
    for blank in _GLUED.finditer(text.translate(_KINDS)):
        chars[blank.start()] = ""
    return "".join(chars)
