from itertools import chain
from types import SimpleNamespace

import pytest
from made import Pictures

from crossmedia.data.module import DataModule
from crossmedia.data.order import Order, address
from crossmedia.data.views import CaptionView, LabelView
from crossmedia.errors import DataError
from crossmedia.images.transforms import ImageTransform
from crossmedia.text.tokenizer import WordTokenizer


def indices(order):
    return [[key.index for key in batch] for batch in order]


def test_each_epoch_is_another_permutation_and_the_same_one_again():
    order = Order(10, 5, seed=0, train=True)
    first = indices(order)
    order.set_epoch(1)
    second = indices(order)
    order.set_epoch(0)
    assert first == indices(order) != second
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(10))


def test_training_drops_the_incomplete_global_batch():
    batches = indices(Order(11, 2, seed=0, train=True, rank=0, ranks=2))
    assert [len(batch) for batch in batches] == [2, 2]


def test_ranks_share_each_epoch_without_overlap():
    ranks = [indices(Order(12, 3, seed=4, train=True, rank=rank, ranks=2)) for rank in range(2)]
    assert sorted(chain(*chain(*ranks))) == list(range(12))


def test_two_ranks_see_the_global_batches_of_one():
    one = indices(Order(12, 6, seed=4, train=True))
    two = [indices(Order(12, 3, seed=4, train=True, rank=rank, ranks=2)) for rank in range(2)]
    assert [sorted(batch) for batch in one] == [sorted(a + b) for a, b in zip(*two, strict=True)]


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_the_ranks_taken_in_turn_go_through_the_samples_as_one_rank_does(ranks, train):
    one = Order(24, 12, seed=4, train=train)
    one.set_epoch(3)
    parts = [Order(24, 12 // ranks, seed=4, train=train, rank=rank, ranks=ranks) for rank in range(ranks)]
    for part in parts:
        part.set_epoch(3)
    in_turn = zip(*(chain(*part) for part in parts), strict=True)
    assert list(chain(*in_turn)) == list(chain(*one))


@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize("size", range(1, 14))
def test_every_uneven_split_is_counted_once(size, ranks):
    parts = [list(Order(size, 2, seed=0, train=False, rank=rank, ranks=ranks)) for rank in range(ranks)]
    keys = [key for part in parts for batch in part for key in batch]
    assert sorted(key.index for key in keys if key.valid) == list(range(size))
    assert len({tuple(len(batch) for batch in part) for part in parts}) == 1  # no rank waits for another


@pytest.mark.parametrize("view", [LabelView, CaptionView])
@pytest.mark.parametrize("size", [1, 5])
def test_a_batch_marks_what_only_fills_its_rank(size, view):
    counted = []
    for rank in range(3):
        data = DataModule(
            Pictures(size), view(), ImageTransform(8, 1), WordTokenizer(), batch_size=1, eval_batch_size=2
        )
        data.learn()
        data.trainer = SimpleNamespace(global_rank=rank, world_size=3)
        for batch in data.loader("val"):
            assert len(batch.ids) == len(batch.inputs) == len(batch.valid)
            counted += [name for name, valid in zip(batch.ids, batch.valid.tolist(), strict=True) if valid]
    assert sorted(counted) == [f"val/{index}" for index in range(size)]


def test_evaluation_counts_each_sample_once_and_gives_ranks_equal_batches():
    ranks = [list(Order(5, 2, seed=0, train=False, rank=rank, ranks=2)) for rank in range(2)]
    valid = [key.index for batches in ranks for batch in batches for key in batch if key.valid]
    assert sorted(valid) == list(range(5))
    assert [len(batches) for batches in ranks] == [2, 2]


def test_evaluation_with_fewer_samples_than_ranks_gives_every_rank_a_batch():
    ranks = [list(Order(1, 2, seed=0, train=False, rank=rank, ranks=3)) for rank in range(3)]
    assert [sum(key.valid for key in batches[0]) for batches in ranks] == [1, 0, 0]


def test_resuming_inside_an_epoch_gives_what_was_left_of_it():
    whole = indices(Order(20, 4, seed=1, train=True))
    assert indices(Order(20, 4, seed=1, train=True).resume(0, 3)) == whole[3:]


def test_too_few_samples_for_a_batch_say_which_size_fits():
    with pytest.raises(DataError, match="data.batch_size=5"):
        Order(5, 8, seed=0, train=True)


def test_fewer_samples_than_ranks_cannot_be_trained_on():
    with pytest.raises(DataError, match="^train: 1 samples do not fill one batch of 2"):
        Order(1, 1, seed=0, train=True, ranks=2)


def test_addresses_differ_where_any_part_does():
    assert len({address(0, 1, "a"), address(1, 0, "a"), address(0, 1, "b"), address(0, 11, "a")}) == 4


def lengths_of(size):
    return [(7 * index) % size for index in range(size)]


def test_batches_of_like_length_hold_each_sample_once_and_change_with_the_epoch():
    lengths = lengths_of(200)
    order = Order(203, 4, seed=0, train=True, lengths=[*lengths, 1, 1, 1])
    first = indices(order)
    order.set_epoch(1)
    second = indices(order)
    order.set_epoch(0)
    assert indices(order) == first != second
    assert len(set(chain(*first))) == 200
    assert {frozenset(batch) for batch in first}.isdisjoint(frozenset(batch) for batch in second)


def test_lengths_leave_little_padding():
    lengths = lengths_of(400)
    plain, alike = (Order(400, 8, seed=0, train=True, lengths=known) for known in (None, lengths))

    def padding(order):
        return sum(max(lengths[k] for k in batch) - lengths[k] for batch in indices(order) for k in batch)

    assert padding(alike) < 0.15 * padding(plain)


def test_batches_of_like_length_come_in_any_order():
    lengths = lengths_of(400)
    longest = [max(lengths[k] for k in batch) for batch in indices(Order(400, 8, 0, True, lengths=lengths))]
    assert longest != sorted(longest) and abs(sum(longest[:25]) / sum(longest[25:]) - 1) < 0.4


def test_two_ranks_see_the_batches_of_like_length_of_one():
    lengths = lengths_of(48)
    one = indices(Order(48, 6, seed=4, train=True, lengths=lengths))
    two = [indices(Order(48, 3, 4, True, rank, 2, lengths)) for rank in range(2)]
    assert [sorted(batch) for batch in one] == [sorted(a + b) for a, b in zip(*two, strict=True)]


def test_an_order_of_like_lengths_goes_on_in_the_middle():
    whole = indices(Order(60, 4, 0, True, lengths=lengths_of(60)))
    assert indices(Order(60, 4, 0, True, lengths=lengths_of(60)).resume(0, 7)) == whole[7:]
