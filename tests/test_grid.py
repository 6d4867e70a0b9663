"""The grid of `train.py -m`: jobs are checked before the first starts, a table closes them."""

import pytest

from crossmedia import grid
from crossmedia.errors import ConfigError, NonFiniteError
from crossmedia.grid import Job


def test_every_fault_of_any_job_is_told_once():
    with pytest.raises(ConfigError) as caught:
        grid.need_right(["experiments=digits", "data.batch_size=0,8", "seed=1,-1"])
    assert [line.partition(":")[0] for line in caught.value.lines] == ["data.batch_size=0", "seed=-1"]


def test_a_right_grid_passes():
    grid.need_right(["experiments=digits", "data.batch_size=8,16", "seed=range(0,2)"])


def test_a_grid_over_experiments_composes_each():
    with pytest.raises(ConfigError, match=r"^trainer.max_epochs=0: must be"):
        grid.need_right(["experiments=digits,scene_reader", "trainer.max_epochs=0"])


def test_the_axes_of_an_experiment_file_are_checked_too(tmp_path):
    (tmp_path / "experiments").mkdir()
    parts = "  - override /data: digits\n  - override /model: classification_cnn\n"
    text = f"# @package _global_\ndefaults:\n{parts}"
    axes = "hydra:\n  sweeper:\n    params:\n      data.batch_size: 8,0\n"
    (tmp_path / "experiments" / "mine.yaml").write_text(text + axes)
    with pytest.raises(ConfigError, match=r"^data.batch_size=0: must be at least 1$"):
        grid.need_right(["experiments=mine"], str(tmp_path))


def test_the_table_has_what_differs_the_chosen_score_first_and_failures_last(capsys):
    common = ["experiments=digits", "~logger"]
    failed = Job([*common, "seed=0"], {}, NonFiniteError("train/loss=nan. Lower it"))
    done = Job(
        [*common, "seed=1"], {"test/accuracy": 0.75, "test/f1": 0.5, "test/ece": 0.25, "test/loss": 1.0}
    )
    grid.show([failed, done])
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines == [
        ["seed", "test/accuracy", "test/f1", "test/ece"],
        ["1", "0.750", "0.500", "0.250"],
        ["0", "–", "–", "–"],
        ["failed:", "seed=0:", "train/loss=nan.", "Lower", "it"],
    ]


def test_nothing_is_shown_of_no_job(capsys):
    grid.show([])
    assert not capsys.readouterr().out
