import random
from collections import Counter
from itertools import combinations, product

import pytest

from crossmedia.text.grammar import (
    CAPTIONS,
    COLOUR_WORDS,
    FORMS,
    SHAPE_WORDS,
    SIDE_WORDS,
    SIZE_WORDS,
    Meaning,
    Relation,
    Thing,
    paraphrases,
    relate,
    scene_of,
)

THINGS = [Thing(*names) for names in product(SIZE_WORDS, COLOUR_WORDS, SHAPE_WORDS)]
CIRCLE, SQUARE, STAR = (
    Thing("small", "red", "circle"),
    Thing("large", "blue", "square"),
    Thing("medium", "pink", "star"),
)


def some_meaning(rng, count):
    """Different objects at random places; a relation is along the axis on which two lie further apart."""
    things = rng.sample(THINGS, count)
    places = [(rng.random(), rng.random()) for _ in things]
    relations = set()
    for first, second in combinations(range(count), 2):
        right, down = (b - a for a, b in zip(places[first], places[second], strict=True))
        side = (
            ("left" if right > 0 else "right") if abs(right) > abs(down) else "above" if down > 0 else "below"
        )
        relations.add(relate(things[first], side, things[second]))
    return Meaning(tuple(sorted(things)), frozenset(relations))


def told(count, scenes, seed=0):
    rng = random.Random(seed)
    meanings = [some_meaning(rng, count) for _ in range(scenes)]
    return [(meaning, paraphrases(meaning, rng.getrandbits(64))) for meaning in meanings]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_caption_is_read_as_what_it_was_made_from(count):
    for meaning, captions in told(count, 1000):
        assert [scene_of(caption) for caption in captions] == [meaning] * CAPTIONS


@pytest.mark.parametrize("count", [1, 2, 3])
def test_five_captions_of_a_scene_are_five_different_ones_in_lower_case(count):
    for _, captions in told(count, 500):
        assert len(set(captions)) == CAPTIONS and all(caption == caption.lower() for caption in captions)


def test_the_same_meaning_and_draw_give_the_same_captions_whatever_was_told_before():
    (meaning, captions), *_ = told(2, 1)
    draw = random.Random(0)
    some_meaning(draw, 2)
    number = draw.getrandbits(64)
    told(2, 5, seed=1)
    assert paraphrases(meaning, number) == captions
    assert paraphrases(meaning, number + 1) != captions


def test_above_turned_round_is_below():
    meaning = Meaning((SQUARE, CIRCLE), frozenset([Relation(CIRCLE, "above", SQUARE)]))
    assert scene_of("a small red circle above a large blue square") == meaning
    assert scene_of("a large blue square below a small red circle") == meaning
    assert scene_of("a large blue square above a small red circle") != meaning


@pytest.mark.parametrize(
    "caption",
    [
        "a little scarlet disc is to the left of a big blue box",
        "a huge blue square on the right side of a tiny red circle",
        "left of a large blue square there is a small red circle",
        "a large blue square with a small red circle left of it",
        "the picture shows a large blue square right of a small red circle",
    ],
)
def test_synonyms_and_word_orders_mean_the_same(caption):
    assert scene_of(caption) == Meaning((SQUARE, CIRCLE), frozenset([Relation(CIRCLE, "left", SQUARE)]))


@pytest.mark.parametrize(
    "caption",
    [
        "a small red circle left of a large blue square, both above a medium pink star",
        "below a medium pink star, a small red circle is left of a large blue square",
        "a large blue square right of a small red circle, with a medium pink star below both of them",
        "a medium pink star, and above it a small red circle left of a large blue square",
    ],
)
def test_three_objects_have_three_relations(caption):
    upside = "below a medium pink star" in caption
    third = [relate(thing, "below" if upside else "above", STAR) for thing in (CIRCLE, SQUARE)]
    expected = frozenset([Relation(CIRCLE, "left", SQUARE), *third])
    assert scene_of(caption) == Meaning((SQUARE, STAR, CIRCLE), expected)


def test_a_row_of_three_is_told_from_either_end():
    row = Meaning(
        (SQUARE, STAR, CIRCLE),
        frozenset(
            Relation(*pair)
            for pair in [(SQUARE, "left", STAR), (SQUARE, "left", CIRCLE), (STAR, "left", CIRCLE)]
        ),
    )
    captions = [caption for draw in range(300) for caption in paraphrases(row, draw)]
    assert {scene_of(caption) for caption in captions} == {row}
    assert {"blue" in caption.split("both")[0] for caption in captions if ", both" in caption} == {
        True,
        False,
    }


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "circle",
        "a red circle",
        "a red small circle",
        "small red circle",
        "A small red circle",
        "a small red circle.",
        "a small red circle a large blue square",
        "a small red circle near a large blue square",
        "a small red circle left a large blue square",
        "a small red circle is left of",
        "a small red circle left of a large blue square there is",
        "a small red circle-like",
        "there is there is a small red circle",
        "a small red circle left of a large blue square, both above it",
        "<object>",
        "<object> <side> <object>",
        "a small red circle <side> a large blue square",
    ],
)
def test_what_is_not_in_the_grammar_has_no_meaning(caption):
    assert scene_of(caption) is None


def test_blanks_are_free_as_tokenizers_leave_them():
    caption = "a small red circle left of a large blue square, both above a medium-sized pink star"
    assert (
        scene_of(" " + caption.replace(",", "  , ").replace(" ", "  ") + "\n")
        == scene_of(caption)
        is not None
    )


def test_an_object_named_twice_is_no_scene_but_can_be_read():
    meaning = scene_of("a small red circle left of a small red circle")
    assert meaning is not None and meaning.things == (CIRCLE, CIRCLE)


def test_no_two_words_or_forms_can_be_taken_for_each_other():
    for table in (SIZE_WORDS, COLOUR_WORDS, SHAPE_WORDS, SIDE_WORDS):
        words = [word for options in table.values() for word in options]
        assert len(words) == len(set(words))
    forms = [form for options in FORMS.values() for form in options]
    assert len(forms) == len(set(forms))


def test_the_vocabulary_has_some_60_words_and_all_are_said():
    said = {
        word
        for count in (1, 2, 3)
        for _, captions in told(count, 1500)
        for word in " ".join(captions).split()
    }
    said = {word.strip(",") for word in said}
    tables = (SIZE_WORDS, COLOUR_WORDS, SHAPE_WORDS, SIDE_WORDS)
    assert {
        word for t in tables for options in t.values() for text in options for word in text.split()
    } <= said
    assert 55 <= len(said) <= 65


@pytest.mark.parametrize("count", [2, 3])
def test_each_object_comes_first_as_often_as_the_others(count):
    firsts = Counter()
    for meaning, captions in told(count, 600):
        if len({thing.colour for thing in meaning.things}) < count:
            continue  # here the colour tells the objects apart
        for words in map(str.split, captions):
            where = [
                words.index(word) for t in meaning.things for word in COLOUR_WORDS[t.colour] if word in words
            ]
            firsts[where.index(min(where))] += 1
    shares = [firsts[index] / firsts.total() for index in range(count)]
    assert shares == pytest.approx([1 / count] * count, abs=0.05)


def test_rare_words_are_as_frequent_in_each_of_the_five_captions():
    usual = {options[0] for options in SIZE_WORDS.values()}
    captions = [captions for _, captions in told(1, 2000)]
    rare = [sum(not usual & set(sample[place].split()) for sample in captions) for place in range(CAPTIONS)]
    assert max(rare) - min(rare) < 0.25 * max(rare)


def test_one_caption_held_out_scores_bleu_070_against_the_other_four():
    from nltk.translate.bleu_score import corpus_bleu

    captions = [captions for count in (1, 2) for _, captions in told(count, 250)]
    words = [[caption.replace(",", " ,").split() for caption in sample] for sample in captions]
    held_out = corpus_bleu([sample[1:] for sample in words], [sample[0] for sample in words])
    assert held_out == pytest.approx(0.70, abs=0.03)
