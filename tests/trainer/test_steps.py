import random
from math import inf, nan
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from crossmedia.errors import NonFiniteError
from crossmedia.trainer.steps import Steps

from .tiny import Tiny, fit


def drawn(seed=1, loop="train", epoch=2, step=3, rank=0):
    """What torch, random and numpy draw first in a step."""
    trainer: Any = SimpleNamespace(global_rank=rank, current_epoch=epoch, accumulate_grad_batches=1)
    getattr(Steps(seed), f"on_{loop}_batch_start")(trainer, Tiny(), None, step)
    return torch.rand(()).item(), random.random(), np.random.rand()


def test_a_step_draws_the_same_whatever_came_before():
    first = drawn()
    drawn(epoch=0, step=0)
    torch.rand(7)
    assert drawn() == first


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"loop": "validation"}, {"loop": "test"}, {"epoch": 3}, {"step": 4}, {"rank": 1}]
)
def test_a_step_with_another_address_draws_otherwise(other):
    for one, two in zip(drawn(), drawn(**other), strict=True):
        assert one != two


def test_epoch_and_step_are_not_run_together():
    assert drawn(epoch=1, step=12) != drawn(epoch=11, step=2)


class Noisy(Tiny):
    """Keeps what each step drew."""

    def on_fit_start(self):
        self.noise = []

    def training_step(self, batch, batch_idx):
        self.noise.append((self.current_epoch, batch_idx, torch.rand(()).item()))
        return super().training_step(batch, batch_idx)


def test_validations_between_the_steps_change_no_draw():
    often, never = Noisy(), Noisy()
    fit(often, Steps(1), val_check_interval=1)
    fit(never, Steps(1), limit_val_batches=0)
    assert often.noise == never.noise and len({noise for *_, noise in never.noise}) == 8


@pytest.mark.parametrize("factor", [nan, inf])
def test_a_loss_that_is_no_finite_number_stops_before_it_reaches_the_weights(factor):
    module = Tiny()
    with pytest.raises(NonFiniteError) as caught:
        fit(module, Steps(1), factors=(1.0, 1.0, factor))
    assert caught.value.lines[0].startswith(f"train/loss={factor} in epoch 0 step 2. ")
    assert "model.optimizer.lr" in caught.value.lines[0] and caught.value.code == 7
    assert module.weight.item() == 1  # a step of any size would have moved it
