"""Joint decoding against sums over every path of CTC."""

import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from crossmedia.text.ctc_prefix import MOST, JointSteps
from crossmedia.text.decoding import beam_search
from crossmedia.text.tokenizer import BOS, EOS

FRAMES, TOKENS = 5, 6  # of the tokens, 4 and 5 are letters
A, B = 4, 5


def likes(logits):
    """A decoder that always has the same logits (V,)."""

    def step(tokens, state):
        return logits.expand(len(tokens), -1), state

    return step


def started(logits, lens):
    return JointSteps.start((torch.zeros(len(logits), 1), None), logits, lens)


def worths(steps, logits, text):
    """What each step of a text gives to its tokens and to its end (L + 1, V)."""
    state, found = started(logits, torch.tensor([logits.shape[1]])), []
    for token in [BOS, *text]:
        worth, state = steps(torch.tensor([token]), state)
        found.append(worth[0])
    return torch.stack(found)


def begins(logits, prefix):
    """log of the sum over all paths whose text begins with the prefix."""
    probs, total = logits[0].double().softmax(-1), 0.0
    for path in itertools.product(range(logits.shape[2]), repeat=logits.shape[1]):
        text = [token for token, _ in itertools.groupby(path) if token]
        if text[: len(prefix)] == prefix:
            total += float(probs[range(len(path)), list(path)].prod())
    return math.log(total)


@pytest.mark.parametrize("text", [[], [A], [A, A], [A, B], [B, A], [A, B, A]])
def test_a_prefix_has_the_sum_of_all_paths_that_begin_so(text):
    logits = torch.randn(1, FRAMES, TOKENS)
    worth = worths(JointSteps(likes(torch.zeros(TOKENS)), 1.0), logits, text)
    total = float(worth[range(len(text)), text].sum())
    for token in (A, B):
        wanted = begins(logits, [*text, token])
        assert total + float(worth[-1, token]) == pytest.approx(wanted, rel=1e-5, abs=1e-6)
    whole = F.ctc_loss(
        logits.log_softmax(-1).transpose(0, 1),
        torch.tensor([text]).long(),
        torch.tensor([FRAMES]),
        torch.tensor([len(text)]),
        reduction="sum",
    )
    assert total + float(worth[-1, EOS]) == pytest.approx(-float(whole), rel=1e-5, abs=1e-6)


def test_no_text_is_longer_than_its_frames_or_has_a_value_above_0():
    worth = worths(JointSteps(likes(torch.zeros(TOKENS)), 1.0), torch.randn(1, FRAMES, TOKENS), [A, A, A])
    assert (worth[-1, [A, B]] < -1000).all() and worth[-1, EOS] == 0  # with a blank between each: all frames
    assert (worth <= 1e-6).all()


def test_the_weight_is_that_of_ctc_the_rest_the_decoders():
    logits, own = torch.randn(1, FRAMES, TOKENS), torch.randn(TOKENS)
    ctc = worths(JointSteps(likes(own), 1.0), logits, [A])
    mixed = worths(JointSteps(likes(own), 0.3), logits, [A])
    assert torch.allclose(mixed, 0.3 * ctc + 0.7 * own.log_softmax(-1))


def test_of_many_tokens_ctc_judges_those_that_the_decoder_likes_and_the_end():
    own = torch.arange(200.0)
    worth = worths(JointSteps(likes(own), 0.5), torch.randn(1, FRAMES, 200), [150])
    assert [row.isfinite().nonzero().flatten().tolist() for row in worth] == [
        [EOS, *range(200 - MOST, 200)]
    ] * 2


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_the_text_that_ctc_likes_best(seed):
    logits = torch.randn(1, FRAMES, TOKENS, generator=torch.Generator().manual_seed(seed))
    logits[..., [1, 2, 3]] = -torch.inf
    every = [list(text) for n in range(FRAMES + 1) for text in itertools.product((A, B), repeat=n)]
    spelt = [worths(JointSteps(likes(torch.zeros(TOKENS)), 1.0), logits, text) for text in every]
    totals = [
        float(worth[range(len(text) + 1), [*text, EOS]].sum())
        for worth, text in zip(spelt, every, strict=True)
    ]
    steps = JointSteps(likes(torch.zeros(TOKENS)), 1.0)
    (found,) = beam_search(
        steps, started(logits, torch.tensor([FRAMES])), 1, 60, 9, length_penalty=0.0, normalise=False
    )
    assert found.tokens == every[totals.index(max(totals))] and found.finished
    assert found.score == pytest.approx(max(totals), rel=1e-5)


def test_a_clip_is_searched_alone_as_in_a_batch():
    logits, lens = torch.randn(3, 12, TOKENS) * 3, torch.tensor([12, 5, 8])
    steps = JointSteps(likes(torch.randn(TOKENS)), 0.5)

    def found(logits, lens):
        state = started(logits, lens)
        return beam_search(steps, state, len(lens), 3, 20, normalise=False)

    alone = [found(logits[k : k + 1, : lens[k]], lens[k : k + 1])[0] for k in range(3)]
    for one, other in zip(found(logits, lens), alone, strict=True):
        assert one.tokens == other.tokens and one.score == pytest.approx(other.score, rel=1e-5)
