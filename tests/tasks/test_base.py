import warnings
from functools import partial

import pytest
import torch
from made import Batches
from PIL import Image
from scoring import trainer
from torch import nn

from crossmedia.data.batches import Meta
from crossmedia.errors import DataError
from crossmedia.images.transforms import ImageTransform
from crossmedia.tasks.base import Task, to_uint8

SGD = partial(torch.optim.SGD, lr=0.5)


class Plain(Task):
    """Its loss is its output; keeps the learning rate of every step."""

    def training_step(self, batch, batch_idx):
        self.rates = [*getattr(self, "rates", []), self.trainer.optimizers[0].param_groups[0]["lr"]]
        return self.net(batch).sum()

    def score(self, batch, split):
        self.records.append({"id": batch, "split": split})


def plain(schedule=None, net=None):
    return Plain(net or nn.Linear(2, 1), Meta(image=ImageTransform(4, 1)), SGD, schedule)


def rates(schedule, **more):
    """The learning rates of a training of two epochs, three batches each."""
    task = plain(schedule)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        trainer(max_epochs=2, limit_val_batches=0, **more).fit(task, Batches(*torch.ones(3, 1, 2)))
    return task.rates


def test_a_schedule_that_asks_for_its_length_is_stepped_to_the_end_of_training():
    found = rates(torch.optim.lr_scheduler.CosineAnnealingLR)
    expected = [0.5 * (1 + torch.tensor(step * torch.pi / 6).cos().item()) / 2 for step in range(6)]
    assert found == pytest.approx(expected)


def test_a_partial_schedule_counts_steps_of_the_optimizer_where_gradients_accumulate():
    schedule = partial(torch.optim.lr_scheduler.CosineAnnealingLR, eta_min=0.1)
    assert rates(schedule, accumulate_grad_batches=3) == pytest.approx([0.5] * 3 + [0.3] * 3)


def test_another_schedule_is_stepped_after_each_epoch():
    schedule = partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.1)
    assert rates(schedule) == pytest.approx([0.5] * 3 + [0.05] * 3)


def test_what_is_frozen_is_not_given_to_the_optimizer():
    net = nn.Sequential(nn.Linear(2, 3).requires_grad_(False), nn.Linear(3, 1))
    (group,) = plain(net=net).configure_optimizers()["optimizer"].param_groups
    assert [id(p) for p in group["params"]] == [id(p) for p in net[1].parameters()]


def test_a_fault_that_the_loader_hands_over_is_raised():
    fault = DataError("train/3.png: cut short after 3 bytes")
    with pytest.raises(DataError) as caught:
        plain().on_before_batch_transfer(fault, 0)
    assert caught.value is fault
    assert plain().on_before_batch_transfer("a batch", 0) == "a batch"


def test_validation_and_test_score_alike_each_without_the_records_before(monkeypatch):
    task = plain()
    monkeypatch.setattr(task, "test_split", "test_other")
    for loop, split in (("validate", "val"), ("test", "test_other")):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            getattr(trainer(), loop)(task, Batches("a", "b"), verbose=False)
        assert task.records == [{"id": "a", "split": split}, {"id": "b", "split": split}]


def test_pictures_are_read_as_path_or_tensor_one_or_many(tmp_path):
    Image.new("L", (6, 6), 255).save(tmp_path / "a.png")
    many = [tmp_path / "a.png", str(tmp_path / "a.png"), torch.full((1, 6, 6), 255).byte()]
    assert torch.equal(plain().read(many), torch.ones(3, 1, 4, 4))
    for one in many:
        assert torch.equal(plain().read(one), torch.ones(1, 1, 4, 4))


def test_a_picture_of_pil_is_read_as_its_file_is():
    assert torch.equal(plain().read(Image.new("L", (6, 6), 255)), torch.ones(1, 1, 4, 4))


def test_pixels_come_back_from_the_net_s_scale_in_three_channels():
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    back = to_uint8(ImageTransform(16, 1).normalise(pixels))
    assert torch.equal(back, pixels.expand(1, 3, 16, 16))
    assert to_uint8(torch.tensor([-9.0, 9.0]).view(1, 1, 1, 2)).unique().tolist() == [0, 255]
