"""A game of two numbers: every move is worked out by hand."""

import functools
import math
import warnings
from typing import Any, NamedTuple

import pytest
import torch
from made import Batches
from pytorch_lightning.loggers.logger import Logger
from torch import Tensor, nn
from trainer.tiny import trainer

from crossmedia.data.batches import Meta
from crossmedia.errors import ConfigError, NonFiniteError
from crossmedia.tasks.phases import Phase, PhasedTask
from crossmedia.trainer.steps import Steps


class Batch(NamedTuple):
    inputs: Tensor  # (B,)
    ids: list[str]


class Number(nn.Module):
    def __init__(self, value: float):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))
        self.register_buffer("seen", torch.zeros(()))


class Game(PhasedTask):
    """d(x) = v · w · x by v, then g(x) = w · v · x by w, each by steps of 0.1."""

    def __init__(self, every: int = 1, schedule: Any = None, optimizer: Any = torch.optim.SGD):
        super().__init__(Number(2.0), Meta(), functools.partial(optimizer, lr=0.1), schedule)
        self.other, self.every = Number(1.0), every
        self.told: list[tuple[str, float, float]] = []

    def phases(self) -> list[Phase]:
        return [
            Phase("d", [self.other], self._product, self._optimizer),
            Phase("g", [self.net], self._product, self._optimizer, self.every),
        ]

    def _product(self, batch: Batch) -> Tensor:
        return (self.net.value * self.other.value * batch.inputs).mean()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        pass


class Book(Logger):
    """Keeps what it is told."""

    name, version = "book", 0

    def __init__(self):
        super().__init__()
        self.lines = []

    def log_metrics(self, metrics, step=None):
        self.lines.append((step, metrics))

    def log_hyperparams(self, params, *args, **kwargs):
        pass


def play(game: Game, *inputs: list[float], take=None, book=None, **more: Any):
    """One epoch over these batches; returns (w, v)."""
    rest = game.take(take or {})
    assert rest.keys() <= {"max_steps"}
    own = {"max_epochs": 1, "limit_val_batches": 0, "logger": book or False}
    made = trainer(Steps(0), **{**own, **rest, **more})
    batches = [Batch(torch.tensor(values), [str(i) for i in range(len(values))]) for values in inputs]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        made.fit(game, Batches(*batches))
    return game.net.value.item(), game.other.value.item()


def by_hand(*windows: list[float], every: int = 1) -> Any:
    w, v = 2.0, 1.0
    for number, inputs in enumerate(windows, 1):
        mean = sum(inputs) / len(inputs)
        v -= 0.1 * w * mean
        if number % every == 0:
            w -= 0.1 * v * mean
    return pytest.approx((w, v), abs=1e-6)


def test_each_phase_moves_its_own_weights_and_sees_the_moves_before():
    assert play(Game(), [1.0], [3.0]) == by_hand([1.0], [3.0])


def test_a_phase_moves_on_every_nth_batch_also_across_epochs():
    inputs = [[1.0], [2.0], [3.0]]
    assert play(Game(every=2), *inputs, max_epochs=3) == by_hand(*inputs * 3, every=2)


def test_accumulated_batches_are_one_large_one_for_each_phase():
    take = {"accumulate_grad_batches": 2}
    assert play(Game(), [1.0], [3.0], [2.0], [4.0], take=take) == by_hand([1.0, 3.0], [2.0, 4.0])


@pytest.mark.parametrize("epochs", [-1, 5])
@pytest.mark.parametrize("every", [1, 2])
def test_max_steps_counts_windows_not_the_moves_of_every_phase(every, epochs):
    game = Game(every=every)
    inputs = [[1.0], [2.0], [3.0]]
    found = play(game, *inputs, take={"max_steps": 4}, max_epochs=epochs)
    assert found == by_hand(*inputs, [1.0], every=every) and game.progress == 1.0


def test_max_steps_in_a_later_epoch_than_the_last_ends_nothing():
    game = Game()
    assert play(game, [1.0], [2.0], take={"max_steps": 9}) == by_hand([1.0], [2.0]) and game.progress == 1.0


def test_a_schedule_without_the_length_of_training_is_refused():
    schedule = functools.partial(torch.optim.lr_scheduler.PolynomialLR)
    with pytest.raises(ConfigError, match=r"schedule: needs the length of training. Give trainer.max_epochs"):
        play(Game(schedule=schedule), [1.0], max_epochs=-1, max_time="00:00:01:00")


def test_an_epochs_last_window_may_be_shorter():
    take = {"accumulate_grad_batches": 2}
    assert play(Game(), [1.0], [3.0], [5.0], take=take, max_epochs=2) == by_hand(*[[1.0, 3.0], [5.0]] * 2)


def test_gradients_are_clipped_in_each_phase():
    # v: 1 - 0.1 · 0.5 where the gradient is 2; w: 2 - 0.1 · 0.5 where it is 0.95
    assert play(Game(), [1.0], take={"gradient_clip_val": 0.5}) == pytest.approx((1.95, 0.95), abs=1e-6)


def test_gradients_are_clipped_by_value_where_asked():
    take = {"gradient_clip_val": 0.25, "gradient_clip_algorithm": "value"}
    assert play(Game(), [1.0], take=take) == pytest.approx((1.975, 0.975), abs=1e-6)


def test_the_weights_of_others_stand_still_and_can_move_afterwards():
    game = Game()
    play(game, [1.0])
    assert all(weight.requires_grad for weight in game.parameters())


def test_a_schedule_is_as_long_as_its_phase_has_moves():
    game = Game(every=2, schedule=functools.partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.1))
    play(game, *[[1.0]] * 5, max_epochs=3)
    schedules: Any = game.lr_schedulers()
    assert [schedule.total_steps for schedule in schedules] == [15, 7]
    assert [schedule.last_epoch for schedule in schedules] == [15, 7]


def test_a_schedule_of_epochs_steps_after_each():
    game = Game(schedule=functools.partial(torch.optim.lr_scheduler.StepLR, step_size=1))
    play(game, [1.0], [1.0], max_epochs=3)
    schedules: Any = game.lr_schedulers()
    assert [schedule.get_last_lr() for schedule in schedules] == [[pytest.approx(1e-4)]] * 2


def test_a_schedule_that_follows_a_loss_is_refused():
    game = Game(schedule=functools.partial(torch.optim.lr_scheduler.ReduceLROnPlateau))
    with pytest.raises(ConfigError, match="ReduceLROnPlateau needs val/loss"):
        play(game, [1.0])


def test_each_phase_logs_its_loss_at_its_own_moves():
    book = Book()
    play(Game(every=2), *[[float(x)] for x in range(4)], book=book, log_every_n_steps=2)
    assert [(step, *metrics) for step, metrics in book.lines] == [
        (1, "train/d_loss", "epoch"),
        (1, "train/g_loss", "epoch"),
        (3, "train/d_loss", "epoch"),
        (3, "train/g_loss", "epoch"),
    ]
    assert book.lines[0][1]["train/d_loss"] == pytest.approx(2.0)  # v = 1 after x = 0, w = 2, x = 1


@pytest.mark.parametrize(("bad", "moved"), [("other", 1.0), ("net", 0.8)])
def test_a_loss_that_is_no_number_is_named_by_its_phase_and_stops_before_the_move(bad, moved):
    game = Game()
    product = game._product
    phases = {"other": "d", "net": "g"}

    def spoilt(batch: Batch) -> Tensor:
        loss = product(batch)
        return loss * math.nan if game.moving == f"{phases[bad]}_loss" else loss

    game._product = spoilt
    with pytest.raises(NonFiniteError, match=rf"^train/{phases[bad]}_loss=nan in epoch 0 step "):
        play(game, [1.0])
    assert (game.net.value.item(), game.other.value.item()) == (2.0, pytest.approx(moved))


def test_a_batch_that_holds_no_number_is_named_also_in_the_middle_of_a_window():
    with pytest.raises(NonFiniteError, match=r"^1: inputs holds nan"):
        play(Game(), [1.0, math.nan], [1.0, 1.0], take={"accumulate_grad_batches": 2})
