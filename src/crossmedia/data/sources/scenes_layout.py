"""What is where in a scene: every draw a hash of (seed, split, index, number), many scenes at once.

B scenes, N = MOST objects, K attempts at placing them.
"""

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np

from crossmedia.images.scenes import COLOURS, RADII, SHADES, SHAPES, UNIT, Layout
from crossmedia.text.grammar import Meaning, Thing, relate

MOST = 3  # objects of one scene
BORDER = 8  # from an object to the picture's border, in 1/UNIT: a whole pixel at 32 px
GAP = 6  # from one object to another
CLEAR = (3, 2)  # along a relation's axis two objects are at least 3/2 as far apart as across it

# All kinds of objects: shape, colour, size. One colour of each shape is held out from train, val and test, so
# that each shape and each colour misses one partner of eight.
KINDS = np.array(list(product(range(len(SHAPES)), range(len(COLOURS)), range(len(RADII)))))
HELD_OUT = (KINDS[:, 0] + 3) % len(COLOURS) == KINDS[:, 1]
_ORDER = np.argsort(~HELD_OUT, kind="stable")  # the held-out kinds first
_COMMON = _ORDER[HELD_OUT.sum() :]
_THINGS = {(s, c, z): Thing(tuple(RADII)[z], tuple(COLOURS)[c], SHAPES[s]) for s, c, z in KINDS.tolist()}

# A hash of a scene puts it into one of four shares, and each split has its own: no scene is in two splits.
# What is in test_composition has a held-out kind, and so is in no other split anyway.
SHARES = {"train": (0, 1), "val": (2,), "test": (3,), "test_composition": (0, 1, 2, 3)}
_LARGE = max(RADII.values())  # places are drawn as if every object were large: they tell nothing of it
_EDGE = _LARGE + BORDER
_SPAN = UNIT - 2 * _EDGE + 1
_BITS = 21  # of a draw for each of three places
_COUNT, _SHADE, _WORDS, _KIND, _PLACE = 0, 1, 2, 3, 6  # numbers of the draws; from _PLACE on, attempts
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def layouts(
    seed: int, split: str, indices: Sequence[int], min_objects: int, max_objects: int, held_out: bool = True
) -> tuple[Layout, list[int]]:
    """The scenes at these indices, and for each a random number of 64 bits that picks its words.

    Without `held_out` the objects are of all kinds in every split.
    """
    start = np.array([seed, list(SHARES).index(split)], np.uint64)
    key = mix(start[:1] + mix(start[1:]))  # (1,)
    keys = mix(key + np.array(indices, np.uint64))  # (B,)
    draws = draw_numbers(keys, np.arange(_PLACE))  # (B, _PLACE)
    counts = _within(draws[:, _COUNT], min_objects, max_objects)
    pool = _COMMON if held_out and split != "test_composition" else _ORDER
    kinds = _kinds(draws[:, _KIND : _KIND + MOST], pool, split == "test_composition")  # (B, N)
    places = _places(keys, counts, kinds, SHARES[split])
    shapes, colours, sizes = np.moveaxis(KINDS[kinds], -1, 0)
    layout = Layout(counts, shapes, colours, sizes, places, _within(draws[:, _SHADE], *SHADES))
    return layout, draws[:, _WORDS].tolist()


def meaning(layout: Layout, row: int) -> Meaning:
    """What one of the scenes means: its objects and the relation of each two."""
    parts = (layout.shapes[row], layout.colours[row], layout.sizes[row])
    kinds = list(zip(*(part.tolist() for part in parts), strict=True))
    things = [_THINGS[kind] for kind in kinds[: layout.counts[row]]]
    places = layout.places[row].tolist()
    relations = []
    for first, second in combinations(range(len(things)), 2):
        (x, y), (x2, y2) = places[first], places[second]
        across = abs(x2 - x) > abs(y2 - y)
        side = ("left" if x < x2 else "right") if across else ("above" if y < y2 else "below")
        relations.append(relate(things[first], side, things[second]))
    return Meaning(tuple(sorted(things)), frozenset(relations))


def mix(values: np.ndarray) -> np.ndarray:
    """SplitMix64 (Steele et al., 2014): its next output after each state, uint64 to uint64, one to one."""
    values = values + _GOLDEN
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)


def draw_numbers(keys: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The draws of these numbers under each key, (B, len(numbers)) uint64."""
    return mix(keys[:, None] + _GOLDEN * numbers.astype(np.uint64))


def _within(draws: np.ndarray, low: int, high: int) -> np.ndarray:
    return low + (draws % np.uint64(high - low + 1)).astype(np.int64)


def _kinds(draws: np.ndarray, pool: np.ndarray, composition: bool) -> np.ndarray:
    """Kinds of objects, (B, N), all different in a scene; where `composition`, the first is held out."""
    taken: list[np.ndarray] = []
    for slot in range(MOST):
        choices = int(HELD_OUT.sum()) if composition and slot == 0 else len(pool) - slot
        pick = _within(draws[:, slot], 0, choices - 1)  # counts what is not taken
        for other in np.sort(taken, axis=0):
            pick += pick >= other
        taken.append(pick)
    return pool[np.stack(taken, 1)]


def _places(keys: np.ndarray, counts: np.ndarray, kinds: np.ndarray, shares: Sequence[int]) -> np.ndarray:
    """The first attempt of each scene that keeps the distances and that its split may have, (B, N, 2)."""
    places = np.zeros((len(keys), MOST, 2), np.int64)
    todo, start, tries = np.arange(len(keys)), _PLACE, 16
    while len(todo):
        draws = draw_numbers(keys[todo], start + np.arange(tries)).reshape(-1, 1)  # (B * K, 1)
        spots = draws >> np.arange(0, MOST * _BITS, _BITS, dtype=np.uint64)  # (B * K, N)
        spots = (spots & np.uint64(2**_BITS - 1)).astype(np.int32) % _SPAN**2
        xy = _EDGE + np.stack((spots % _SPAN, spots // _SPAN), -1)  # (B * K, N, 2)
        scenes = np.repeat(todo, tries)  # (B * K,)
        for pair in combinations(range(counts[todo].max()), 2):
            fit = _apart(xy[:, pair]) | (counts[scenes] <= pair[1])
            scenes, xy = scenes[fit], xy[fit]
        fit = np.isin(share(xy, kinds[scenes], counts[scenes]), shares)
        found, first = np.unique(scenes[fit], return_index=True)
        places[found] = xy[fit][first]
        todo, start, tries = np.setdiff1d(todo, found), start + tries, min(2 * tries, 256)
    return places


def _apart(xy: np.ndarray) -> np.ndarray:
    """Whether two objects (B, 2, 2) leave a gap along an axis that is clearly the longer one."""
    away = np.abs(xy[:, 0] - xy[:, 1])
    along, across = away.max(-1), away.min(-1)
    return (along >= 2 * _LARGE + GAP) & (CLEAR[1] * along >= CLEAR[0] * across)


def share(places: np.ndarray, kinds: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Which of four shares each scene is in, (B,): a hash of what is where, whatever the objects' order."""
    codes = (kinds * UNIT + places[..., 0]) * UNIT + places[..., 1]  # (B, N)
    hashes = np.where(np.arange(MOST) < counts[:, None], mix(codes.astype(np.uint64)), np.uint64(0))
    return mix(hashes.sum(1)) >> np.uint64(62)
