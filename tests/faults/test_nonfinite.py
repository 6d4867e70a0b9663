"""What is not finite stops the run in its step: the weights stay, and what was saved before stays good."""

import re
from functools import partial
from math import inf, isfinite, nan
from typing import Any, NamedTuple

import pytest
import torch
from made import Batches
from pytorch_lightning.plugins import MixedPrecision
from torch import Tensor
from trainer.tiny import Tiny, fit, trainer

from crossmedia.data.batches import ImageBatch, Meta
from crossmedia.errors import NonFiniteError
from crossmedia.nets.codebook import Codebook, VQAutoencoder
from crossmedia.saved import read_checkpoint
from crossmedia.tasks.vqvae import VQVAE
from crossmedia.trainer.checkpoints import AtomicCheckpointIO, Checkpoints
from crossmedia.trainer.steps import Steps

FAULTS = {  # of a loss, given the weight
    "a loss that is NaN": lambda weight: weight * nan,
    "a loss that is infinite": lambda weight: weight * inf,
    "a part of the loss that moves no weight": lambda weight: weight + nan,
    "an infinite gradient under a finite loss": lambda weight: (weight - weight.detach()).sqrt(),
    "a NaN gradient under a finite loss": lambda weight: (weight - weight.detach()).square().sqrt(),
}
WAYS: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {  # epoch and batch of the fault, how it is trained
    "at the first step": ((0, 0), {}),
    "later": ((1, 2), {}),
    "amid an accumulation": ((1, 1), {"accumulate_grad_batches": 4}),
    "before clipping": ((1, 2), {"gradient_clip_val": 1.0}),
    "in bfloat16": ((1, 2), {"precision": "bf16-mixed"}),
}
CONTENTS = {"format": 1, "model": {}, "meta": {}}


class Faulty(Tiny):
    """Trains until the fault; keeps the weight each step began with."""

    def __init__(self, fault=None, at=(1, 2), lr=0.125):
        super().__init__()
        self.fault, self.at, self.lr = fault, at, lr
        self.weights = []

    def training_step(self, batch, batch_idx):
        self.weights.append(self.weight.item())
        faulty = self.fault and (self.current_epoch, batch_idx) == self.at
        return self.fault(self.weight) if faulty else super().training_step(batch, batch_idx)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD([self.weight], lr=self.lr)


def kept(tmp_path):
    return Checkpoints(tmp_path, "val/score", "max", CONTENTS)


def stopped(tmp_path, module, **more):
    """The one line with which the training ended."""
    with pytest.raises(NonFiniteError) as caught:
        fit(module, Steps(1), kept(tmp_path), plugins=[AtomicCheckpointIO()], **more)
    (line,) = caught.value.report().splitlines()
    assert len(line) <= 240 and caught.value.code == 7
    return line


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_stops_its_step_before_the_weights_move(tmp_path, fault, way):
    at, more = WAYS[way]
    module = Faulty(FAULTS[fault], at)
    line = stopped(tmp_path, module, **more)
    steps = sum(at) if way == "at the first step" else 4 * at[0] + at[1]
    assert f"epoch {at[0]} step {1 if 'amid' in way else steps}" in line and "train/loss=" in line
    assert ("weight has a gradient of" in line) == ("finite loss" in fault)
    assert isfinite(module.weight.item()) and module.weight.item() == module.weights[-1]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_saved_before_a_fault_stays_good(tmp_path, fault):
    stopped(tmp_path, Faulty(FAULTS[fault]))
    for name in ("best", "last"):
        assert read_checkpoint(tmp_path / "checkpoints" / f"{name}.ckpt")["state_dict"]["weight"] == 0.5


class Batch(NamedTuple):
    inputs: Tensor
    ids: list[str]


class Reading(Faulty):
    def transfer_batch_to_device(self, batch, device, dataloader_idx):
        return batch

    def training_step(self, batch, batch_idx):
        return super().training_step(batch.inputs.sum(), batch_idx)


@pytest.mark.filterwarnings("ignore:You defined a `validation_step`")
def test_a_sample_that_is_not_finite_is_named():
    inputs = torch.ones(3, 1, 2)
    inputs[1, 0, 1] = nan
    batches = Batches(Batch(torch.ones(2, 1, 2), ["a", "b"]), Batch(inputs, ["c", "d", "e"]))
    with pytest.raises(NonFiniteError) as caught:
        trainer(Steps(1)).fit(Reading(), batches)
    assert str(caught.value).startswith("d: inputs holds nan in epoch 0 step 1, train/loss=nan. Repair")


def quantised(images, ids, **more):
    """The line with which a VQ-VAE that trains on good pictures and these ends."""
    model = VQVAE(VQAutoencoder(8, Codebook(5, 3), 1, (4, 8), 1), Meta(), partial(torch.optim.SGD, lr=0.1))
    batches = [
        ImageBatch(part, torch.ones(len(part), dtype=torch.bool), part_ids)
        for part, part_ids in ((torch.rand(2, 1, 8, 8), ["a", "b"]), (images, ids))
    ]
    with pytest.raises(NonFiniteError) as caught:
        trainer(Steps(1), **more).fit(model, Batches(*batches))
    assert caught.value.code == 7 and all(part.isfinite().all() for part in model.parameters())
    return str(caught.value)


@pytest.mark.filterwarnings("ignore:You defined a `validation_step`")
@pytest.mark.parametrize("more", [{}, {"accumulate_grad_batches": 2}, {"precision": "bf16-mixed"}])
@pytest.mark.parametrize("value", [nan, inf])
def test_a_sample_that_a_codebook_cannot_place_is_named(value, more):
    images = torch.rand(3, 1, 8, 8)
    images[1, 0, 1, 2] = value
    said = quantised(images, ["c", "d", "e"], **more)
    assert said.startswith(
        f"d: inputs holds {value} in epoch 0 step {0 if 'acc' in str(more) else 1}, train/"
    )


@pytest.mark.filterwarnings("ignore:You defined a `validation_step`")
def test_features_that_overflow_before_a_codebook_are_a_loss_that_is_not_finite():
    said = quantised(torch.full((2, 1, 8, 8), 3e38), ["c", "d"])
    assert re.match(r"train/loss=(nan|inf) in epoch 0 step 1\. ", said)


def test_anomaly_detection_leaves_the_word_to_the_line(tmp_path):
    line = stopped(tmp_path, Faulty(FAULTS["a loss that is NaN"]), detect_anomaly=True)
    assert line.startswith("non-finite: train/loss=nan in epoch 1 step 6. ")


def test_weights_that_leave_the_finite_numbers_are_not_saved(tmp_path):
    line = stopped(tmp_path, Faulty(lr=1e38), factors=(1e5,))
    assert line.startswith("non-finite: weight holds -inf in epoch 0 step 1, and was not saved. ")
    assert not list(tmp_path.rglob("*.ckpt"))


class Squaring(Faulty):
    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam([self.weight])


def test_sums_of_squares_that_overflowed_are_not_saved(tmp_path):
    line = stopped(tmp_path, Squaring(), factors=(1e22,))
    assert "exp_avg_sq of weight holds inf in epoch 0 step 1" in line
    assert not list(tmp_path.rglob("*.ckpt"))


def test_gradients_whose_norm_overflows_are_no_fault():
    module = Faulty(lr=2.0**-67)
    fit(module, Steps(1), factors=(2.0**66,), max_epochs=1)
    assert module.weight.item() == 0.5


def scaled(scale):
    """Half precision as on a GPU: this scaler passes over a step whose scaled gradients overflow."""
    return MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=scale))  # type: ignore


def test_gradients_that_overflow_under_a_scaler_are_left_to_it():
    module, precision = Faulty(FAULTS["an infinite gradient under a finite loss"], at=(0, 1)), scaled(2.0**15)
    fit(module, Steps(1), max_epochs=1, plugins=[precision])
    assert module.weights == [1, 0.875, 0.875, 0.75] and precision.scaler.get_scale() == 2.0**14


def test_a_loss_that_is_no_number_stops_under_a_scaler_too(tmp_path):
    module = Faulty(FAULTS["a loss that is NaN"])
    with pytest.raises(NonFiniteError, match="train/loss=nan in epoch 1 step 6"):
        fit(module, Steps(1), plugins=[scaled(2.0**15)])
    assert module.weight.item() == module.weights[-1]


class Playing(Faulty):
    """Two optimizers that step in turn; the second one's gradient is at fault."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.other = torch.nn.Parameter(torch.ones(()))

    def training_step(self, batch, batch_idx):
        losses = self.weight * 1, FAULTS["an infinite gradient under a finite loss"](self.other)
        for loss, optimizer in zip(losses, self.optimizers(), strict=True):  # type: ignore
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()

    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD([parameter], lr=0.125) for parameter in (self.weight, self.other)]


def test_each_of_several_optimizers_stops_before_its_own_weights_move():
    module = Playing()
    with pytest.raises(NonFiniteError, match="^other has a gradient of inf in epoch 0 step 1, "):
        fit(module, Steps(1))
    assert (module.weight.item(), module.other.item()) == (0.875, 1)
