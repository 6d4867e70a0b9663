from itertools import chain

import pytest

from crossmedia.data.order import Order, address
from crossmedia.errors import DataError


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


def test_addresses_differ_where_any_part_does():
    assert len({address(0, 1, "a"), address(1, 0, "a"), address(0, 1, "b"), address(0, 11, "a")}) == 4
