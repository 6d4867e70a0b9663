"""WER and CER against jiwer, and values worked out by hand."""

import random

import jiwer
import pytest

from crossmedia.metrics.error_rates import ErrorRate, aligned, edits
from crossmedia.text.normalise import words

WORDS = ["red", "blue", "a", "small", "circle", "star", "left", "of", "the"]


def pairs(count, seed=0):
    draw = random.Random(seed)
    texts = [" ".join(draw.choices(WORDS, k=draw.randint(1, 9))) for _ in range(count)]
    outputs = []
    for text in texts:
        parts = [word for word in text.split() if draw.random() > 0.2]
        parts = [draw.choice(WORDS) if draw.random() < 0.2 else word for word in parts]
        outputs.append(" ".join(parts + draw.choices(WORDS, k=draw.randint(0, 2))))
    return outputs, texts


def test_a_thousand_pairs_have_the_rates_and_edits_that_jiwer_counts():
    outputs, texts = pairs(1000)
    reference = jiwer.process_words(texts, outputs)
    found = [
        ErrorRate(),
        ErrorRate(part="substitutions"),
        ErrorRate(part="deletions"),
        ErrorRate(part="insertions"),
    ]
    for metric in found:
        metric.update(outputs, texts)
    total = sum(len(text.split()) for text in texts)
    parts = [reference.substitutions, reference.deletions, reference.insertions]
    expected = [reference.wer, *(count / total for count in parts)]
    assert [metric.compute().item() for metric in found] == pytest.approx(expected)
    characters = ErrorRate("characters")
    characters.update(outputs, texts)
    assert characters.compute().item() == pytest.approx(jiwer.cer(texts, outputs))


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
