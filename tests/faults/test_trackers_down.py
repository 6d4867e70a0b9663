"""A tracker that fails, whenever and however, changes no bit of a training and costs it under ten seconds."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from made import TINY
from pytorch_lightning.loggers import TensorBoardLogger
from trainer.tiny import Tiny, fit
from wandb_server import WandbServer

from crossmedia import run
from crossmedia.saved import read_checkpoint
from crossmedia.tasks.classification import Classification
from crossmedia.trainer.trackers import Tracker, ending, spared, waited

WANDB = ["logger=wandb", "logger.trackers.0.offline=false"]
BOARD = ["logger=tensorboard"]
MOST = 10.0  # seconds that a tracker may cost


class Failing:
    """Stands in for a logger and fails in one of its calls; keeps the names of all that were made."""

    def __init__(self, call):
        self.call, self.made = call, []

    def __getattr__(self, name):
        self.made.append(name)
        if name == self.call:
            raise ConnectionError("the server is gone")
        return lambda *args, **more: None


@pytest.mark.parametrize("call", ["experiment", "log_metrics", "save", "finalize"])
def test_a_tracker_that_fails_is_told_of_once_and_asked_no_more(tmp_path, capsys, call):
    failing: Any = Failing(call)
    module: Any = Tiny()
    module.training_step = lambda batch, batch_idx: (
        module.log("train/loss", batch, batch_size=1) or batch * module.weight
    )
    fit(module, logger=Tracker(failing, tmp_path), log_every_n_steps=1)
    assert failing.made.count(call) == 1 and failing.made[-1] == call
    said = f"environment: {tmp_path}: Failing: the server is gone. The training goes on without it\n"
    assert capsys.readouterr().err == said


def test_a_failure_is_said_once_for_each_thing(capsys):
    for what in ("once", "once", "twice"):
        with spared(what, OSError):
            raise OSError(28, "No space left on device")
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_bug_is_not_spared():
    with pytest.raises(KeyError), spared("bug", OSError):
        raise KeyError("x")


def test_a_call_is_left_to_itself_after_its_time():
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        waited(0.05, lambda: time.sleep(5))
    assert time.monotonic() - began < 2 and waited(5, lambda: "done") == "done"
    with pytest.raises(KeyError):
        waited(5, lambda: {}["x"])


@pytest.mark.parametrize("finish", [lambda: time.sleep(5), lambda: {}["x"]])
def test_a_finish_that_hangs_or_fails_ends(tmp_path, monkeypatch, capsys, finish):
    record = SimpleNamespace(finish=finish, settings=SimpleNamespace(finish_timeout=-0.9))
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(run=record))
    with ending(tmp_path):
        pass
    assert capsys.readouterr().err.startswith(f"environment: {tmp_path}: wandb: ")


def test_tensorboard_that_cannot_write_is_told_of_and_left(tmp_path, capsys):
    (tmp_path / "tensorboard").write_text("in the way")
    board = Tracker(TensorBoardLogger(tmp_path, name="", version="tensorboard"), tmp_path)
    fit(Tiny(), logger=board)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"environment: {tmp_path}: TensorBoardLogger: ") and board.logger is None


def trained(out, *words) -> tuple[Any, float]:
    """The best weights of a short run of digits, and its seconds."""
    began = time.monotonic()
    run.train(["experiments=digits", *TINY, "model.net.widths=[4]", *words, f"out_dir={out}"])
    (folder,) = out.glob("digits/2*")
    return read_checkpoint(folder / "checkpoints" / "best.ckpt")["state_dict"], time.monotonic() - began


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A run without trackers; the first is slower."""
    trained(tmp_path_factory.mktemp("first"))
    return trained(tmp_path_factory.mktemp("alone"))


def is_as(alone, found):
    """Whether a run has the bits of one without trackers, in less than MOST more seconds."""
    (weights, seconds), (expected, least) = found, alone
    assert weights.keys() == expected.keys()
    return all(torch.equal(weights[name], expected[name]) for name in expected) and seconds - least < MOST


@pytest.fixture
def at(monkeypatch):
    """Let wandb be online, with its server at an address."""

    def told(url):
        monkeypatch.delenv("WANDB_MODE", raising=False)
        monkeypatch.setenv("WANDB_BASE_URL", url)
        monkeypatch.setenv("WANDB_API_KEY", 40 * "a")

    import wandb

    yield told
    wandb.teardown()  # it read the address once for the process


@pytest.mark.parametrize(
    ("url", "slow"),
    [
        ("http://127.0.0.1:9", False),
        pytest.param("http://no-such-host.invalid", True, marks=pytest.mark.slow),
    ],
)
def test_a_server_that_is_not_there_changes_nothing(tmp_path, at, alone, capsys, url, slow):
    at(url)
    assert is_as(alone, trained(tmp_path, *WANDB))
    assert "wandb: no answer from its server, so this run is kept offline" in capsys.readouterr().out
    assert list(tmp_path.glob("digits/2*/wandb/offline-run-*/*.wandb"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("manner", "reason"),
    [(500, "no answer"), ("silent", "no answer"), ("closing", "no answer"), (401, "401")],
)
def test_a_server_that_takes_no_run_changes_nothing(tmp_path, at, alone, capsys, manner, reason):
    with WandbServer(manner) as server:
        at(server.url)
        assert is_as(alone, trained(tmp_path, *WANDB))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "is kept offline" in line]
    assert line.startswith("wandb: ") and reason in line
    assert list(tmp_path.glob("digits/2*/wandb/offline-run-*/*.wandb"))


@pytest.mark.slow
@pytest.mark.parametrize("later", ["ok", "slow", 500, "silent", "closing"])
def test_a_server_that_fails_midway_changes_nothing(tmp_path, at, alone, monkeypatch, later):
    with WandbServer("slow" if later == "slow" else "ok") as server:
        at(server.url)
        monkeypatch.setattr(
            Classification, "on_fit_start", lambda task: setattr(server, "manner", later), raising=False
        )
        assert is_as(alone, trained(tmp_path, *WANDB))
        assert [path for path, _ in server.received if path.endswith("/file_stream")]
    assert list(tmp_path.glob("digits/2*/wandb/run-*/*.wandb"))  # for wandb sync


@pytest.mark.slow
def test_a_run_that_was_kept_offline_can_be_sent_later(tmp_path, at, alone):
    at("http://127.0.0.1:9")
    assert is_as(alone, trained(tmp_path, *WANDB))
    (kept,) = tmp_path.glob("digits/2*/wandb/offline-run-*")
    with WandbServer() as server:
        environment = {**os.environ, "WANDB_BASE_URL": server.url, "WANDB_ERROR_REPORTING": "false"}
        command = [sys.executable, "-m", "wandb", "sync", str(kept)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        sent = b"".join(body for path, body in server.received if path.endswith("/file_stream"))
    assert done.returncode == 0 and b"val/accuracy" in sent, done.stderr


def test_tensorboard_that_fails_midway_changes_nothing(tmp_path, alone, monkeypatch, capsys):
    def full(*args, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torch.utils.tensorboard.SummaryWriter.add_image", full)
    assert is_as(alone, trained(tmp_path, *BOARD))
    said = capsys.readouterr().err
    assert said.count("TensorBoardLogger: No space left on device. The training goes on") == 1
