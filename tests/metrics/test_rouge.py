import random

import pytest
from pycocoevalcap.rouge.rouge import Rouge

from crossmedia.metrics.rouge import RougeL, rouge_l


def random_pairs():
    draw = random.Random(0)

    def sentence():
        return " ".join(draw.choices("a the red blue cat dog ball on left of".split(), k=draw.randint(1, 12)))

    target = [[sentence() for _ in range(draw.randint(1, 5))] for _ in range(40)]
    return [draw.choice([references[0], sentence()]) for references in target], target


def test_it_agrees_with_cocos_scorer():
    preds, target = random_pairs()
    metric = RougeL()
    metric.update(preds, target)
    mean, each = Rouge().compute_score(dict(enumerate(target)), {at: [pred] for at, pred in enumerate(preds)})
    assert metric.compute().item() == pytest.approx(mean, abs=1e-6)
    assert [rouge_l(*pair) for pair in zip(preds, target, strict=True)] == pytest.approx(list(each), abs=1e-9)


def test_a_worked_example():
    # "a … ball" is common: 2 of the output's 3 words, 2 of the reference's 4.
    precision, recall = 2 / 3, 2 / 4
    expected = (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision)
    assert rouge_l("a big ball", ["a red round ball"]) == pytest.approx(expected)


def test_order_matters():
    assert rouge_l("ball red a", ["a red ball"]) < rouge_l("a ball", ["a red ball"])


def test_precision_and_recall_may_come_from_different_references():
    assert rouge_l("a ball", ["a ball here now"]) < 1
    assert rouge_l("a ball", ["a ball here now", "a"]) == pytest.approx(1)


@pytest.mark.parametrize(
    "text", ["красный шар на столе", "赤い 丸 が 右 に ある", "एक लाल गेंद मेज पर", "la niña comió"]
)
def test_a_perfect_output_scores_one_in_any_script(text):
    assert rouge_l(text, ["?", text]) == pytest.approx(1)


def test_one_letter_makes_another_word():
    assert rouge_l("niño", ["niña"]) == 0


def test_empty_outputs_and_references_score_zero():
    target = [["a cat", "cat", "the cat"], ["a dog"], ["a", "a ball"]]
    metric = RougeL()
    metric.update(["", ".", "a"], target)
    assert metric.count == 3
    assert metric.compute() == pytest.approx(rouge_l("a", target[2]) / 3)
    assert rouge_l("", ["a"]) == rouge_l("a", ["."]) == rouge_l("", [""]) == 0


def test_batches_and_ranks_add_up_exactly():
    preds, target = random_pairs()
    parts, whole = [RougeL(), RougeL()], RougeL()
    whole.update(preds, target)
    for start in range(0, 40, 7):
        parts[start % 2].update(preds[start : start + 7], target[start : start + 7])
    parts[0].merge_state(parts[1])
    assert parts[0].compute() == whole.compute()
