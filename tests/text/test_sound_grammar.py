import random
import re

import pytest

from crossmedia.audio.events import EVENTS
from crossmedia.text.grammar import CAPTIONS
from crossmedia.text.sound_grammar import (
    FORMS,
    LOUDNESS_WORDS,
    MANNER_WORDS,
    PHRASES,
    PITCH_WORDS,
    WORDS,
    Event,
    paraphrases,
    sounds_of,
)

TONE = Event("tone", "loud", "high")
NOISE = Event("noise", "quiet")
RED = Event("word", "loud", word="red")
FALL = Event("fall", "quiet", "low")


def told(count, scenes, seed=0):
    rng = random.Random(seed)
    meanings = [tuple(rng.sample(EVENTS, count)) for _ in range(scenes)]
    return [(meaning, paraphrases(meaning, rng.getrandbits(64))) for meaning in meanings]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_caption_is_read_as_what_it_was_made_from(count):
    for meaning, captions in told(count, 1000):
        assert [sounds_of(caption) for caption in captions] == [meaning] * CAPTIONS


@pytest.mark.parametrize("count", [1, 2, 3])
def test_different_meanings_never_share_a_caption(count):
    meant = {}
    for meaning, captions in told(count, 2000):
        for caption in captions:
            assert meant.setdefault(caption, meaning) == meaning
    assert len(set(meant.values())) > 30


@pytest.mark.parametrize("count", [1, 2, 3])
def test_five_captions_of_a_scene_are_five_different_ones_in_lower_case(count):
    for _, captions in told(count, 500):
        assert len(set(captions)) == CAPTIONS and all(caption == caption.lower() for caption in captions)


def test_the_same_meaning_and_draw_give_the_same_captions():
    assert paraphrases((TONE, NOISE), 7) == paraphrases((TONE, NOISE), 7) != paraphrases((TONE, NOISE), 8)


@pytest.mark.parametrize(
    "caption",
    [
        "a loud high tone, then quiet noise",
        "soft noise follows a loud high-pitched beep",
        "faint static after a loud high tone",
        "a loud high beep before quiet static",
        "there is a loud high tone and then quiet noise",
        "a loud high tone followed by quiet noise",
    ],
)
def test_synonyms_and_both_orders_mean_the_same(caption):
    assert sounds_of(caption) == (TONE, NOISE)


def test_what_comes_first_is_part_of_the_meaning():
    assert sounds_of("quiet noise, then a loud high tone") == (NOISE, TONE)
    assert sounds_of("a loud high tone follows quiet noise") == (NOISE, TONE)


@pytest.mark.parametrize(
    "caption",
    [
        "a loud high tone, then quiet noise, then someone saying red loudly",
        "there is a loud high tone, then faint noise, and last a loud voice saying red",
        "first a loud high tone, and a loud voice saying red after quiet noise",
        "a loud voice saying red after a loud high tone and then quiet noise",
    ],
)
def test_three_events_have_one_order(caption):
    assert sounds_of(caption) == (TONE, NOISE, RED)


def test_a_tone_that_falls_is_no_tone():
    assert sounds_of("a quiet deep tone that falls") == sounds_of("a soft low falling tone") == (FALL,)


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "noise",
        "a tone",
        "a loud tone",
        "a high loud tone",
        "loud high tone",
        "A loud high tone",
        "a loud high tone.",
        "a loud high tone quiet noise",
        "a loud high tone, quiet noise",
        "a loud high tone then quiet noise",
        "a loud high tone, then",
        "a loud high tone that",
        "loud high noise",
        "someone saying green loudly",
        "someone saying red loud",
        "a loud high tone-like",
        "there is there is loud noise",
        "<event>",
        "<event>, then loud noise",
    ],
)
def test_what_is_not_in_the_grammar_has_no_meaning(caption):
    assert sounds_of(caption) is None


def test_blanks_are_free_as_tokenizers_leave_them():
    caption = "a loud high-pitched tone, then faint noise, then someone saying red softly"
    spread = " " + caption.replace(",", "  , ").replace(" ", "  ") + "\n"
    assert sounds_of(spread) == sounds_of(caption) is not None


def test_no_two_words_or_forms_can_be_taken_for_each_other():
    for table in (LOUDNESS_WORDS, MANNER_WORDS, PITCH_WORDS, PHRASES):
        words = [word for options in table.values() for word in options]
        assert len(words) == len(set(words))
    forms = [form for options in FORMS.values() for form in options]
    assert len(forms) == len(set(forms)) and len(WORDS) == len(set(WORDS))


def test_all_words_of_the_vocabulary_are_said():
    said = {
        word.strip(",")
        for count in (1, 2, 3)
        for _, captions in told(count, 1500)
        for word in " ".join(captions).split()
    }
    tables = (LOUDNESS_WORDS, MANNER_WORDS, PITCH_WORDS, {word: (word,) for word in WORDS})
    assert {word for table in tables for options in table.values() for word in options} <= said
    assert 45 <= len(said) <= 55


@pytest.mark.parametrize(("between", "share"), [((), 1 / 3), ((TONE,), 1 / 5)])
def test_the_first_event_is_told_after_the_last_one_in_a_share_of_the_captions(between, share):
    captions = [caption for draw in range(400) for caption in paraphrases((RED, *between, NOISE), draw)]
    turned = [re.sub(r".*(red|noise|static).*", r"\1", caption) == "red" for caption in captions]
    assert sum(turned) / len(turned) == pytest.approx(share, abs=0.05)


def test_one_caption_held_out_scores_bleu_073_against_the_other_four():
    from nltk.translate.bleu_score import corpus_bleu

    captions = [captions for count in (1, 2, 3) for _, captions in told(count, 250)]
    words = [[caption.replace(",", " ,").split() for caption in sample] for sample in captions]
    held_out = corpus_bleu([sample[1:] for sample in words], [sample[0] for sample in words])
    assert held_out == pytest.approx(0.73, abs=0.03)
