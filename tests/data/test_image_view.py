"""Pictures alone."""

import torch
from made import Pictures

from crossmedia.data.batches import Meta
from crossmedia.data.views import ImageView
from crossmedia.images.transforms import ImageTransform


def test_a_batch_holds_the_pictures_and_who_they_are():
    transform = ImageTransform(8, 1)
    samples = [Pictures().split("train")[index] for index in (0, 1)]
    batch = ImageView()(samples, None, Meta(image=transform))
    assert batch.inputs.shape == (2, 1, 8, 8) and batch.ids == ["train/0", "train/1"]
    assert torch.equal(batch.inputs, transform.normalise(torch.stack([sample.image for sample in samples])))
    assert batch.valid.tolist() == [True, True]
