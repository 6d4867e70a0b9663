"""Two ranks on the CPU score as one does, and the one at fault is named."""

import contextlib
import json
import os
import time
import uuid
from pathlib import Path

import pytest
import torch
from made import TINY, filled

from crossmedia import errors, run
from crossmedia.config import ROOT, compose
from crossmedia.errors import RankError
from crossmedia.saved import read_checkpoint

pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available(), reason="this torch has no torch.distributed"
)
DDP = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.precision=32-true"]
SHORT = ["experiments=digits", *DDP, "trainer.max_epochs=4", "+trainer.limit_train_batches=3"]
SHORT += ["data.batch_size=8", "model.net.widths=[4]", "trainer.strategy.timeout=15"]
FAULTY = ["model._target_=faulty.Faulty"]
STEP, VALIDATION, SAVE = "training_step", "validation_step", "on_save_checkpoint"
NAMES = sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """One thread a rank, and a mark in the environment by which to find what outlives a run."""
    mark = f"crossmedia-test-{uuid.uuid4()}"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MOMENT", str(tmp_path / "moment"))
    monkeypatch.setenv("CROSSMEDIA_TEST", mark)
    yield
    assert not living(mark)


def living(mark):
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in place.read_bytes() and int(place.parent.name) != os.getpid():
                found.append((place.parent / "cmdline").read_text())
    return found


def only(out):
    (folder,) = (Path(out) / "digits").glob("2*")
    return folder


def status(folder):
    return json.loads((folder / "status.json").read_text())


def check_scores(folder, scores):
    """Those of one rank on the same checkpoint, each sample counted once."""
    alone = run.evaluate(folder)
    assert alone.keys() == scores.keys()
    for name, value in scores.items():
        assert value == (pytest.approx(alone[name], rel=1e-5) if name.endswith("loss") else alone[name]), name
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    ids = [(line["split"], line["id"]) for line in lines]
    assert len(set(ids)) == len(ids)
    return ids


def test_two_ranks_score_as_one_does(tmp_path, alone):
    scores = run.train([*SHORT, "trainer.max_epochs=1", f"out_dir={tmp_path}"])
    assert len(check_scores(only(tmp_path), scores)) == 364
    assert status(only(tmp_path))["state"] == "finished"


def small(name, folder):
    """Words that make the experiment tiny, its test split of an odd number of samples."""
    if compose([f"experiments={name}"]).data.source._target_.endswith("Scenes"):
        return ["++data.source.num_train=64", "++data.source.num_val=9", "++data.source.num_test=11"]
    return [f"data.source.root={filled(filled(folder), 'food')}"] if name.endswith("_stamps") else []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_ranks_score_every_experiment_as_one_does(name, tmp_path, alone):
    tiny = [word for word in TINY if word != "trainer=cpu" and "limit_test" not in word]
    words = [f"experiments={name}", *DDP, *tiny, "data.batch_size=4", *small(name, tmp_path / "data")]
    scores = run.train([*words, f"out_dir={tmp_path}"])
    (folder,) = (tmp_path / name).glob("2*")
    assert check_scores(folder, scores)


def faulty(tmp_path, *words):
    """The error of a run whose rank 1 goes wrong, and the seconds from then to the end."""
    with pytest.raises(errors.UserError) as caught:
        run.train([*SHORT, *words, f"out_dir={tmp_path}"])
    seconds = time.time() - (tmp_path / "moment").stat().st_mtime
    facts = status(only(tmp_path))
    assert facts["state"] == "failed" and facts["reason"] == caught.value.lines[0]
    assert read_checkpoint(only(tmp_path) / "checkpoints" / "last.ckpt")
    assert seconds < 15 + 10
    return caught.value


def test_a_rank_that_is_killed_is_named(tmp_path, alone, capfd):
    error = faulty(tmp_path, *FAULTY, "+model.fault=SIGKILL", f"+model.place={STEP}")
    assert error.report().startswith("rank: rank 1: signal 9 (killed). To go on: resume=")
    assert error.code == 8 and capfd.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "place", "words"),
    [
        ("raise", STEP, "rank 1: ValueError: boom. "),
        ("raise", VALIDATION, "rank 1: ValueError: boom. "),
        ("raise", SAVE, "rank 1: ValueError: boom. "),
        ("exit3", STEP, "rank 1: exit code 3. "),
        ("exit0", STEP, "rank 1: ended before the others, with exit code 0. "),
        ("hang", STEP, "rank 1: silent for 15 s. "),
        ("hang", VALIDATION, "rank 1: silent for 15 s. "),
        ("SIGSTOP", STEP, "rank 1: silent for 15 s. "),
        ("SIGSEGV", STEP, "rank 1: signal 11 (segmentation fault). "),
        ("metric", VALIDATION, "rank 1: logs val/lonely, which rank 0 does not. "),
    ],
)
def test_a_rank_that_goes_wrong_is_named_with_its_cause(fault, place, words, tmp_path, alone, capfd):
    error = faulty(tmp_path, *FAULTY, f"+model.fault={fault}", f"+model.place={place}")
    assert isinstance(error, RankError) and error.lines[0].startswith(words), error.lines
    assert len(error.report()) <= 240 + len(str(tmp_path))
    assert capfd.readouterr().err.count("Traceback") == (fault == "raise")


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_fault_of_the_data_on_one_rank_is_told_as_on_one(rank, tmp_path, alone, capfd):
    view = ["data.view._target_=faulty.FaultyView", "+data.view.fault=data", "+data.view.at=5"]
    error = faulty(tmp_path, *view, f"+data.view.rank={rank}")
    assert type(error) is errors.DataError and error.lines == ["a.png: cut short after 3 bytes"]
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_rank_that_raises_in_its_loader_is_named(tmp_path, alone):
    view = ["data.view._target_=faulty.FaultyView", "+data.view.fault=raise", "+data.view.at=7"]
    error = faulty(tmp_path, *view, "data.num_workers=1")  # which makes two batches in advance
    assert error.lines[0].startswith("rank 1: ValueError: ")


@pytest.mark.slow
def test_a_loss_that_is_no_number_on_one_rank_is_told_as_on_one(tmp_path, alone):
    error = faulty(tmp_path, *FAULTY, "+model.fault=diverge", f"+model.place={STEP}")
    assert isinstance(error, errors.NonFiniteError) and error.lines[0].startswith(
        "train/loss=nan in epoch 1 "
    )
