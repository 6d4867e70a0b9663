import random

import pytest
import sacrebleu
from nltk.translate.bleu_score import corpus_bleu

from crossmedia.metrics.bleu import Bleu

WORDS = "a the red blue cat dog ball small big on left right of under".split()


def random_pairs(seed, shortest):
    draw = random.Random(seed)

    def sentence():
        return " ".join(draw.choices(WORDS, k=draw.randint(shortest, 12)))

    target = [[sentence() for _ in range(draw.randint(1, 5))] for _ in range(30)]
    preds = [draw.choice([references[0], sentence(), sentence()]) for references in target]
    return preds, target


def score(n_gram, preds, target):
    metric = Bleu(n_gram)
    metric.update(preds, target)
    return metric.compute().item()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_gram", [1, 2, 3, 4])
def test_it_agrees_with_nltk(seed, n_gram):
    # nltk counts an n-gram in each output that is too short to have one; the outputs here are long enough.
    preds, target = random_pairs(seed, shortest=4)
    cut = [[reference.split() for reference in references] for references in target]
    expected = corpus_bleu(cut, [pred.split() for pred in preds], weights=[1 / n_gram] * n_gram)
    assert score(n_gram, preds, target) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_gram", [1, 2, 3, 4])
def test_it_agrees_with_sacrebleu_whatever_the_number_of_references(seed, n_gram):
    preds, target = random_pairs(seed, shortest=1)
    preds[0] = ""
    most = max(len(references) for references in target)
    streams = [
        [references[at] if at < len(references) else None for references in target] for at in range(most)
    ]
    peer = sacrebleu.BLEU(tokenize="none", smooth_method="none", max_ngram_order=n_gram)
    assert score(n_gram, preds, target) == pytest.approx(
        peer.corpus_score(preds, streams).score / 100, abs=1e-6
    )


def test_a_worked_example():
    # 3 of 4 words and 1 of 3 pairs match; the output is as long as the reference.
    assert score(2, ["a red big ball"], [["a red small ball"]]) == pytest.approx((3 / 4 * 1 / 3) ** 0.5)


def test_a_short_output_pays_for_its_length():
    assert score(1, ["a ball"], [["a red ball here"]]) == pytest.approx(2.718281828 ** (1 - 4 / 2))


def test_an_empty_output_counts_and_does_not_raise():
    preds, target = ["", ".", "a"], [["a cat", "cat", "the cat"], ["a dog"], ["a", "a ball"]]
    assert score(1, preds, target) == pytest.approx(2.718281828 ** (1 - 4 / 1))
    assert score(1, [""] * 3, target) == 0


def test_perfect_captions_of_three_words_have_no_bleu4_and_a_note_says_why():
    preds, target = ["a red ball"] * 5, [["a red ball"]] * 5
    assert [score(n_gram, preds, target) for n_gram in (1, 2, 3)] == pytest.approx([1, 1, 1])
    metric = Bleu(4)
    metric.update(preds, target)
    assert metric.compute() == 0
    assert metric.note == "no 4-grams in the references"


def test_the_note_tells_short_outputs_from_short_references():
    metric = Bleu(3)
    metric.update(["a ball"], [["a red ball"]])
    assert metric.compute() == 0 and metric.note == "no 3-grams in the outputs"
    metric.update(["a red ball"], [["a red ball"]])
    assert metric.compute() > 0 and metric.note == ""


@pytest.mark.parametrize(
    "text", ["красный шар на столе", "赤い 丸 が 右 に ある", "एक लाल गेंद मेज पर", "don’t stop la niña"]
)
def test_a_perfect_output_scores_one_in_any_script(text):
    assert score(4, [text], [[text]]) == pytest.approx(1)


def test_case_punctuation_and_code_points_do_not_count():
    assert score(4, ["Un cafe\u0301 noir, don\u2019t."], [["un caf\u00e9 noir don't"]]) == pytest.approx(1)


def test_batches_and_ranks_add_up_exactly():
    preds, target = random_pairs(0, shortest=1)
    parts = [Bleu(4), Bleu(4)]
    for start in range(0, 30, 7):
        parts[start % 2].update(preds[start : start + 7], target[start : start + 7])
    parts[0].merge_state(parts[1])
    assert parts[0].compute().item() == score(4, preds, target)


def test_the_same_metric_starts_anew_after_reset():
    metric = Bleu(1)
    metric.update(["b"], [["a"]])
    metric.reset()
    metric.update(["a"], [["a"]])
    assert metric.compute() == 1


@pytest.mark.parametrize(
    "preds, target, message",
    [
        (["a"], [[]], "one or more references"),
        (["a"], ["a"], "one or more"),
        (["a"], [], "as many as the lists"),
    ],
)
def test_outputs_without_references_are_errors(preds, target, message):
    with pytest.raises(ValueError, match=message):
        Bleu().update(preds, target)


def test_an_order_below_one_is_an_error():
    with pytest.raises(ValueError, match="n_gram 0: must be at least 1"):
        Bleu(0)
