"""What cells tell of a scene, and what is read from what they tell."""

import pytest
import torch
import torch.nn.functional as F

from crossmedia.data.sources.scenes import Scenes
from crossmedia.images.reading import COUNTS, kinds, peaks, right, targets, words

CELLS = 8
EMPTY = [-1] * 5
# shape, colour, size, x, y: a small red circle upper left, a large blue star lower right
TWO = torch.tensor([[[4, 5, 2, 200, 190], [0, 0, 0, 60, 60], EMPTY]])


def told(objects, sure=5.0):
    """The logits (B, 1 + A, G, G) of a reader that is right."""
    slot, near = targets(objects, CELLS)
    rows = torch.arange(len(objects))[:, None, None]
    kind = objects[rows, slot].clamp(min=0)
    x = (torch.arange(CELLS) + 0.5) * 32
    away = torch.hypot(x - objects[rows, slot][..., 3], x[:, None] - objects[rows, slot][..., 4])
    presence = torch.where(near, 1 - away / 100, -1.0)[:, None]  # the surer, the nearer to the middle
    parts = [F.one_hot(kind[..., place], count) for place, count in enumerate(COUNTS)]
    return torch.cat((sure * presence, *(part.movedim(-1, 1) * sure for part in parts)), 1)


def test_a_cell_tells_of_the_object_whose_centre_is_near_its_own():
    slot, near = targets(TWO, CELLS)
    # cell (1, 1) has its centre at 48, 48; (5, 6) at 208, 176
    assert near[0, 1, 1] and slot[0, 1, 1] == 1 and near[0, 5, 6] and slot[0, 5, 6] == 0
    assert not near[0, 3, 3] and not near[0, 0, 7]


@pytest.mark.parametrize("seed", [0, 1])
def test_each_object_of_any_scene_has_a_cell_and_no_cell_two(seed):
    split = Scenes(32, num_train=200, max_objects=3, seed=seed).split("train")
    objects = torch.stack([sample.objects for sample in split.__getitems__(range(200))])
    slot, near = targets(objects, CELLS)
    for row in range(200):
        assert {*slot[row][near[row]].tolist()} == {*(objects[row, :, 0] >= 0).nonzero().flatten().tolist()}
        assert int(peaks(told(objects))[row].sum()) == int((objects[row, :, 0] >= 0).sum())


def test_a_reader_that_is_right_has_all_attributes_and_the_scene():
    count, whole = right(told(TWO), TWO)
    assert count.tolist() == [6] and whole.tolist() == [True]
    assert words(told(TWO)) == [["small red circle", "large blue star"]]


@pytest.mark.parametrize(("place", "value", "left"), [(0, 3, 5), (1, 2, 5), (2, 1, 5)])
def test_one_wrong_attribute_costs_one_and_the_scene(place, value, left):
    said = TWO.clone()
    said[0, 1, place] = value
    count, whole = right(told(said), TWO)
    assert count.tolist() == [left] and whole.tolist() == [False]


def test_an_object_that_is_not_seen_has_none_right():
    said = TWO.clone()
    said[0, 1] = -1
    count, whole = right(told(said), TWO)
    assert count.tolist() == [3] and whole.tolist() == [False]


def test_an_object_that_is_not_there_costs_the_scene():
    said = TWO.clone()
    said[0, 2] = torch.tensor([1, 1, 1, 60, 200])
    count, whole = right(told(said), TWO)
    assert count.tolist() == [6] and whole.tolist() == [False]


def test_of_two_cells_that_are_equally_sure_one_speaks():
    logits = torch.full((1, 1 + sum(COUNTS), CELLS, CELLS), -5.0)
    logits[0, 0, 2, 3:5] = 4.0
    assert int(peaks(logits).sum()) == 1


def test_an_empty_scene_is_read_as_nothing():
    nothing = torch.full((1, 1 + sum(COUNTS), CELLS, CELLS), -5.0)
    assert words(nothing) == [[]] and not peaks(nothing).any() and kinds(nothing).shape == (1, 3, 8, 8)
