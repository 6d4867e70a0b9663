"""CTC decoding against hand-made paths and against the sum over every path."""

import itertools
import math

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


class Never:
    """A language model that forbids token 1 and likes short texts."""

    def score(self, prefix, token):
        return -100.0 if token == 1 else -0.1

    def end(self, prefix):
        return 0.0


def test_a_language_model_moves_the_choice():
    probs = torch.tensor([[[0.1, 0.5, 0.4], [0.8, 0.1, 0.1]]])
    assert ctc_beam_search(probs.log(), torch.tensor([2])) == [[1]]
    assert ctc_beam_search(probs.log(), torch.tensor([2]), language_model=Never(), lm_weight=1.0) == [[2]]


def test_texts_that_need_more_frames_than_there_are_are_told():
    tokens = torch.tensor([[1, 1, 2], [1, 2, 3], [1, 2, 0], [1, 1, 0]])
    lens = torch.tensor([3, 3, 2, 2])
    assert too_long(tokens, lens, torch.tensor([3, 3, 2, 3])).tolist() == [True, False, False, False]
    assert too_long(tokens[:, :0], lens * 0, torch.tensor([0, 1, 1, 1])).tolist() == [False] * 4
