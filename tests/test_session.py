"""What a run does with its config's switches, and what its folder says however it ends."""

import csv
import json
import math
import os
import signal
import sys
from pathlib import Path

import pytest
import torch
import yaml
from made import TINY, small

from crossmedia import run
from crossmedia.config import ROOT, check, compose
from crossmedia.data.module import DataModule
from crossmedia.data.sources.digits import Digits
from crossmedia.errors import ConfigError, NonFiniteError
from crossmedia.saved import read_checkpoint
from crossmedia.tasks.classification import Classification

STOPPING = "pytorch_lightning.callbacks.EarlyStopping"
DIVERGING = ["model.schedule=null", "model.optimizer.lr=1e30"]


def train(out, *words):
    """One run of digits; its folder, also of a run that failed."""
    run.train(["experiments=digits", *words, f"out_dir={out}"])
    return only(out)


def only(out):
    (folder,) = (Path(out) / "digits").glob("2*")
    return folder


def status(folder):
    return json.loads((folder / "status.json").read_text())


def validations(folder):
    with open(folder / "metrics.csv") as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["key"] == "val/accuracy"]


@pytest.fixture(scope="module")
def debugged(tmp_path_factory):
    """A run of trainer=debug with TensorBoard; of each training step, whether anomalies were looked for."""
    steps, step = [], Classification.training_step

    def watched(self, batch, batch_idx):
        steps.append(torch.is_anomaly_enabled())
        return step(self, batch, batch_idx)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Classification, "training_step", watched)
        out = tmp_path_factory.mktemp("debugged")
        return train(out, "trainer=debug", "trainer.max_epochs=1", "logger=tensorboard"), steps


def test_the_debug_trainer_takes_two_batches_and_looks_for_anomalies(debugged):
    assert debugged[1] == [True, True] and not torch.is_anomaly_enabled()
    assert len(validations(debugged[0])) == 1


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml")))
def test_the_debug_trainer_takes_one_epoch_of_every_experiment(name):
    trainer = compose([f"experiments={name}", "trainer=debug"]).trainer
    assert trainer.max_epochs == 1 and trainer.check_val_every_n_epoch == 1


def test_tensorboard_has_curves_and_pictures_in_the_run_folder(debugged):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    scalars, images = set(), set()
    for path in (debugged[0] / "tensorboard").glob("events*"):
        found = EventAccumulator(str(path))
        found.Reload()
        scalars.update(found.Tags()["scalars"])
        images.update(found.Tags()["images"])
    assert {"train/loss", "val/accuracy", "val/loss", "test/accuracy"} <= scalars
    assert {"val/Confusion", "test/Confusion"} <= images


def test_the_config_of_the_folder_is_plain_and_whole(debugged):
    text = (debugged[0] / "config.yaml").read_text()
    config = yaml.safe_load(text)
    assert "${" not in text and config["name"] == "digits"
    assert config["model"]["net"]["num_classes"] == config["data"]["num_classes"] == 10
    assert "trainer=debug" in yaml.safe_load((debugged[0] / "overrides.yaml").read_text())


def test_the_manifest_of_the_folder_knows_the_data_and_the_command(debugged):
    facts = json.loads((debugged[0] / "manifest.json").read_text())
    assert facts["data"] == Digits().fingerprint() and facts["experiment"] == "digits"
    assert "trainer=debug" in facts["command"] and facts["wall_seconds"] > 0


def test_a_finished_run_says_which_score_chose_its_checkpoint(debugged):
    facts = status(debugged[0])
    assert facts["state"] == "finished" and "reason" not in facts
    assert (facts["monitor"], facts["direction"], facts["best_epoch"]) == ("val/accuracy", "max", 0)
    assert facts["best"] == validations(debugged[0])[0]


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A run with wandb in an empty folder; its folder, what lies around it, and WANDB_MODE after it."""
    out, here = tmp_path_factory.mktemp("tracked"), tmp_path_factory.mktemp("here")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WANDB_MODE")
        patch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # nobody answers there
        patch.setattr("crossmedia.trainer.trackers._answers", lambda url: pytest.fail("asked the network"))
        patch.chdir(here)
        folder = train(out, *TINY, "logger=wandb")
        return folder, list(here.iterdir()), os.environ.get("WANDB_MODE")


def test_wandb_keeps_an_offline_run_in_the_run_folder(tracked):
    folder, around, _ = tracked
    (kept,) = (folder / "wandb").glob("offline-run-*/run-*.wandb")
    assert kept.stat().st_size and list((kept.parent / "files" / "media").rglob("*Confusion*.png"))
    assert around == [] and status(folder)["state"] == "finished"
    assert sys.modules["wandb"].run is None  # or the next run of this process goes on in its record


def test_wandb_leaves_the_next_run_its_choice(tracked):
    assert tracked[2] is None


@pytest.mark.parametrize(
    "words",
    [
        [f"early_stopping={{_target_: {STOPPING}, patience: 5}}"],
        [f"+early_stopping._target_={STOPPING}", "+early_stopping.patience=5"],
    ],
)
def test_early_stopping_is_accepted_as_the_config_describes_it(words):
    check(compose(["experiments=digits", *words]))


def test_early_stopping_ends_a_run_that_no_longer_improves(tmp_path):
    stopping = (
        f"early_stopping={{_target_: {STOPPING}, patience: 2, min_delta: 1.5}}"  # more than accuracy can
    )
    folder = train(tmp_path, *TINY, "trainer.max_epochs=9", "model.net.widths=[4]", stopping)
    assert len(validations(folder)) == 3 and status(folder)["state"] == "finished"


def test_a_compiled_run_leaves_a_checkpoint_that_needs_no_compiler(tmp_path, monkeypatch):
    compiled, original = [], torch.nn.Module.compile

    def eagerly(self):
        compiled.append(type(self).__name__)
        original(self, backend="eager")

    monkeypatch.setattr(torch.nn.Module, "compile", eagerly)
    folder = train(tmp_path, *TINY, "compile=true", "model.net.widths=[4]")
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: pytest.fail("compiled again"))
    assert compiled == ["ConvNet"]
    saved = read_checkpoint(folder / "checkpoints" / "best.ckpt")
    assert saved["state_dict"].keys() == run.load(folder).state_dict().keys()
    assert not [name for name in saved["state_dict"] if "_orig_mod" in name]
    assert 0 <= run.evaluate(folder)["test/accuracy"] <= 1


def test_a_loss_that_is_no_number_ends_the_run_with_its_reason(tmp_path):
    with pytest.raises(NonFiniteError, match="train/loss=") as caught:
        train(tmp_path, *TINY, *DIVERGING)
    facts = status(only(tmp_path))
    assert facts["state"] == "failed" and facts["reason"] == str(caught.value)


@pytest.mark.parametrize("name", ["tacotron_scenes", "hifigan_scenes", "waveglow_scenes"])
def test_a_monitored_score_that_nothing_would_tell_is_refused_before_the_first_step(name, tmp_path):
    words = [f"experiments={name}", *TINY, *small(name, tmp_path), "monitor=val/wer", f"out_dir={tmp_path}"]
    missing = f"model.judge.run={tmp_path / 'none'}"
    with pytest.raises(ConfigError, match=f"^monitor=val/wer: {missing} is not there yet. Train it first$"):
        run.train([*words, missing])
    (folder,) = (tmp_path / name).glob("2*")
    assert status(folder)["state"] == "failed" and not (folder / "config.yaml").exists()


def test_a_run_interrupted_before_its_first_step_says_so(tmp_path, monkeypatch):
    interrupt_at(monkeypatch, DataModule, "learn")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, *TINY)
    assert status(only(tmp_path))["state"] == "interrupted"


def test_a_run_interrupted_in_its_training_says_so(tmp_path, monkeypatch):
    interrupt_at(monkeypatch, Classification, "training_step")
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, *TINY)
        assert signal.getsignal(signal.SIGINT) is before  # Lightning stops listening to it
    finally:
        signal.signal(signal.SIGINT, before)
        facts = status(only(tmp_path))
    assert facts["state"] == "interrupted"


def interrupt_at(monkeypatch, cls, method):
    def interrupted(self, *args, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(cls, method, interrupted)


def test_one_failing_job_of_a_multirun_does_not_stop_the_others(job, tmp_path):
    words = ["experiments=digits", *TINY, "model.schedule=null", "model.optimizer.lr=1e30,1e-3"]
    code, told = job("command", "train.py", "-m", *words, f"out_dir={tmp_path}")
    folders = (tmp_path / "digits").glob("2*")
    assert sorted(status(folder)["state"] for folder in folders) == ["failed", "finished"]
    assert code == 7 and "non-finite: train/loss=" in told
    assert "\nfailed: model.optimizer.lr=1e+30: train/loss=" in told
    assert [path.name for path in tmp_path.glob("sweeps/*/*")] == ["multirun.yaml"]


def test_a_run_that_ends_before_its_first_validation_says_so(tmp_path):
    with pytest.raises(ConfigError, match=r"^trainer: training ended before its first validation"):
        train(tmp_path, *TINY, "+trainer.max_steps=1")
    assert status(only(tmp_path))["state"] == "failed"


def test_a_run_whose_score_is_never_a_number_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(
        Classification, "on_validation_epoch_end", lambda task: task.log("val/accuracy", math.nan)
    )
    with pytest.raises(NonFiniteError, match=r"^val/accuracy: no finite number at any validation"):
        train(tmp_path, *TINY)
