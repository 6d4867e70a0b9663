"""Texts as a synthesiser takes them: one way to write each, cut where it is long, its characters known."""

import gzip
import pickle
import random
import re
import unicodedata
from itertools import combinations, product
from pathlib import Path

import pytest

from crossmedia.build import build
from crossmedia.text import frontend, grammar
from crossmedia.text.frontend import SpeechText, need_known
from crossmedia.text.normalise import normalise
from crossmedia.text.tokenizer import CharTokenizer

PROMPTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
CASES = {  # of the project's list of what lost digits elsewhere
    "101": "one hundred one",
    "0101": "zero one zero one",
    "1770s": "seventeen seventies",
    "$1,234.56": "one thousand two hundred thirty four dollars and fifty six cents",
    "2005": "two thousand five",
    "3rd": "third",
    "0.5": "zero point five",
    "10:05": "ten oh five",
    "-7": "minus seven",
    "thirty six": "thirty six",
}


def test_digits_in_a_row_of_forms_are_all_read():
    assert SpeechText()(" ".join(CASES)) == " ".join(CASES.values())


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a red ball", "a red ball"),
        ("a red ball   ", "a red ball"),
        (" A\tRED\u00a0ball\r\n", "a red ball"),
        ("un cafe\u0301", "un caf\u00e9"),
        ("Don\u2019t \u201cstop\u201d (now)!", "don't stop now!"),
        ("'hello' said the dogs' friend, rock'n'roll", "hello said the dogs friend, rock'n'roll"),
        ("A dog , wet , runs .", "a dog, wet, runs."),
        ("wait... what?? no!!! -- yes", "wait. what? no! - yes"),
        ("red,green;blue", "red, green; blue"),
        ("... has joined — today…", "has joined - today."),
        ("...", ""),
        (" ", ""),
    ],
)
def test_a_text_is_written_in_one_way(text, expected):
    assert SpeechText()(text) == expected == SpeechText()(expected)


def test_only_the_stated_punctuation_stays():
    text = 'Wait, "mid-sized" (or so): it\'s 1.5; ok?'
    assert SpeechText(punctuation="")(text) == "wait mid sized or so it's one point five ok"
    assert SpeechText(punctuation=',"')(text) == 'wait, "mid sized" or so it\'s one point five ok'


@pytest.mark.parametrize(
    "text, char, token",
    [
        ("i ♥ it", "♥", "♥"), ("it is ~5 m", "~", "~5"), ("an a_b", "_", "a_b"), ("5 m²", "²", "m²"),
        ("<unk>", "<", "<unk>"), ("٣", "٣", "٣"), ("Ⅷ of", "ⅷ", "ⅷ"), ("a\x00b", "\\x00", "a\\x00b"),
    ],
)  # fmt: skip
def test_a_sign_without_a_reading_is_named_and_so_is_where_it_stands(text, char, token):
    with pytest.raises(ValueError, match="^text: ") as caught:
        SpeechText()(text)
    assert str(caught.value) == f"text: '{char}' has no reading, in '{token}'; write it in words"


def test_without_numbers_other_languages_keep_their_signs():
    front = SpeechText(numbers=False, punctuation=".,¿?")
    assert front("¿Cuesta 3,50 € o 5 %, Sr. Díaz?") == "¿cuesta 3,50 € o 5 %, sr. díaz?"


def test_applied_twice_nothing_changes_whatever_the_text_holds():
    draw = random.Random(0)
    atoms = [*"abcmrst.. ,,-'’!?:;/$£%+&0123459()\"…–é½°*#@_", "mr.", "st.", "dr.", "etc.", "e.g.", "km"]
    atoms += ["$1.50", "1990s", "p.m.", "1/2", "10:05", "no. ", "u.s.", "  "]
    fronts = [SpeechText(), SpeechText(punctuation=""), SpeechText(punctuation='."(')]
    read = 0
    for _ in range(400):
        text = "".join(draw.choices(atoms, k=draw.randint(1, 8)))
        for front in fronts:
            try:
                once = front(text)
            except ValueError as error:
                assert str(error).startswith("text: "), text
                continue
            read += 1
            assert front(once) == once == normalise(once), ascii(text)
            assert all(
                char in f" '{front.punctuation}" or unicodedata.category(char)[0] in "LM" for char in once
            )
    assert read > 500


def test_captions_of_scenes_come_through_unchanged():
    draw = random.Random(0)
    words = [grammar.SIZE_WORDS, grammar.COLOUR_WORDS, grammar.SHAPE_WORDS]
    things = [grammar.Thing(*names) for names in product(*words)]
    said = set()
    for count in (1, 2, 3):
        for _ in range(100):
            row = tuple(draw.sample(things, count))
            relations = [grammar.relate(one, "above", other) for one, other in combinations(row, 2)]
            meaning = grammar.Meaning(tuple(sorted(row)), frozenset(relations))
            said.update(grammar.paraphrases(meaning, draw.getrandbits(64)))
    front = SpeechText()
    assert len(said) > 1000 and all(front(text) == text for text in said)


@pytest.mark.skipif(not PROMPTS.exists(), reason="asterisk-core-sounds-en is not installed")
def test_every_prompt_of_asterisk_is_read():
    front = SpeechText()
    lines = gzip.decompress(PROMPTS.read_bytes()).decode().splitlines()
    texts = [re.sub(r"\[.*?\]|\(.*?\)|<.*?>", "", line.partition(": ")[2]) for line in lines if ": " in line]
    read = [front(text) for text in texts]
    assert len(read) > 500 and all(front(text) == text for text in read)
    assert "three d audio enabled" in read


TEXT = "Dr. Who came. It was late, so late - and dark! Nobody saw the old blue box; why?"


@pytest.mark.parametrize(
    "most, parts",
    [
        (200, [SpeechText()(TEXT)]),
        (34, [
            "doctor who came.", "it was late, so late - and dark!", "nobody saw the old blue box; why?",
        ]),
        (28, [
            "doctor who came.", "it was late, so late", "- and dark!", "nobody saw the old blue box;", "why?",
        ]),
        (12, [
            "doctor who", "came.", "it was late,", "so late", "- and dark!", "nobody saw", "the old blue",
            "box; why?",
        ]),
    ],
)  # fmt: skip
def test_a_long_text_is_cut_at_sentences_then_clauses_then_words(most, parts):
    assert SpeechText().sentences(TEXT, most) == parts


def test_parts_lose_no_letter_and_none_is_too_long():
    draw = random.Random(0)
    front = SpeechText()
    for _ in range(300):
        text = "".join(draw.choices([*"ab,.!?;:-'", " ", " ", "abcdefgh"], k=40))
        for most in (1, 3, 12, 30):
            parts = front.sentences(text, most)
            assert all(re.search("[a-h]", part) and len(part) <= most for part in parts)
            assert re.sub("[^a-h]", "", "".join(parts)) == re.sub("[^a-h]", "", text)


@pytest.mark.parametrize("text", ["", "  ", "...", "?! - ,", '"()"'])
def test_a_text_without_a_word_has_no_parts(text):
    assert SpeechText().sentences(text, 5) == []


def test_parts_of_no_characters_are_refused():
    with pytest.raises(ValueError, match="most 0: must be at least 1"):
        SpeechText().sentences("a", 0)


def test_characters_that_no_training_text_had_are_named():
    tokenizer = CharTokenizer().fit(["a big cab."])
    need_known("a bag.", tokenizer)
    with pytest.raises(ValueError) as caught:
        need_known("a caf\u00e9.", tokenizer)
    assert str(caught.value) == "text: 'f', 'é' were not in the training texts; known are .abcgi"
    with pytest.raises(ValueError, match="^text: 'é' was not in the training texts; known are .abcgi$"):
        need_known("\u00e9", tokenizer)


@pytest.mark.parametrize(
    "front", [SpeechText(), SpeechText(False, "de", ".?"), SpeechText(phonemes="en-us", punctuation="")]
)
def test_a_config_builds_an_equal_front_end(front):
    assert build(front.config(), "meta.text").config() == front.config()


@pytest.mark.parametrize("given", ["a", ".5", "$", " ", "’"])
def test_punctuation_is_marks_alone(given):
    with pytest.raises(ValueError, match="is no mark of punctuation"):
        SpeechText(punctuation=given)


def test_numbers_of_another_language_are_no_english_words():
    with pytest.raises(
        ValueError, match="phonemes 'de': numbers become English words; it needs numbers=false"
    ):
        SpeechText(phonemes="de")


@pytest.fixture
def told(monkeypatch):
    """The calls for phonemes, answered without espeak-ng by capitals."""
    calls = []

    def answer(texts, voice):
        calls.append((voice, list(texts)))
        return [f"ˈ{text.replace(' ', 'ː')}" if text else "" for text in texts]

    monkeypatch.setattr(frontend, "phonemes_of", answer)
    return calls


def test_phonemes_stand_between_the_marks_of_their_text(told):
    front = SpeechText(phonemes="en-us")
    assert front("A red ball, 2 cats - yes!") == "ˈaːredːball, ˈtwoːcats - ˈyes!"
    assert told == [("en-us", ["a red ball", "two cats", "yes", ""])]


def test_many_texts_are_said_in_one_call_and_once(told):
    front = SpeechText(phonemes="en-us")
    front.prepare(["One.", "Two", "one.", "two  "])
    front.prepare(["two"])
    kept = pickle.loads(pickle.dumps(front))  # as a worker of the loader gets it
    assert [kept("one."), kept("two"), front("TWO")] == ["ˈone.", "ˈtwo", "ˈtwo"] and len(told) == 1


def test_characters_need_no_process(told):
    front = SpeechText()
    front.prepare(["One.", "Two"])
    assert front("One.") == "one." and not told
