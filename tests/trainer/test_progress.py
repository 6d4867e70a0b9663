import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from crossmedia.trainer import progress
from crossmedia.trainer.checkpoints import AtomicCheckpointIO, Checkpoints
from crossmedia.trainer.progress import ProgressLine, clock

from .tiny import Tiny, fit


def shown(tmp_path, terminal=False, kind="xterm", module=None, **more):
    """What a training of two epochs, four steps each, prints."""
    console = Console(
        force_terminal=terminal, file=io.StringIO(), width=160, color_system=None, _environ={"TERM": kind}
    )
    kept = Checkpoints(tmp_path, "val/score", "max", {})
    line = ProgressLine(console, kept, ["score", "other"])
    fit(module or Tiny([0.75, 0.5]), kept, line, plugins=[AtomicCheckpointIO()], **more)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue(), line


def test_without_a_terminal_there_is_one_line_a_validation(tmp_path):
    text, _ = shown(tmp_path)
    first, second = text.splitlines()
    assert first.startswith("epoch 1/2  ") and second.startswith("epoch 2/2  ")
    assert "loss 1.000   val: score 0.750  best 0.750   left " in first
    assert "val: score 0.500  best 0.750" in second


class Timed(Tiny):
    """A step takes a second, a validation ten."""

    def __init__(self, clock):
        super().__init__([0.75, 0.5])
        self.clock = clock

    def training_step(self, batch, batch_idx):
        self.clock.seconds += 1
        return super().training_step(batch, batch_idx)

    def validation_step(self, batch, batch_idx):
        self.clock.seconds += 10
        super().validation_step(batch, batch_idx)


def test_speed_and_the_time_left_are_those_of_the_steps(tmp_path, monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: clock.seconds, seconds=0.0)
    monkeypatch.setattr(progress, "time", clock)
    text, line = shown(tmp_path, module=Timed(clock))
    first, second = text.splitlines()
    assert "1.0 it/s" in first and first.endswith("left 0:04")
    assert "1.0 it/s" in second and second.endswith("left 0:00")
    assert line.steps_per_second == 1


def test_on_a_terminal_there_is_a_bar_with_the_steps(tmp_path):
    text, line = shown(tmp_path, terminal=True)
    assert "━" in text and "epoch 2/2" in text and "4/4" in text and "score 0.500" in text
    assert line._bar is None  # the terminal has its cursor back


def test_the_bar_ends_where_training_fails(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(ProgressLine, "on_train_batch_end", lambda self, *args: made.append(self) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shown(tmp_path, terminal=True)
    assert made[0]._bar is None


def test_a_terminal_that_cannot_move_its_cursor_gets_the_lines(tmp_path):
    text, _ = shown(tmp_path, terminal=True, kind="dumb")
    assert "epoch 1/2" in text and "score 0.750" in text


def test_accumulation_does_not_divide_the_loss_that_is_shown(tmp_path):
    text, _ = shown(tmp_path, accumulate_grad_batches=4)
    assert "loss 1.000" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (108.9, "1:48"), (3599, "59:59"), (3600, "1:00:00"), (7510, "2:05:10")],
)
def test_a_clock_shows_hours_from_an_hour_on(seconds, text):
    assert clock(seconds) == text
