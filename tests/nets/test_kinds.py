import torch

from crossmedia.nets.kinds import one_hot


def test_each_attribute_has_its_columns_and_an_object_that_is_not_there_none():
    kinds = torch.tensor([[[0, 1], [2, 0]], [[1, 1], [-1, -1]]])
    found = one_hot(kinds, (3, 2)).tolist()
    assert found == [[[1, 0, 0, 0, 1], [0, 0, 1, 1, 0]], [[0, 1, 0, 0, 1], [0, 0, 0, 0, 0]]]
