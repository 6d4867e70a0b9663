import random
import sys
import unicodedata

import pytest

from crossmedia.text.normalise import normalise, spaced, spelled, unspaced, words


def test_normalising_twice_changes_nothing_for_any_character():
    draw = random.Random(0)
    chars = [
        chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) not in ("Cn", "Co")
    ]
    draw.shuffle(chars)
    for start in range(0, len(chars), 10):
        once = normalise("".join(chars[start : start + 10]))
        assert normalise(once) == once, ascii(once)


def test_curly_and_straight_quotes_are_one():
    assert (
        normalise("Don\u2019t say \u201cstop\u201d")
        == normalise('don\'t  say\n"stop"')
        == 'don\'t say "stop"'
    )


def test_composed_and_decomposed_letters_are_one():
    assert normalise("un caf\u00e9 noir") == normalise("un cafe\u0301 noir")
    assert words("un caf\u00e9 noir") == words("un cafe\u0301 noir") == ("un", "caf\u00e9", "noir")


def test_all_white_space_is_one_blank():
    assert normalise("  a\u00a0\t b\u3000c \r\n") == "a b c"


def test_marks_stay_with_their_letters():
    assert words("एक लाल गेंद मेज पर।") == ("एक", "लाल", "गेंद", "मेज", "पर")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("A dog , wet , runs .", ("a", "dog", "wet", "runs")),
        ('(He says) "stop"; -- and goes...', ("he", "says", "stop", "and", "goes")),
        ("a dog's t-shirt isn't rock'n'roll", ("a", "dog's", "t-shirt", "isn't", "rock'n'roll")),
        ("two dogs' toys", ("two", "dogs", "toys")),
        ("<unk> & co", ("unk", "&", "co")),
    ],
)
def test_words_lose_their_punctuation_and_keep_what_joins_them(text, expected):
    assert words(text) == expected


def test_no_digit_and_no_sign_of_a_number_is_lost():
    text = "101, 0101 1770s $1,234.56 2005. 3rd 0.5 10:05 -7 50% thirty six"
    expected = "101 0101 1770s $ 1,234.56 2005 3rd 0.5 10:05 -7 50 % thirty six"
    assert words(text) == tuple(expected.split())


def test_a_script_without_blanks_is_cut_into_its_characters():
    assert words("赤い丸。") == words("赤い 丸") == ("赤", "い", "丸")
    assert words("สีแดง") == ("สี", "แ", "ด", "ง")


def test_korean_and_arabic_words_stay_whole():
    assert words("빨간 공, 하나") == ("빨간", "공", "하나")
    assert words("سلام، دنیا؟") == ("سلام", "دنیا")


def test_different_letters_are_different_words():
    assert words("niño") != words("niña")


def test_a_text_without_words_has_none():
    assert words("") == words(" . — ?! ") == ()


def test_words_of_joined_words_are_the_same_words():
    for text in (
        "don’t stop; -7, 1,234.56!",
        "红色的shirt和t恤",
        "col·legi l'uomo",
        "¿La niña comió?",
        "$5 (50%)",
    ):
        assert words(" ".join(words(text))) == words(text)


@pytest.mark.parametrize(
    "text", ["¿la niña comió?", "सब ठीक है।", "il dit: «bonjour»…", "a – b", "赤い丸。", "a dog."]
)
def test_unspaced_undoes_spaced(text):
    assert unspaced(spaced(text)) == text
    assert all(part in spaced(text).split() for part in text if part in "¿।«»…–。")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("日本語", "日本語"),
        ("赤い 丸。", "赤い 丸"),
        ("赤い、丸。", "赤い丸"),
        ("iPhone を買う！", "iphone を買う"),
        ("iPhoneを買う", "iphoneを買う"),
        ("気温は-5度、2,5%", "気温は-5度2,5 %"),
        ("สีแดง, กลม", "สีแดง กลม"),
        ("red,ball $5", "red ball $ 5"),
        ("  ", ""),
    ],
)
def test_words_are_spelled_with_the_blanks_that_are_heard_or_written(text, expected):
    assert spelled(text) == expected


def test_a_spelled_text_has_the_same_words_and_is_spelled_alike():
    draw = random.Random(0)
    signs = [*"赤い丸ーカ々ｱ กีแ็日b1एुé-'.,:、。·$%", " ", "\u3000", "\u200b", "\u3099", "한"]
    for _ in range(20_000):
        text = "".join(draw.choices(signs, k=draw.randint(0, 8)))
        row = spelled(text)
        assert words(row) == words(text) and spelled(row) == row, ascii(text)


def test_scripts_with_blanks_have_one_between_all_words():
    draw = random.Random(0)
    for _ in range(2000):
        text = "".join(draw.choices("ab1é-'.,:· $%एु한ж", k=draw.randint(0, 8)))
        assert spelled(text) == " ".join(words(text))
