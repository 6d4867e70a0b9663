"""Decoders here are tables of logits, so that every sequence can be scored by hand or by enumeration."""

import math

import pytest
import torch

from crossmedia.text.decoding import beam_search
from crossmedia.text.tokenizer import BOS, EOS, PAD, UNK

VOCAB_SIZE = 7


class Table:
    """A random decoder: logits for every two last tokens; own is the one before, common the sample."""

    def __init__(
        self, batch: int, seed: int, vocab_size: int = VOCAB_SIZE, scale: float = 2.0, end: float = 0.0
    ):
        generator = torch.Generator().manual_seed(seed)
        self.logits = scale * torch.randn(batch, vocab_size, vocab_size, vocab_size, generator=generator)
        self.logits[..., EOS] += end
        self.batch = batch
        self.rows: list[int] = []  # how many hypotheses each step was asked for

    def start(self, samples=None):
        samples = torch.arange(self.batch) if samples is None else samples
        return (torch.zeros_like(samples),), samples

    def step(self, tokens, state):
        (before,), sample = state
        self.rows.append(len(tokens))
        each = sample.repeat_interleave(len(tokens) // max(len(sample), 1))  # one row for all of a sample
        return self.logits[each, before, tokens], ((tokens.clone(),), sample)

    def score(self, sample: int, tokens: list[int], length_penalty: float) -> float:
        """The normalised log-probability of a whole sequence, its eos included where it has one."""
        total, before, last = 0.0, 0, BOS
        for token in tokens:
            total += self.logits[sample, before, last].log_softmax(-1)[token].item()
            before, last = last, token
        return total / ((5 + len(tokens)) / 6) ** length_penalty

    def greedy(self, sample: int, max_len: int) -> list[int]:
        tokens, before, last = [], 0, BOS
        while len(tokens) < max_len and last != EOS:
            logits = self.logits[sample, before, last].clone()
            logits[[PAD, BOS]] = -math.inf
            before, last = last, int(logits.argmax())
            tokens.append(last)
        return tokens

    def best(self, sample: int, max_len: int, length_penalty: float) -> list[int]:
        """The best of all sequences that end with eos or reach the limit."""
        whole, open_ = [], [[]]
        for length in range(1, max_len + 1):
            longer = [[*tokens, token] for tokens in open_ for token in range(EOS, self.logits.shape[-1])]
            whole += [tokens for tokens in longer if tokens[-1] == EOS or length == max_len]
            open_ = [tokens for tokens in longer if tokens[-1] != EOS]
        return max(whole, key=lambda tokens: self.score(sample, tokens, length_penalty))


def search(table, beam, max_len, length_penalty=0.6):
    return beam_search(table.step, table.start(), table.batch, beam, max_len, length_penalty)


def sequence(hypothesis):
    """Its tokens as the table scores them."""
    return [*hypothesis.tokens, EOS] if hypothesis.finished else hypothesis.tokens


@pytest.mark.parametrize("vocab_size, max_len", [(4, 1), (5, 4), (6, 3)])
@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 2.0])
def test_a_beam_that_holds_every_sequence_finds_the_best_of_all(vocab_size, max_len, length_penalty):
    table = Table(6, seed=vocab_size, vocab_size=vocab_size)
    found = search(table, vocab_size**max_len, max_len, length_penalty)
    for sample, hypothesis in enumerate(found):
        best = table.best(sample, max_len, length_penalty)
        assert sequence(hypothesis) == best
        assert hypothesis.score == pytest.approx(table.score(sample, best, length_penalty), abs=1e-5)


@pytest.mark.parametrize("beam", [1, 2, 5, 30])
def test_the_score_is_that_of_the_tokens(beam):
    table = Table(8, seed=1, end=-1.0)
    for sample, hypothesis in enumerate(search(table, beam, 8)):
        expected = table.score(sample, sequence(hypothesis), 0.6)
        assert hypothesis.score == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("length_penalty", [0.6, 3.0])
@pytest.mark.parametrize("end", [-2.0, 0.0, 2.0])
def test_a_beam_of_one_is_greedy(end, length_penalty):
    table = Table(40, seed=2, end=end)
    for sample, hypothesis in enumerate(search(table, 1, 9, length_penalty)):
        assert sequence(hypothesis) == table.greedy(sample, 9)


@pytest.mark.parametrize("beam", [2, 3, 5])
@pytest.mark.parametrize("scale, end", [(0.5, -1.0), (2.0, -1.0), (2.0, 1.0)])
def test_no_score_is_below_greedys(beam, scale, end):
    table = Table(60, seed=3, scale=scale, end=end)
    for sample, hypothesis in enumerate(search(table, beam, 9)):
        assert hypothesis.score > table.score(sample, table.greedy(sample, 9), 0.6) - 1e-5


def test_a_wider_beam_scores_better_on_average():
    table = Table(60, seed=4, end=-1.0)
    mean = [sum(hypothesis.score for hypothesis in search(table, beam, 9)) for beam in (1, 3, 10)]
    assert mean[0] < mean[1] < mean[2]


def test_the_better_hypothesis_wins_over_the_shorter_one():
    a, b = UNK + 1, UNK + 2
    first, then = torch.full((6,), -torch.inf), torch.full((6,), -torch.inf)
    first[[EOS, a]] = torch.tensor([0.4, 0.6]).log()
    then[[EOS, b]] = torch.tensor([0.99, 0.01]).log()

    def step(tokens, state):
        return torch.where((tokens == BOS)[:, None], first, then), state

    for length_penalty in (0.0, 0.6):
        (found,) = beam_search(step, ((), ()), 1, 2, 10, length_penalty)
        assert (found.tokens, found.finished) == ([a], True)
        assert found.score == pytest.approx(math.log(0.6 * 0.99) / (7 / 6) ** length_penalty, abs=1e-6)


def test_the_penalty_prefers_longer_hypotheses():
    a = UNK + 1
    first, then = torch.full((5,), -torch.inf), torch.full((5,), -torch.inf)
    first[[EOS, a]] = torch.tensor([0.5, 0.5]).log()
    then[[EOS, a]] = torch.tensor([0.9, 0.1]).log()

    def step(tokens, state):
        return torch.where((tokens == BOS)[:, None], first, then), state

    assert beam_search(step, ((), ()), 1, 3, 5, length_penalty=0.0)[0].tokens == []  # 0.5 against 0.45
    assert beam_search(step, ((), ()), 1, 3, 5, length_penalty=1.0)[0].tokens == [a]


def test_what_never_ends_is_cut_at_the_limit_and_told_apart():
    table = Table(12, seed=5, end=-1e4)
    found = search(table, 3, 4)
    assert len(found) == 12
    assert all(len(hypothesis.tokens) == 4 and not hypothesis.finished for hypothesis in found)
    assert all(math.isfinite(hypothesis.score) for hypothesis in found)


def test_pad_and_bos_are_never_chosen():
    table = Table(20, seed=6)
    table.logits[..., [PAD, BOS]] += 50
    for hypothesis in search(table, 3, 6):
        assert not {PAD, BOS, EOS} & set(hypothesis.tokens)


def test_a_decoder_that_knows_nothing_but_the_end_gives_empty_texts():
    table = Table(3, seed=7, vocab_size=4)
    table.logits[..., UNK] = -torch.inf
    assert [sequence(hypothesis) for hypothesis in search(table, 3, 5)] == [[EOS]] * 3


@pytest.mark.parametrize("beam", [1, 2, 4, 20])
def test_a_sample_is_decoded_alone_as_in_a_batch(beam):
    table = Table(30, seed=8)
    for sample, together in enumerate(search(table, beam, 9)):
        (alone,) = beam_search(table.step, table.start(torch.tensor([sample])), 1, beam, 9)
        assert (alone.tokens, alone.finished) == (together.tokens, together.finished)
        assert alone.score == pytest.approx(together.score, abs=1e-5)


def test_samples_that_are_done_are_no_longer_computed():
    table = Table(4, seed=9)
    table.logits[..., EOS] = -20.0
    table.logits[:3, ..., EOS] = 20.0  # one of the four goes on to the limit
    search(table, 2, 6)
    assert table.rows == [4, 2, 2, 2, 2, 2]


def test_the_search_ends_when_nothing_can_overtake_the_best():
    table = Table(5, seed=10)
    table.logits[..., EOS] = 20.0
    search(table, 4, 50)
    assert len(table.rows) == 1


def test_each_hypothesis_keeps_its_own_state():
    """The state holds all tokens so far; logits that depend on it come out wrong once states are mixed up."""
    weights = torch.randn(50, VOCAB_SIZE, generator=torch.Generator().manual_seed(0))
    weights[:, EOS] -= 2

    def logits(history):  # (N, L) -> (N, V)
        places = (history * torch.arange(1, history.shape[1] + 1)).sum(1) % 50
        return 2 * weights[places]

    def step(tokens, state):
        history = torch.cat([state[0], tokens[:, None]], 1)
        return logits(history), (history, ())

    for sample, hypothesis in enumerate(beam_search(step, (torch.arange(12)[:, None], ()), 12, 4, 7)):
        total, history = 0.0, [sample, BOS]
        for token in sequence(hypothesis):
            total += logits(torch.tensor([history])).log_softmax(-1)[0, token].item()
            history.append(token)
        length = len(history) - 2
        assert hypothesis.score == pytest.approx(total / ((5 + length) / 6) ** 0.6, abs=1e-5)


def test_what_a_samples_hypotheses_have_in_common_is_not_copied_while_no_sample_leaves():
    table = Table(6, seed=11, end=-1e4)
    memory = torch.arange(6.0)[:, None]
    seen = []

    def step(tokens, state):
        own, (sample, memory) = state
        seen.append(memory)
        logits, (own, sample) = table.step(tokens, (own, sample))
        return logits, (own, (sample, memory))

    own, sample = table.start()
    beam_search(step, (own, (sample, memory)), 6, 3, 8)
    assert all(tensor is memory for tensor in seen) and len(seen) == 8


def test_what_is_common_leaves_with_its_sample():
    table = Table(8, seed=11)
    table.logits[..., EOS] = -20.0
    table.logits[::2, ..., EOS] = 20.0
    seen = []

    def step(tokens, state):
        seen.append(state[1].tolist())
        return table.step(tokens, state)

    beam_search(step, table.start(), 8, 3, 4)
    assert seen == [list(range(8)), *[[1, 3, 5, 7]] * 3]


def test_an_empty_batch_gives_nothing():
    assert beam_search(Table(1, seed=12).step, Table(1, seed=12).start(torch.arange(0)), 0, 3, 5) == []


@pytest.mark.parametrize(
    "values, message",
    [((0, 5, 0.6), "beam 0: "), ((1, 0, 0.6), "max_len 0: "), ((1, 5, -1), "length_penalty -1: ")],
)
def test_values_out_of_range_are_errors(values, message):
    with pytest.raises(ValueError, match=message + "must be at least"):
        search(Table(1, seed=13), *values)


def test_each_sample_may_have_a_limit_of_its_own():
    for seed, beam in [(seed, beam) for seed in range(8) for beam in (1, 3)]:
        table, limits = Table(5, seed=seed, end=-3.0), [2, 9, 4, 1, 6]
        together = search(table, beam, limits)
        for sample, limit in enumerate(limits):
            state = table.start(torch.tensor([sample]))
            (alone,) = beam_search(table.step, state, 1, beam, limit)
            assert together[sample]._replace(score=0) == alone._replace(score=0)
            assert together[sample].score == pytest.approx(alone.score, abs=1e-5)
