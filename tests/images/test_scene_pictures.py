from itertools import combinations, product

import numpy as np
import pytest
import torch

from crossmedia.images.scenes import COLOURS, RADII, SHADES, SHAPES, UNIT, Layout, draw, signed_distance

KINDS = list(product(range(len(SHAPES)), range(len(RADII))))


def one_each(kinds, x=128, y=128, colour=0, shade=16):
    """A layout of single objects, one scene for each (shape, size)."""
    shapes, sizes = np.array(kinds).T[..., None]  # (B, 1) each
    places = np.broadcast_to([x, y], (len(kinds), 1, 2))
    rest = np.ones(len(kinds), int)
    return Layout(rest, shapes, np.full_like(shapes, colour), sizes, places, rest * shade)


def coverage(images, colour=0, shade=16):
    """How much of each pixel a single object covers, (B, S, S), from its first channel."""
    return (images[:, 0].float() - shade) / (list(COLOURS.values())[colour][0] - shade)


def lab(rgb):
    """CIE L*a*b* under D65, of 8-bit sRGB."""
    c = np.array(rgb) / 255
    c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    f = to_xyz @ c / [0.9505, 1, 1.089]
    f = np.where(f > 0.008856, np.cbrt(f), 7.787 * f + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("size", [17, 32, 64, 100])
def test_pictures_are_bytes_of_the_size_asked_for(size):
    images = draw(one_each(KINDS), size)
    assert images.shape == (len(KINDS), 3, size, size)
    assert images.dtype == torch.uint8 and images.is_contiguous()


def test_no_scenes_make_no_pictures():
    assert draw(one_each(KINDS)._replace(counts=np.zeros(0, int), shades=np.zeros(0, int)), 32).shape == (
        0,
        3,
        32,
        32,
    )


def test_an_object_has_its_colour_on_its_ground():
    for colour, rgb in enumerate(COLOURS.values()):
        image = draw(one_each([(SHAPES.index("square"), 2)], colour=colour, shade=50), 64)[0]
        assert image[:, 32, 32].tolist() == list(rgb)
        assert image[:, 0, 0].tolist() == [50, 50, 50]


def test_a_ring_shows_the_ground_inside():
    assert draw(one_each([(SHAPES.index("ring"), 0)]), 32)[0, :, 16, 16].tolist() == [16, 16, 16]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_edge_pixel_is_covered_as_much_as_the_shape_covers_it(shape):
    size, fine = 32, 16
    radius = RADII["large"] * size / UNIT
    points = (torch.arange(size * fine) + 0.5) / fine - size / 2  # 16 × 16 points a pixel
    y, x = torch.meshgrid(points / radius, points / radius, indexing="ij")
    inside = torch.from_numpy(signed_distance(shape, x.numpy(), y.numpy()) < 0).float()
    true = inside.view(size, fine, size, fine).mean((1, 3))
    drawn = coverage(draw(one_each([(SHAPES.index(shape), 2)]), size))[0]
    assert (drawn - true).abs().max() < 0.25  # at a sharp corner, where a distance is no area
    assert abs(drawn.sum() / true.sum() - 1) < 0.02


@pytest.mark.parametrize("shape", SHAPES)
def test_the_distance_grows_as_fast_as_one_walks(shape):
    x, y = np.random.default_rng(0).uniform(-1.5, 1.5, (2, 4000))
    step = 1e-5
    slope = np.hypot(
        signed_distance(shape, x + step, y) - signed_distance(shape, x - step, y),
        signed_distance(shape, x, y + step) - signed_distance(shape, x, y - step),
    ) / (2 * step)
    assert np.median(np.abs(slope - 1)) < 1e-6 and np.mean(np.abs(slope - 1) > 1e-3) < 0.02


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_fills_its_square_and_stays_inside(shape):
    edge = np.linspace(-1.01, 1.01, 203)
    y, x = np.meshgrid(edge, edge, indexing="ij")
    inside = signed_distance(shape, x, y) < 0
    assert not inside[[0, -1]].any() and not inside[:, [0, -1]].any()
    assert all(np.ptp(axis[inside]) > 1.4 for axis in (x, y))
    assert abs(y[inside].max() + y[inside].min()) < 0.15 and abs(x[inside].max() + x[inside].min()) < 0.05


def test_the_next_size_of_each_shape_covers_much_more():
    area = coverage(draw(one_each(KINDS), 32)).sum((1, 2)).view(len(SHAPES), len(RADII))
    assert (area[:, 1:] / area[:, :-1]).min() > 1.7


def test_two_shapes_differ_at_32_pixels_even_if_small():
    for x, y in ((128, 128), (130, 133), (127, 132)):
        small = coverage(draw(one_each([(shape, 0) for shape in range(len(SHAPES))], x, y), 32)).flatten(1)
        for first, second in combinations(range(len(SHAPES)), 2):
            least = min(small[first].sum(), small[second].sum())
            assert (small[first] - small[second]).abs().sum() > 0.15 * least, (SHAPES[first], SHAPES[second])


def test_colours_differ_from_one_another_and_from_every_ground():
    colours = [lab(rgb) for rgb in COLOURS.values()]
    grounds = [lab([shade] * 3) for shade in SHADES]
    assert min(np.linalg.norm(a - b) for a, b in combinations(colours, 2)) > 35
    assert min(np.linalg.norm(a - b) for a in colours for b in grounds) > 50


@pytest.mark.parametrize("size", [32, 50, 64])
def test_an_object_lies_where_its_place_says(size):
    for x, y in ((60, 190), (128, 75), (201, 131)):
        drawn = coverage(draw(one_each([(SHAPES.index("circle"), 1)], x, y), size))[0]
        centres = torch.arange(size) + 0.5
        middle = (drawn.sum(0) @ centres / drawn.sum(), drawn.sum(1) @ centres / drawn.sum())  # x, y
        assert middle == pytest.approx((x * size / UNIT, y * size / UNIT), abs=0.15)


def test_objects_do_not_disturb_each_other_or_the_order():
    first, second = one_each(KINDS, 60, 128), one_each(KINDS, 160, 120, colour=5)
    both = [np.concatenate(parts, 1) for parts in zip(first[1:5], second[1:5], strict=True)]
    images = draw(Layout(first.counts * 2, *both, first.shades), 64)
    turned = draw(Layout(first.counts * 2, *(part[:, ::-1] for part in both), first.shades), 64)
    assert torch.equal(images, turned)
    alone = draw(first, 64), draw(second, 64)
    assert torch.equal(images.int(), alone[0].int() + alone[1].int() - 16)
