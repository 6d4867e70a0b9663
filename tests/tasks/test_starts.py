"""From what a generator starts: the same latents and kinds for an address, kinds as often as in training."""

import pytest
import torch
from torch import nn

from crossmedia.data.batches import KindBatch, Meta
from crossmedia.data.sources.scenes import Scenes
from crossmedia.errors import ConfigError
from crossmedia.images.transforms import ImageTransform
from crossmedia.metrics.embedded import SceneFeatures
from crossmedia.tasks.starts import Starts

META = Meta(kinds=((0, 1, 30), (2, 0, 10)), objects=2)


def pictures():
    split = Scenes(32, num_test=40, max_objects=1).split("test")
    samples = split.__getitems__(range(40))
    images = ImageTransform(32).normalise(torch.stack([sample.image for sample in samples]))
    return images, torch.stack([sample.objects for sample in samples])


class Net(nn.Module):
    latent_dim, objects = 4, 2

    def __init__(self, kinds=(3, 2)):
        super().__init__()
        self.kinds = kinds


def test_an_address_names_its_latents_and_kinds_whatever_stands_beside():
    starts = Starts(Net(), META)
    latents, kinds = starts.named(("a", 1), ("a", 2))
    alone = starts.named(("a", 2))
    assert latents.shape == (2, 4) and kinds.shape == (2, 2, 2)
    assert torch.equal(alone[0][0], latents[1]) and torch.equal(alone[1][0], kinds[1])
    assert not torch.equal(latents[0], latents[1])


def test_kinds_are_drawn_as_often_as_training_has_them():
    _, kinds = Starts(Net(), META).named(*(("a", number) for number in range(1000)))
    rows = kinds.flatten(0, 1).tolist()
    assert sorted(map(list, {*map(tuple, rows)})) == [[0, 1], [2, 0]]
    assert rows.count([0, 1]) / len(rows) == pytest.approx(0.75, abs=0.04)  # 4 deviations


def test_kinds_are_numbered_as_the_features_number_their_classes():
    images, objects = pictures()
    net = Net((8, 8, 3))
    net.objects = 1
    starts = Starts(net, Meta(kinds=((7, 7, 2, 1),), objects=1))
    numbers = starts.numbers((torch.zeros(len(images), 4), objects[:, :1, :3]))
    read = SceneFeatures()(images).probabilities.argmax(1)
    assert len(numbers.unique()) > 20 and (numbers == read).float().mean() >= 0.95


def test_beside_a_batch_kinds_are_the_batch_s():
    told = torch.tensor([[[0, 1], [2, 0]]] * 3)
    batch = KindBatch(torch.zeros(3, 1, 8, 8), told, torch.ones(3, dtype=torch.bool), [""] * 3)
    starts = Starts(Net(), META)
    (one, kinds), (two, _) = starts.beside(batch), starts.beside(batch)
    assert torch.equal(kinds, told) and one.shape == (3, 4) and not torch.equal(one, two)
    assert [part.shape for part in Starts(Net(()), Meta()).beside(batch)] == [(3, 4)]


def test_on_the_way_to_the_next_kinds_change_half_way():
    starts = Starts(Net(), META)
    corners = starts.named(*(("corner", number) for number in range(3)))
    latents, kinds = starts.ways(corners, 4)
    assert latents.shape == (8, 4)
    torch.testing.assert_close(latents[[0, 3, 4, 7]], corners[0][[0, 1, 1, 2]])
    assert torch.equal(kinds, corners[1][[0, 0, 1, 1, 1, 1, 2, 2]])


@pytest.mark.parametrize(
    ("kinds", "meta", "words"),
    [
        ((), META, "^data.view: tells kinds of objects, and model.net is told none. Set both or neither"),
        ((3, 2), Meta(), "^data.view: tells no kinds of objects, and model.net is told some"),
        ((2, 2), META, r"^model.net.kinds=\[2, 2\]: the data has \[3, 2\]"),
        ((3,), META, r"^model.net.kinds=\[3\]: the data has \[3, 2\]"),
        ((3, 2), META._replace(objects=1), "^model.net.objects=2: the data has 1 in each scene"),
    ],
)
def test_kinds_of_net_and_data_that_do_not_fit_are_told(kinds, meta, words):
    with pytest.raises(ConfigError, match=words):
        Starts(Net(kinds), meta)
