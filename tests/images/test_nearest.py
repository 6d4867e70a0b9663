"""The nearest pictures are those that a loop over all pairs finds, whatever the blocks."""

import pytest
import torch

from crossmedia.images import nearest as module
from crossmedia.images.nearest import beside_nearest, nearest


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.manual_seed(seed))


def looped(features, pool, k):
    """Each pair by itself."""
    found = []
    for x in features.double():
        pairs = sorted((float((x - y).norm()), place) for place, y in enumerate(pool.double()))
        found.append(pairs[:k])
    return found


@pytest.mark.parametrize("k", [1, 3, 11])
@pytest.mark.parametrize(("rows", "columns"), [(512, 2048), (2, 4), (1, 1), (7, 11)])
def test_the_nearest_are_those_of_a_loop(monkeypatch, rows, columns, k):
    monkeypatch.setattr(module, "ROWS", rows)
    monkeypatch.setattr(module, "COLUMNS", columns)
    features, pool = drawn(7, 5), drawn(11, 5, seed=1)
    distances, indices = nearest(features, pool, k)
    assert distances.shape == indices.shape == (7, k)
    for row, expected in enumerate(looped(features, pool, k)):
        assert indices[row].tolist() == [place for _, place in expected]
        assert distances[row].tolist() == pytest.approx([distance for distance, _ in expected])


def test_a_copy_is_at_0_however_far_from_the_origin():
    pool = drawn(50, 300) + 1e4
    distances, indices = nearest(pool[7:9], pool)
    assert distances.tolist() == [[0.0], [0.0]] and indices.tolist() == [[7], [8]]


def test_pixels_are_compared_as_they_are():
    pool = torch.tensor([[0, 255], [255, 0], [250, 5]], dtype=torch.uint8)
    distances, indices = nearest(torch.tensor([[252, 5]], dtype=torch.uint8), pool, k=2)
    assert indices.tolist() == [[2, 1]]
    assert distances.tolist() == [[2.0, pytest.approx(34**0.5)]]


def test_none_to_ask_about_gives_none():
    distances, indices = nearest(torch.zeros(0, 3), torch.zeros(4, 3), k=2)
    assert distances.shape == indices.shape == (0, 2)


@pytest.mark.parametrize(
    ("features", "pool", "k", "words"),
    [
        ((2, 3), (4, 5), 1, r"features \[2, 3\]: must be \(N, D\) beside \[4, 5\]"),
        ((2, 3, 1), (4, 3), 1, r"features \[2, 3, 1\]"),
        ((2, 3), (4, 3), 5, "k 5: must be between 1 and the pool's size, 4"),
        ((2, 3), (0, 3), 1, "k 1: must be between 1 and the pool's size, 0"),
        ((2, 3), (4, 3), 0, "k 0: "),
    ],
)
def test_what_cannot_be_compared_is_told(features, pool, k, words):
    with pytest.raises(ValueError, match=words):
        nearest(torch.zeros(features), torch.zeros(pool), k)


def pictures(*greys):
    return torch.stack([torch.full((3, 4, 32), grey, dtype=torch.uint8) for grey in greys])


def test_each_picture_has_the_nearest_beside_it():
    features = torch.tensor([[1.0], [9.0]]), torch.tensor([[1.5], [4.0], [8.8]])
    grid = beside_nearest(pictures(10, 251), pictures(0, 100, 200), features)
    assert grid.images.shape == (2, 3, 4, 32 + 2 + 32)
    assert grid.images[:, 0, 0, [0, 33, 34]].tolist() == [[10, 255, 0], [251, 255, 200]]
    assert grid.captions == ["0.5", "0.2"] and "the nearest of 3 training pictures" in grid.note


def test_the_nearest_is_by_the_features_and_the_note_says_what_is_usual():
    features = torch.tensor([[0.0, 1.0]]), torch.tensor([[9.0, 9.0], [3.0, 5.0]])
    grid = beside_nearest(pictures(10), pictures(10, 200), features, usual=4.256)
    assert int(grid.images[0, 0, 0, -1]) == 200 and grid.captions == ["5"]
    assert grid.note.endswith("Below: the distance of their features; usual for real pictures that are not "
                              "among them: 4.26.")  # fmt: skip
