"""WER and CER against jiwer, and values worked out by hand."""

import random
import re

import jiwer
import pytest

from crossmedia.metrics.error_rates import ErrorRate, aligned, edits
from crossmedia.text.normalise import normalise, words

WORDS = ["red", "blue", "a", "small", "circle", "star", "left", "of", "the"]
BLANKLESS = ["赤い", "丸", "星", "を", "สีแดง", "ดาว", "ແດງ"]


def joined(draw, parts):
    """Without a blank here and there beside a script that has none."""
    text = " ".join(parts)
    return re.sub(f" (?=[{''.join(BLANKLESS)}])", lambda _: draw.choice(["", "", " "]), text)


def pairs(count, seed=0, known=(*WORDS, *BLANKLESS)):
    draw = random.Random(seed)
    texts, outputs = [], []
    for _ in range(count):
        said = draw.choices(known, k=draw.randint(1, 9))
        parts = [word for word in said if draw.random() > 0.2]
        parts = [draw.choice(known) if draw.random() < 0.2 else word for word in parts]
        texts.append(joined(draw, said))
        outputs.append(joined(draw, parts + draw.choices(known, k=draw.randint(0, 2))))
    return outputs, texts


def parted(texts):
    """Each character of these scripts, with its marks, as a word: Thai and Lao have vowels above."""
    marks = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ecd"
    return [re.sub(f"([\u0e00-\u0eff\u3000-\u9fff][{marks}]*)", r" \1 ", text) for text in texts]


def test_a_thousand_pairs_have_the_rates_and_edits_that_jiwer_counts():
    outputs, texts = pairs(1000)
    reference = jiwer.process_words(parted(texts), parted(outputs))
    found = [
        ErrorRate(),
        ErrorRate(part="substitutions"),
        ErrorRate(part="deletions"),
        ErrorRate(part="insertions"),
    ]
    for metric in found:
        metric.update(outputs, texts)
    total = sum(len(text.split()) for text in parted(texts))
    parts = [reference.substitutions, reference.deletions, reference.insertions]
    expected = [reference.wer, *(count / total for count in parts)]
    assert [metric.compute().item() for metric in found] == pytest.approx(expected)
    characters = ErrorRate("characters")
    characters.update(outputs, texts)
    assert characters.compute().item() == pytest.approx(jiwer.cer(texts, outputs))


@pytest.mark.parametrize(
    "output, said, rate",
    [
        ("赤い青", "赤い丸", 1 / 3),
        ("日本", "日本語です", 3 / 5),
        ("iPhone を売る", "iPhone を買う", 2 / 10),
        ("iPhoneを買う", "iPhone を買う", 1 / 10),  # the blank that the text has is a character
        ("2024年6月5日", "2024年5月5日", 1 / 9),
        ("สีแดง ดาว", "สีแดง ดวง", 2 / 9),
        ("ສີດງ", "ສີແດງ", 1 / 5),
        ("ខ្ញុំ", "ខ្ញុំទៅ", 2 / 7),
    ],
)
def test_no_blank_is_counted_that_the_text_does_not_have(output, said, rate):
    assert edits(output, said, "characters").rate == pytest.approx(rate)
    assert jiwer.cer(normalise(said), normalise(output)) == pytest.approx(rate)


def test_words_of_a_script_without_blanks_stay_its_characters():
    assert edits("赤い青", "赤い 丸") == (1, 0, 0, 3)
    assert aligned("赤い青 star", "赤い丸 star") == [
        ("equal", "赤い", "赤い"),
        ("replace", "丸", "青"),
        ("equal", "star", "star"),
    ]


def test_edits_by_hand():
    assert edits("a red bal", "a big red ball") == (1, 1, 0, 4)
    assert edits("a red red ball", "a red ball") == (0, 0, 1, 3)
    assert edits("cat", "cart", "characters") == (0, 1, 0, 4)
    assert aligned("a red bal", "a big red ball") == [
        ("equal", "a", "a"),
        ("delete", "big", ""),
        ("equal", "red", "red"),
        ("replace", "ball", "bal"),
    ]


def test_the_set_counts_its_words_not_its_clips():
    metric = ErrorRate()
    metric.update(["x", "a b c d e f g h i"], ["y", "a b c d e f g h i"])
    assert metric.compute().item() == pytest.approx(1 / 10)


@pytest.mark.parametrize(
    "output, said", [("don’t stop", "don't stop"), ("un café noir", "un cafe\u0301 noir")]
)
def test_the_same_words_in_other_code_points_are_no_errors(output, said):
    assert edits(output, said).rate == 0
    assert edits(output, said, "characters").rate == 0


def test_case_and_punctuation_are_no_errors():
    assert edits("A red ball.", "a red, ball").rate == 0
    assert edits("你好世界", "你好，世界！", "characters") == (0, 0, 0, 4)


def test_an_empty_output_deletes_every_word_and_an_empty_reference_counts_insertions():
    assert edits("", "a red ball") == (0, 3, 0, 3)
    assert edits("a b", "").rate == 2


def test_a_set_without_words_has_a_rate():
    metric = ErrorRate()
    metric.update([""], [""])
    assert metric.compute() == 0
    metric.update([], [])
    assert metric.compute() == 0


def test_words_are_those_of_the_normaliser():
    assert edits("", "It's 10:05, isn't it?").total == len(words("It's 10:05, isn't it?")) == 4
