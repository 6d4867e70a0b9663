"""Pictures and the kinds of their objects: what a batch has, and how often training has each kind."""

import pytest
import torch

from crossmedia.data.batches import Meta
from crossmedia.data.chosen import Chosen
from crossmedia.data.module import DataModule
from crossmedia.data.sources.scenes import Scenes
from crossmedia.data.views import KindView
from crossmedia.errors import ConfigError
from crossmedia.images.transforms import ImageTransform
from crossmedia.saved import pack_meta, unpack_meta


def scenes(low=1, high=1):
    return Scenes(32, num_train=400, num_val=4, num_test=4, min_objects=low, max_objects=high)


def test_a_batch_has_the_kinds_of_its_objects_without_their_places():
    split = scenes(2, 2).split("train")
    samples = split.__getitems__(range(8))
    batch = KindView()(samples, None, Meta(objects=2, image=ImageTransform(32, 3)))
    assert batch.inputs.shape == (8, 3, 32, 32) and batch.ids[3] == samples[3].id
    objects = torch.stack([sample.objects for sample in samples])  # with a third place that is empty
    assert torch.equal(batch.kinds, objects[:, :2, :3]) and (batch.kinds >= 0).all()


@pytest.mark.parametrize("objects", [1, 2])
def test_the_data_tells_how_often_training_has_each_kind(objects):
    data = DataModule(scenes(objects, objects), KindView(), ImageTransform(32, 3))
    meta = data.learn()
    samples = data.split("train").__getitems__(range(400))
    told = [tuple(row) for sample in samples for row in sample.objects[:objects, :3].tolist()]
    assert meta.kinds == tuple(sorted((*kind, told.count(kind)) for kind in {*told}))
    assert meta.objects == objects and unpack_meta(pack_meta(meta))[4:7] == (meta.kinds, objects, meta.names)
    assert [len(values) for values in meta.names] == [8, 8, 3] and "ring" in meta.names[0]


def test_objects_are_told_without_drawing_a_picture_of_chosen_scenes_too(monkeypatch):
    split = scenes(1, 2).split("train")
    objects = torch.stack([sample.objects for sample in split.__getitems__(range(9))])
    monkeypatch.setattr("crossmedia.data.sources.scenes.draw", lambda *_: pytest.fail("drew"))
    assert torch.equal(split.objects()[:9], objects)
    assert torch.equal(Chosen(split, [8, 2], []).objects(), objects[[8, 2]])


def test_scenes_of_unlike_numbers_of_objects_are_refused_in_a_line():
    data = DataModule(scenes(1, 2), KindView(), ImageTransform(32, 3))
    with pytest.raises(ConfigError, match="^data.source: scenes of 1 to 2 objects; to draw by kinds, all"):
        data.learn()
