"""CTC decoding against hand-made paths and against the sum over every path."""

import itertools
import math
import tracemalloc

import pytest
import torch

from crossmedia.text.ctc import ctc_beam_search, ctc_greedy, too_long


def logits_of(path, tokens=4):
    """Logits that all but say this path."""
    return 20.0 * torch.nn.functional.one_hot(torch.tensor(path), tokens).float()[None]


def spelled(path):
    return tuple(token for token, _ in itertools.groupby(path) if token)


def likelihoods(log_probs):
    """The probability of every text, summed over all paths that spell it."""
    frames, tokens = log_probs.shape
    found = {}
    for path in itertools.product(range(tokens), repeat=frames):
        text = spelled(path)
        logp = sum(log_probs[frame, token].item() for frame, token in enumerate(path))
        found[text] = found.get(text, 0.0) + math.exp(logp)
    return found


def test_greedy_collapses_repeats_then_drops_blanks():
    assert ctc_greedy(logits_of([1, 1, 0, 1, 2, 2]), torch.tensor([6])) == [[1, 1, 2]]


def test_greedy_ignores_frames_past_the_length():
    assert ctc_greedy(logits_of([1, 2, 2, 3]), torch.tensor([1])) == [[1]]


def test_a_clip_without_frames_says_nothing():
    assert ctc_greedy(torch.randn(1, 3, 4), torch.tensor([0])) == [[]]
    assert ctc_beam_search(torch.randn(1, 3, 4), torch.tensor([0])) == [[]]


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_finds_the_text_whose_paths_weigh_most(seed):
    logits = torch.randn(1, 5, 3, generator=torch.Generator().manual_seed(seed))
    weights = likelihoods(logits[0].log_softmax(-1))
    best = max(weights, key=weights.__getitem__)
    assert ctc_beam_search(logits, torch.tensor([5]), beam=100) == [list(best)]


def test_the_beam_sums_paths_where_greedy_takes_the_best_one():
    probs = torch.tensor([[[0.6, 0.4], [0.6, 0.4]]])  # the best path is blank twice, .36; "1" has .64
    assert ctc_greedy(probs.log(), torch.tensor([2])) == [[]]
    assert ctc_beam_search(probs.log(), torch.tensor([2])) == [[1]]


def test_a_clip_is_decoded_alone_as_in_a_batch():
    logits = torch.randn(3, 9, 5)
    lens = torch.tensor([9, 4, 6])
    together = ctc_beam_search(logits, lens)
    alone = [ctc_beam_search(logits[k : k + 1, : lens[k]], lens[k : k + 1])[0] for k in range(3)]
    assert together == alone


class Pairs:
    """A language model that forbids token 1 behind token 1 or 2."""

    start = 0

    def step(self, last, token):
        return (-100.0 if token == 1 and last else -0.1), token

    def end(self, last):
        return -50.0 if last == 2 else 0.0


def test_a_language_model_moves_the_choice_by_what_was_said_before_and_by_the_end():
    probs = torch.tensor([[[0.1, 0.1, 0.8], [0.1, 0.7, 0.2]]])  # 2 1, then 2, then 1
    lens = torch.tensor([2])
    assert ctc_beam_search(probs.log(), lens) == [[2, 1]]
    assert ctc_beam_search(probs.log(), lens, language_model=Pairs(), lm_weight=1.0) == [[1]]


def test_a_bonus_for_length_makes_longer_texts():
    probs = torch.tensor([[[0.6, 0.4], [0.9, 0.1], [0.6, 0.4]]])
    found = [ctc_beam_search(probs.log(), torch.tensor([3]), length_bonus=bonus) for bonus in (-2, 0, 3)]
    assert found == [[[]], [[1]], [[1, 1]]]


def test_memory_grows_with_the_text_alone():
    path = torch.arange(4000) % 3  # a long text
    logits = 6.0 * torch.nn.functional.one_hot(path, 3).float()[None]
    tracemalloc.start()
    try:
        found = ctc_beam_search(logits, torch.tensor([4000]), beam=4)[0]
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()
    assert found == path[path > 0].tolist()


def test_texts_that_need_more_frames_than_there_are_are_told():
    tokens = torch.tensor([[1, 1, 2], [1, 2, 3], [1, 2, 0], [1, 1, 0]])
    lens = torch.tensor([3, 3, 2, 2])
    assert too_long(tokens, lens, torch.tensor([3, 3, 2, 3])).tolist() == [True, False, False, False]
    assert too_long(tokens[:, :0], lens * 0, torch.tensor([0, 1, 1, 1])).tolist() == [False] * 4


def test_a_language_model_of_no_weight_has_no_word():
    class Mute:
        start = None

        def step(self, state, token):
            return -float("inf"), state

        def end(self, state):
            return -float("inf")

    logits = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    lens = torch.tensor([6, 4])
    assert ctc_beam_search(logits, lens, 8, Mute(), lm_weight=0.0) == ctc_beam_search(logits, lens, 8)
