"""The language of the embedded world: five captions of what a scene means, and the way back."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import permutations, product
from string import Formatter
from typing import NamedTuple, TypeVar

OFTEN = 11  # the first word of each line is said eleven times in twelve, the others share the rest
SIZE_WORDS = {
    "small": ("small", "little", "tiny"),
    "medium": ("medium", "medium-sized", "mid-sized"),
    "large": ("large", "big", "huge"),
}
COLOUR_WORDS = {
    "red": ("red", "scarlet"),
    "orange": ("orange",),
    "yellow": ("yellow",),
    "green": ("green",),
    "cyan": ("cyan", "turquoise"),
    "blue": ("blue",),
    "purple": ("purple", "violet"),
    "pink": ("pink",),
}
SHAPE_WORDS = {
    "circle": ("circle", "disc"),
    "square": ("square", "box"),
    "triangle": ("triangle",),
    "diamond": ("diamond", "rhombus"),
    "star": ("star",),
    "cross": ("cross", "plus"),
    "ring": ("ring", "hoop"),
    "heart": ("heart",),
}
SIDE_WORDS = {
    "left": ("left of", "to the left of", "on the left side of"),
    "right": ("right of", "to the right of", "on the right side of"),
    "above": ("above", "over", "higher than"),
    "below": ("below", "under", "beneath", "underneath", "lower than"),
}
INVERSE = {"left": "right", "right": "left", "above": "below", "below": "above"}
CAPTIONS = 5  # as in Flickr8k and COCO

# {0} {1} {2} are objects. r: 0 lies r of 1; q: 0 and 1 both lie q of 2; p, inverse of q: 2 lies p of both.
# A caption held out scores BLEU-4 0.70 against the other four; more forms or synonyms would lower it.
FORMS = {
    1: ("{0}", "there is {0}", "the picture shows {0}"),
    2: (
        "{0} {r} {1}",
        "{0} is {r} {1}",
        "there is {0} {r} {1}",
        "{r} {1} there is {0}",
        "{1} with {0} {r} it",
        "the picture shows {0} {r} {1}",
    ),
    3: (
        "{0} {r} {1}, both {q} {2}",
        "{0} is {r} {1}, and both are {q} {2}",
        "{q} {2}, {0} is {r} {1}",
        "{0} {r} {1}, with {2} {p} both of them",
        "{2}, and {q} it {0} {r} {1}",
    ),
}

T = TypeVar("T")


class Thing(NamedTuple):
    """An object as words tell it."""

    size: str
    colour: str
    shape: str


class Relation(NamedTuple):
    """`first` lies `side` of `second`; canonical with side "left" or "above"."""

    first: Thing
    side: str
    second: Thing


class Meaning(NamedTuple):
    """All that a caption says: objects in the order of their names, and the relation of every pair."""

    things: tuple[Thing, ...]
    relations: frozenset[Relation]


def relate(first: Thing, side: str, second: Thing) -> Relation:
    """The canonical form: "b right of a" is "a left of b", "b below a" is "a above b"."""
    if side in ("left", "above"):
        return Relation(first, side, second)
    return Relation(second, INVERSE[side], first)


def paraphrases(meaning: Meaning, draw: int) -> tuple[str, ...]:
    """Five different captions of one to three different objects, picked by a random number of 64 bits."""
    sides = {(first, second): side for first, side, second in meaning.relations}
    sides |= {(second, first): INVERSE[side] for first, side, second in meaning.relations}
    # The last of three is one to which the others stand alike. There is one where each pair has a clear axis:
    # of three pairs two share an axis, and the object common to them lies outside, or all are in a row.
    orders = [
        order
        for order in permutations(meaning.things)
        if len(order) < 3 or sides[order[0], order[2]] == sides[order[1], order[2]]
    ]
    return different(lambda draw: _say(orders, sides, draw), draw)


def different(say: Callable[[int], str], draw: int) -> tuple[str, ...]:
    """Five different captions that `say` makes of random numbers, which begin at `draw`, of 64 bits."""
    first = draw % CAPTIONS
    said: dict[str, None] = {}
    while len(said) < CAPTIONS:
        draw = (6364136223846793005 * draw + 1442695040888963407) % 2**64  # MMIX (Knuth, 1999)
        said[say(draw >> 8)] = None  # the lowest bits of such a generator hardly vary
    captions = tuple(said)
    return captions[first:] + captions[:first]  # or the last ones would be the rarest


def scene_of(caption: str) -> Meaning | None:
    """What a caption says, or None where it is not in the grammar; blanks beside words are free."""
    things: list[Thing] = []
    sides: list[str] = []

    def thing(match: re.Match[str]) -> str:
        things.append(Thing(_SIZE_OF[match[1]], _COLOUR_OF[match[2]], _SHAPE_OF[match[3]]))
        return _OBJECT

    def side(match: re.Match[str]) -> str:
        sides.append(_SIDE_OF[match[0]])
        return _BETWEEN

    slots = _SLOTS.get(_SIDE.sub(side, _THING.sub(thing, spaced(caption))))
    if slots is None:
        return None
    found = dict(zip((slot for slot in slots if slot.isdigit()), things, strict=True))
    where = dict(zip((slot for slot in slots if slot.isalpha()), sides, strict=True))
    relations = [relate(found["0"], where["r"], found["1"])] if "r" in where else []
    if "2" in found:
        both = where["q"] if "q" in where else INVERSE[where["p"]]
        relations += [relate(found[slot], both, found["2"]) for slot in "01"]
    return Meaning(tuple(sorted(things)), frozenset(relations))


def spaced(caption: str) -> str:
    """The caption with one blank between its words and marks."""
    return " ".join(_TOKEN.findall(caption))


def _say(orders: list[tuple[Thing, ...]], sides: dict[tuple[Thing, Thing], str], draw: int) -> str:
    order, draw = take(orders, draw)
    form, draw = take(FORMS[len(order)], draw)
    things, words = [], {}
    for thing in order:
        phrase, draw = take(_phrases(thing), draw)
        things.append(phrase)
    if len(order) > 1:
        words["r"], draw = take(_OFTEN[sides[order[0], order[1]]], draw)
    if len(order) > 2:
        words["q"], _ = take(_OFTEN[sides[order[0], order[2]]], draw)
        words["p"], _ = take(_OFTEN[sides[order[2], order[0]]], draw)  # a form has q or p
    return form.format(*things, **words)


def take(options: Sequence[T], draw: int) -> tuple[T, int]:
    """One of the options, and what is left of the random number."""
    draw, index = divmod(draw, len(options))
    return options[index], draw


@cache
def _phrases(thing: Thing) -> tuple[str, ...]:
    """Every way to name the object, each as often as it is to be said."""
    words = product(*(_OFTEN[name] for name in thing))
    return tuple(f"a {size} {colour} {shape}" for size, colour, shape in words)


def often(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words, the first as often as it is to be said."""
    return words[:1] * max(1, OFTEN * (len(words) - 1)) + words[1:]


def _names(words: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: name for name, options in words.items() for word in options}


def any_of(words: Iterable[str]) -> str:
    """A regular expression of these words."""
    return "|".join(sorted(words, key=len, reverse=True))  # "medium-sized" before "medium"


def _skeleton(form: str) -> str:
    """The form as the parser sees a caption, with a mark for each object and side."""
    marked = re.sub(r"{[a-z]}", _BETWEEN, re.sub(r"{\d}", _OBJECT, form))
    return marked.replace(",", " ,")


_OFTEN = {
    name: often(words)
    for table in (SIZE_WORDS, COLOUR_WORDS, SHAPE_WORDS, SIDE_WORDS)
    for name, words in table.items()
}
_SIZE_OF, _COLOUR_OF, _SHAPE_OF, _SIDE_OF = map(_names, (SIZE_WORDS, COLOUR_WORDS, SHAPE_WORDS, SIDE_WORDS))
_OBJECT, _BETWEEN = "<object>", "<side>"  # no caption has them: its brackets stand apart from the word
_TOKEN = re.compile(r"[a-z]+(?:-[a-z]+)*|\S")
_THING = re.compile(rf"\ba ({any_of(_SIZE_OF)}) ({any_of(_COLOUR_OF)}) ({any_of(_SHAPE_OF)})\b")
_SIDE = re.compile(rf"\b(?:{any_of(_SIDE_OF)})\b")
_SLOTS = {
    _skeleton(form): [slot for _, slot, _, _ in Formatter().parse(form) if slot]
    for forms in FORMS.values()
    for form in forms
}
