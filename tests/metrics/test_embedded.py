"""The nets that crossmedia carries read what they score: held-out scenes, handwritten digits."""

import pytest
import torch

from crossmedia.data.sources.digits import Digits
from crossmedia.data.sources.scenes import Scenes
from crossmedia.images.reading import COUNTS, right
from crossmedia.images.transforms import ImageTransform
from crossmedia.metrics.embedded import HOME, DigitFeatures, SceneFeatures, embedded

COUNT = 240


def scenes(objects=3, size=32):
    """Held-out pictures in [-1, 1], and what is in them."""
    source = Scenes(size, num_test=COUNT, max_objects=objects, held_out=False, seed=7)
    samples = source.split("test").__getitems__(range(COUNT))
    images = ImageTransform(size).normalise(torch.stack([sample.image for sample in samples]))
    return images, torch.stack([sample.objects for sample in samples])


def test_the_carried_files_are_small():
    sizes = [path.stat().st_size for path in HOME.glob("*/model.safetensors")]
    assert len(sizes) == 3 and max(sizes) < 1e6


@pytest.mark.parametrize("size", [32, 64])
def test_the_reader_reads_the_attributes_of_scenes_it_has_never_seen(size):
    images, objects = scenes(size=size)
    count, _ = right(SceneFeatures().net(images), objects)
    assert count.sum() / (3 * (objects[..., 0] >= 0).sum()) >= 0.998


def test_the_small_reader_reads_nearly_as_well():
    images, objects = scenes()
    count, _ = right(embedded("scenes_small")(images), objects)
    assert count.sum() / (3 * (objects[..., 0] >= 0).sum()) >= 0.98


def test_the_probabilities_of_a_scene_sum_to_1_and_name_the_kind_that_was_drawn():
    images, objects = scenes(objects=1)
    features, probabilities = SceneFeatures()(images)
    shape, colour, size = objects[:, 0, :3].T
    kind = (shape * COUNTS[1] + colour) * COUNTS[2] + size
    torch.testing.assert_close(probabilities.sum(1), torch.ones(COUNT))
    assert (probabilities.argmax(1) == kind).float().mean() >= 0.99
    assert len(features) == COUNT and features.dtype == probabilities.dtype == torch.float32


def test_a_picture_of_nothing_is_of_any_kind():
    _, probabilities = SceneFeatures()(scenes()[0][:1] * 0)
    assert probabilities.max() < 0.5 and probabilities.sum().item() == pytest.approx(1, abs=1e-5)


def test_a_grey_scene_has_features():
    assert SceneFeatures()(torch.zeros(2, 1, 32, 32)).features.shape == (2, 96)


@pytest.mark.parametrize("channels", [1, 3])
def test_digits_that_were_held_out_are_read(channels):
    split = Digits().split("test")
    samples = [split[index] for index in range(len(split))]
    transform = ImageTransform(8, 1)
    images = transform.normalise(torch.stack([transform.prepare(sample.image) for sample in samples]))
    features, probabilities = DigitFeatures()(images.expand(-1, channels, -1, -1))
    labels = torch.tensor([sample.label for sample in samples])
    torch.testing.assert_close(probabilities.sum(1), torch.ones(len(labels)))
    assert (probabilities.argmax(1) == labels).float().mean() >= 0.98
    assert len(features) == len(labels) > 300


def test_pictures_agree_where_each_object_is_read_alike():
    one, two = (scenes(objects=count)[0] for count in (1, 2))
    features, empty = SceneFeatures(), torch.full((1, 3, 32, 32), -0.6)
    assert features.agreement(one, one).tolist() == [1.0] * COUNT
    assert features.agreement(empty, empty).tolist() == [1.0]
    assert features.agreement(empty, one[:1]).tolist() == features.agreement(one[:1], empty).tolist() == [0.0]
    assert features.agreement(two, two.flip(0)).mean() < 0.2


def test_an_object_that_is_added_is_as_wrong_as_one_that_is_lacking():
    images, objects = scenes(objects=1)
    left = images[(objects[:, 0, 3] < 100)][:8]
    right = images[(objects[:, 0, 3] > 156)][:8]
    both = left.clone()
    both[..., 16:] = right[..., 16:]  # each in its half
    features = SceneFeatures()
    assert features.agreement(left, both).tolist() == [0.5] * 8
    assert features.agreement(both, left).tolist() == [0.5] * 8


def test_the_nets_are_frozen():
    for net in (SceneFeatures().net, DigitFeatures().net):
        assert not net.training and not any(weight.requires_grad for weight in net.parameters())
