"""Differentiable augmentation: what may change, by how much, and that gradients pass."""

import pytest
import torch

from crossmedia.images.diffaug import DiffAugment


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_no_policy_changes_nothing():
    images = torch.randn(2, 3, 8, 8)
    assert torch.equal(DiffAugment([])(images), images)


def test_gradients_pass_through_all_of_it():
    images = torch.randn(4, 3, 8, 8, requires_grad=True)
    DiffAugment()(images).sum().backward()
    assert images.grad is not None and all(row.abs().sum() > 0 for row in images.grad)


def test_a_translation_moves_a_point_by_at_most_an_eighth():
    images = torch.zeros(256, 1, 16, 16)
    images[:, :, 8, 8] = 1
    _, _, rows, columns = DiffAugment(["translation"])(images).nonzero().T
    assert len(rows) == 256  # none is lost, none is doubled
    assert sorted({*rows.tolist()}) == sorted({*columns.tolist()}) == [6, 7, 8, 9, 10]


def test_what_a_translation_brings_in_is_zero():
    moved = DiffAugment(["translation"])(torch.ones(64, 1, 8, 8))
    assert {*moved.unique().tolist()} == {0.0, 1.0}


@pytest.mark.parametrize(("side", "hole"), [(8, 4), (10, 5), (15, 8), (16, 8), (32, 16)])
def test_a_cutout_is_a_square_of_half_the_side_or_what_the_border_leaves(side, hole):
    cut = DiffAugment(["cutout"])(torch.ones(512, 1, side, side))[:, 0] == 0
    high, wide = cut.any(2).sum(1), cut.any(1).sum(1)
    assert torch.equal(cut.sum((1, 2)), high * wide)
    border = torch.cat([cut[:, 0], cut[:, -1], cut[:, :, 0], cut[:, :, -1]], 1).any(1)
    assert not border.all() and {*cut[~border].sum((1, 2)).tolist()} == {hole**2}
    assert {*high.tolist()} | {*wide.tolist()} == {*range(-(-hole // 2), hole + 1)}


def test_colour_keeps_shapes_and_changes_each_sample_by_itself():
    images = torch.randn(1, 3, 8, 8).expand(4, -1, -1, -1)
    changed = DiffAugment(["colour"])(images)
    assert len({round(float(row.mean()), 5) for row in changed}) == 4
    grey = images[0].mean(0)
    for row in changed:  # the grey picture is scaled and shifted, no more
        both = torch.stack([grey.flatten(), row.mean(0).flatten()])
        assert torch.corrcoef(both)[0, 1].item() == pytest.approx(1.0, abs=1e-4)


def test_an_unknown_policy_is_named():
    with pytest.raises(ValueError, match="^policy color: must be one of colour, translation, cutout"):
        DiffAugment(["color"])
