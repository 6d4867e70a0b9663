import math
import random
import threading

import pytest
import torch
from pycocoevalcap.cider.cider import Cider

from crossmedia.metrics.cider import CiderD, cider_d
from crossmedia.metrics.texts import pack, paired, unpack


def random_pairs(seed=0, count=30):
    draw = random.Random(seed)

    def sentence():
        return " ".join(draw.choices("a the red blue cat dog ball on left of".split(), k=draw.randint(1, 12)))

    target = [[sentence() for _ in range(draw.randint(1, 5))] for _ in range(count)]
    return [draw.choice([references[0], sentence()]) for references in target], target


def whole(preds, target):
    metric = CiderD()
    metric.update(preds, target)
    return metric.compute().item()


@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_the_reference_implementation(seed):
    preds, target = random_pairs(seed)
    preds[0] = preds[0].split()[0]
    mean, each = Cider().compute_score(dict(enumerate(target)), {at: [pred] for at, pred in enumerate(preds)})
    assert whole(preds, target) == pytest.approx(mean, abs=1e-6)
    assert cider_d(preds, target) == pytest.approx(list(each), abs=1e-9)


def test_a_worked_example():
    # One word of its own a sample: a cosine of 1 for single words, 0 for the longer n-grams.
    assert cider_d(["cat", "dog"], [["cat"], ["dog"]]) == pytest.approx([10 / 4, 10 / 4])


def test_words_of_every_sample_count_for_nothing():
    assert cider_d(["a", "a"], [["a"], ["a"]]) == [0, 0]
    told = cider_d(["a cat", "a"], [["a cat"], ["a dog"]])
    assert told[0] > 0 and told[1] == 0


def test_repeating_a_telling_word_does_not_pay():
    target = [["a cat sits here"], ["a dog runs there"]]
    assert cider_d(["cat cat cat cat", ""], target)[0] < cider_d(["a cat", ""], target)[0]


def test_a_difference_in_length_costs_as_the_gaussian_says():
    words = [f"w{at}" for at in range(8)]
    same = cider_d(["w0", "x"], [["w0"], ["x"]])[0]
    longer = cider_d(["w0", "x"], [[" ".join(words)], ["x"]])[0]
    cosine = 1 / math.sqrt(8)  # one of eight words of equal weight, single words only
    assert longer == pytest.approx(same * cosine * math.exp(-(7**2) / (2 * 6**2)))


def test_empty_outputs_score_zero():
    target = [["a cat", "cat", "the cat"], ["a dog"], ["a", "a ball"]]
    assert cider_d(["", ".", ""], target) == [0, 0, 0]
    assert whole(["", "", ""], target) == 0


def test_one_sample_alone_scores_zero_and_nothing_fails():
    assert cider_d(["a cat"], [["a cat"]]) == [0]


@pytest.mark.parametrize("text", ["красный шар на столе", "赤い 丸 が 右 に ある", "एक लाल गेंद मेज पर"])
def test_a_perfect_output_scores_ten_in_any_script(text):
    assert cider_d([text, "x"], [[text], ["something else altogether here"]])[0] == pytest.approx(10)


def test_rarity_is_that_of_the_whole_set_however_it_is_cut():
    preds, target = random_pairs()
    metric = CiderD()
    for start in range(0, 30, 7):
        metric.update(preds[start : start + 7], target[start : start + 7])
    assert metric.compute().item() == whole(preds, target)


def test_two_ranks_compute_the_score_of_the_whole_set():
    preds, target = random_pairs()
    cuts = [slice(0, 11), slice(11, 30)]
    meeting, brought, scores = threading.Barrier(2, timeout=10), [None, None], [0.0, 0.0]

    def rank(number):
        def gather(tensor, group=None):
            brought[number] = tensor
            meeting.wait()
            gathered = list(brought)
            meeting.wait()
            return gathered

        metric = CiderD()
        metric.dist_sync_fn, metric.distributed_available_fn = gather, lambda: True
        metric.update(preds[cuts[number]], target[cuts[number]])
        metric.update([], [])  # a rank whose last batch only fills up
        scores[number] = metric.compute().item()

    threads = [threading.Thread(target=rank, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scores == [whole(preds, target)] * 2


def test_packed_pairs_come_back_and_may_be_joined():
    pairs = paired(["a cat", "", "лодка 赤い"], [["A cat.", "?"], ["\n"], ["x\ty"]])
    packed = torch.cat([pack(pairs[:2]), pack([]), pack(pairs[2:])])
    assert packed.dtype == torch.uint8
    assert unpack(packed) == pairs
    assert unpack(pack([])) == []
