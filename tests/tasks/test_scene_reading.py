"""Reading scenes: it learns a batch, scores count objects, and the largest logits are the words."""

import functools

import pytest
import torch

from crossmedia.data.batches import Meta, ObjectBatch
from crossmedia.data.sources.scenes import Scenes
from crossmedia.images.transforms import ImageTransform
from crossmedia.nets.reader import SceneReader
from crossmedia.tasks import reading
from crossmedia.tasks.base import to_uint8
from crossmedia.tasks.reading import SceneReading


def task(widths=(8, 16, 16)):
    torch.manual_seed(0)
    optimizer = functools.partial(torch.optim.Adam, lr=1e-2)
    return SceneReading(SceneReader([8, 8, 3], widths=widths), Meta(image=ImageTransform(32)), optimizer)


def batch_of(count, size=32, valid=None):
    samples = Scenes(size, num_train=64).split("train").__getitems__(range(count))
    return ObjectBatch(
        ImageTransform(size).normalise(torch.stack([sample.image for sample in samples])),
        torch.stack([sample.objects for sample in samples]),
        torch.ones(count, dtype=torch.bool) if valid is None else torch.tensor(valid),
        [sample.id for sample in samples],
    )


def test_it_learns_one_batch():
    model, batch = task(), batch_of(4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(120):
        optimizer.zero_grad()
        loss = model._losses(model.net(batch.inputs), batch.objects).mean()
        loss.backward()
        optimizer.step()
    assert loss < 0.05


def test_a_scene_weighs_as_much_as_another_whatever_it_holds():
    model, batch = task().eval(), batch_of(6)
    with torch.no_grad():
        alone = [model._losses(model.net(batch.inputs[[i]]), batch.objects[[i]]) for i in range(6)]
        together = model._losses(model.net(batch.inputs), batch.objects)
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)


def test_a_larger_picture_is_averaged_to_the_readers_size():
    torch.manual_seed(0)
    net = SceneReader([8, 8, 3], image_size=16, widths=(4, 4))
    fine = torch.zeros(1, 3, 32, 32)
    fine[..., ::2, ::2] = fine[..., 1::2, 1::2] = 1.0  # a chessboard: grey at half its size
    grey = torch.full((1, 3, 16, 16), 0.5)
    torch.testing.assert_close(net.eval()(fine)[..., 4, 4], net(grey)[..., 4, 4], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("size", [(32, 16), (16, 32)])
def test_a_picture_that_is_as_wide_or_as_high_alone_is_resized_too(size):
    net = SceneReader([8, 8, 3], image_size=16, widths=(4, 4)).eval()
    assert net(torch.zeros(1, 3, *size)).shape == net(torch.zeros(1, 3, 16, 16)).shape


@pytest.mark.parametrize("name", ["attribute_accuracy", "scene_accuracy"])
def test_what_only_fills_a_batch_is_not_scored(name):
    model = task().eval()
    found = []
    for batch in (batch_of(2), batch_of(4, valid=[True, True, False, False])):
        model.forget()
        model.log = lambda *args, **more: None
        model.log_score = lambda *args: None
        with torch.no_grad():
            model.score(batch, "val")
        found.append(float(getattr(model, name).compute()))
        getattr(model, name).reset()
        assert [record["id"] for record in model.records] == ["train-0", "train-1"]
    assert found[0] == found[1]


def test_the_page_shows_what_is_read_the_wrong_ones_first(monkeypatch):
    model, batch = task().eval(), batch_of(3)
    monkeypatch.setattr(reading, "right", lambda *_: (torch.tensor([3, 2, 3]), torch.tensor([1.0, 0.0, 1.0])))
    monkeypatch.setattr(reading, "words", lambda _: [["a red ball"], [], ["a box", "a ring"]])
    model.log_score = lambda *args: None
    model.forget()
    assert model.panels("test") == []
    with torch.no_grad():
        model.score(batch, "test")
    (grid,) = model.panels("test")
    assert grid.captions == ["nothing", "a red ball", "a box\na ring"]
    assert grid.note == "Read wrong: the first 1."
    assert torch.equal(grid.images, to_uint8(batch.inputs[[1, 0, 2]]))
    model.forget()
    assert model.panels("test") == []
