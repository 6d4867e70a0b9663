"""The mean of vectors over a split."""

import torch

from crossmedia.metrics.vectors import VectorMean


def test_the_mean_is_over_all_vectors_of_all_batches():
    metric = VectorMean(2)
    for vectors in ([[1.0, 2.0], [3.0, 4.0]], [[5.0, 9.0]]):
        metric.update(torch.tensor(vectors))
    metric.update(torch.zeros(0, 2))
    assert metric.compute().tolist() == [3, 5]
    metric.reset()
    metric.update(torch.zeros(0, 2))
    assert metric.compute().tolist() == [0, 0]


def test_its_states_can_move_to_a_device_without_float64():
    metric = VectorMean(2)
    metric.update(torch.ones(3, 2, dtype=torch.int64))
    assert {metric.total.dtype, metric.count.dtype} == {torch.float32, torch.int64}
