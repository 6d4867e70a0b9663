"""The codebook: which code an input becomes, how codes follow their inputs, the net around it."""

import math

import pytest
import torch

from crossmedia.nets.codebook import SMOOTHING, Codebook, VQAutoencoder


def grid(*vectors):
    """(1, D, N, 1): one column of vectors."""
    return torch.tensor(vectors, dtype=torch.float32).T[None, :, :, None]


def filled(codes, counts, **more):
    """A codebook that holds these codes, which stand for so many inputs."""
    codes, counts = torch.tensor(codes).float(), torch.tensor(counts).float()
    book = Codebook(*codes.shape, **more)
    book.codes.copy_(codes)
    book.counts.copy_(counts)
    book.sums.copy_(codes * counts[:, None])
    return book


def net(**more):
    return VQAutoencoder(8, Codebook(5, 3), channels=1, widths=(4, 8), blocks=1, **more)


def test_an_input_becomes_the_nearest_code():
    book = filled([[0, 0], [1, 1], [4, 0]], [1, 1, 1]).eval()
    found, tokens = book(grid([0.4, 0.4], [3, 0], [0.9, 0.2]))
    assert tokens.tolist() == [[[0], [2], [1]]] and tokens.dtype == torch.int64
    torch.testing.assert_close(found, grid([0, 0], [4, 0], [1, 1]))


def test_in_eval_mode_nothing_moves():
    book = filled([[0, 0], [1, 1]], [1, 0]).eval()
    before = [part.clone() for part in book.buffers()]
    book(grid([0.4, 0.4], [3, 0]))
    assert all(map(torch.equal, before, book.buffers()))


def test_a_step_moves_counts_and_codes_as_worked_out_by_hand():
    book = filled([[0, 0], [4, 0]], [2, 2], decay=0.75, dead=0.0)
    book(grid([1, 0], [0, 1], [1, 1], [5, 2]))  # three near the first, one near the second
    counts = [0.75 * 2 + 0.25 * 3, 0.75 * 2 + 0.25 * 1]
    assert book.counts.tolist() == counts
    sums = [[0.25 * 2, 0.25 * 2], [0.75 * 8 + 0.25 * 5, 0.25 * 2]]
    expected = torch.tensor(sums) / torch.tensor(counts)[:, None]
    torch.testing.assert_close(book.codes, expected, atol=1e-5, rtol=1e-4)  # but for the smoothing


def test_smoothing_keeps_the_sum_of_the_counts_and_never_divides_by_nothing():
    book = filled([[1.0], [9.0]], [4, 0], decay=0.5, dead=0.0)
    book.counts[1] = book.sums[1] = 0
    book._follow(torch.ones(4, 1), torch.zeros(4, dtype=torch.long))
    smooth = (4 + SMOOTHING) / (4 + 2 * SMOOTHING) * 4
    assert book.codes[:, 0].tolist() == pytest.approx([4 / smooth, 0])


def test_a_code_that_stands_for_too_little_is_put_where_an_input_lies_far_from_the_others():
    book = filled([[0, 0], [50, 50], [1, 0]], [10, 0.2, 10], decay=0.99, dead=0.1)
    far = [9.0, 9.0]
    book(grid([0, 0], [1, 0], [1, 0], far))  # all but one have an error of 0
    assert book.codes[1].tolist() == far
    even = book.counts[1].item()  # of the three before it had its share
    assert even == pytest.approx((0.99 * 20.2 + 0.01 * 4) / 3, rel=1e-5)
    torch.testing.assert_close(book.sums[1], even * book.codes[1])
    torch.testing.assert_close(book.codes[0], torch.zeros(2), atol=1e-3, rtol=0)


def test_a_code_in_use_stays_where_it_is():
    book = filled([[0, 0], [1, 0]], [10, 0.9], decay=0.99, dead=0.1)
    book(grid([0, 0], [9, 9]))
    assert book.codes[1].tolist() != [9, 9]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, 1.8e19])  # 1e30 when it is squared
def test_what_is_not_finite_reaches_the_caller_and_draws_nothing_wrong(value, monkeypatch):
    def drawn(weights, *more, draw=torch.multinomial, **words):
        assert weights.sum().isfinite() and weights.min() > 0  # what CUDA asserts
        return draw(weights, *more, **words)

    monkeypatch.setattr("torch.multinomial", drawn)
    book, inputs = Codebook(8, 2), torch.randn(4, 2, 6, 6)
    book(inputs)
    inputs[1, 0, 2, 3] = inputs[2, 1, 0, 0] = value
    for _ in range(3):  # then the codes are spoilt, too
        found, tokens = book(inputs)
        assert not (inputs - found).square().sum().isfinite()
        assert tokens.min() >= 0 and tokens.max() < 8


def test_inputs_that_are_finite_are_drawn_by_their_errors_alone():
    torch.manual_seed(0)
    flat, errors = torch.randn(50, 2), torch.rand(50)
    book = filled([[0.0, 0.0]] * 9, [0.0] * 9)
    torch.manual_seed(1)
    book._revive(flat, errors)
    torch.manual_seed(1)
    assert torch.equal(book.codes, flat[torch.multinomial(errors, 9, replacement=True)])


def test_from_nothing_the_codes_are_inputs_after_one_pass_and_all_are_used_after_some():
    torch.manual_seed(0)
    book, inputs = Codebook(8, 2), torch.randn(4, 2, 6, 6)
    book(inputs)
    points = inputs.permute(0, 2, 3, 1).flatten(0, 2)
    distances = torch.cdist(book.codes, points).min(1).values
    assert (distances < 0.01).sum() == 7  # the one code that all were nearest to lies between them
    for _ in range(20):
        _, tokens = book(inputs)
    assert len(tokens.unique()) == 8


def test_a_step_drawn_alike_leaves_the_same_bits_and_a_restored_state_goes_on_alike():
    inputs = torch.randn(3, 2, 3, 4, 4)
    books = [Codebook(6, 3), Codebook(6, 3)]
    for place, book in enumerate(books):
        for step, batch in enumerate(inputs):
            torch.manual_seed(step)
            book(batch)
            if place and step == 0:
                fresh = Codebook(6, 3)
                fresh.load_state_dict(book.state_dict())
                books[1] = book = fresh
        books[place] = book
    assert all(map(torch.equal, books[0].buffers(), books[1].buffers()))
    assert {"codes", "counts", "sums"} == {name for name, _ in books[0].named_buffers()}


def test_ranks_move_the_codes_as_one_with_their_batches_together(monkeypatch):
    inputs, sent = torch.randn(4, 3, 2, 2), []
    books = [filled(torch.randn(6, 3).tolist(), [5, 5, 5, 5, 5, 0], dead=0.5) for _ in range(2)]
    books[1].load_state_dict(books[0].state_dict())
    torch.manual_seed(0)
    books[0](torch.cat((inputs, inputs)))
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.all_reduce", lambda part: part.mul_(2))  # another with the same
    monkeypatch.setattr("torch.distributed.broadcast", lambda part, rank: sent.append((part, rank)))
    books[1](inputs)
    torch.testing.assert_close(books[0].counts, books[1].counts)
    torch.testing.assert_close(books[0].codes[:5], books[1].codes[:5])
    assert torch.equal(books[1].codes[5], sent[0][0][5]) and sent[0][1] == 0


def test_under_autocast_near_codes_are_told_apart():
    book = filled([[100.0, 0], [100.2, 0]], [1, 1]).eval()
    with torch.autocast("cpu", torch.bfloat16):
        _, tokens = book(grid([100.01, 0], [100.19, 0]))
    assert tokens.flatten().tolist() == [0, 1]


def test_pictures_become_tokens_and_tokens_pictures():
    made, images = net().eval(), torch.randn(2, 1, 8, 8)
    tokens = made.encode(images)
    assert tokens.shape == (2, 2, 2)
    rebuilt, features, codes, again = made(images)
    assert features.shape == codes.shape == (2, 3, 2, 2) and torch.equal(tokens, again)
    torch.testing.assert_close(made.decode(tokens), rebuilt)


def test_the_gradient_passes_the_codebook_straight():
    made, images = net(), torch.randn(2, 1, 8, 8)
    made(images)  # now there are codes
    rebuilt, features, codes, _ = made(images)
    features.retain_grad()
    (slope,) = torch.autograd.grad(rebuilt.square().sum(), features, retain_graph=True)
    leaf = codes.clone().requires_grad_()
    made.decoder(leaf).square().sum().backward()
    torch.testing.assert_close(slope, leaf.grad)
    assert not codes.requires_grad
    rebuilt.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.encoder.parameters())


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"codes": 0}, "codes 0: must be at least 1"),
        ({"dim": 0}, "dim 0: must be at least 1"),
        ({"decay": 1.0}, "decay 1.0: must be at least 0 and below 1"),
        ({"dead": -0.1}, "dead -0.1: must be at least 0 and below 1"),
        ({"dead": math.nan}, "dead nan: must be at least 0 and below 1"),
    ],
)
def test_a_value_that_cannot_be_is_refused(given, fault):
    with pytest.raises(ValueError, match=fault):
        Codebook(**given)
