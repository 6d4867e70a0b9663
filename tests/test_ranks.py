"""Two ranks on the CPU score as one does, and the one at fault is named."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
import torch
from made import TINY, small
from runs import differing, only

from crossmedia import errors, run
from crossmedia.config import ROOT
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
FRACTIONS = ("loss", "fid_", "kid_", "inception_score_", "density_", "bits_per_dim", "kl", "reconstruction")
NAMES = sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """One thread a rank, and a mark in the environment by which to find what outlives a run."""
    mark = f"crossmedia-test-{uuid.uuid4()}"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MOMENT", str(tmp_path / "moment"))
    monkeypatch.setenv("CROSSMEDIA_TEST", mark)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # faulty.py
    yield
    assert not living(mark)


def living(mark):
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in place.read_bytes() and int(place.parent.name) != os.getpid():
                found.append((place.parent / "cmdline").read_text())
    return found


def status(folder):
    return json.loads((folder / "status.json").read_text())


def check_scores(folder, scores):
    """Those of one rank on the same checkpoint, each sample counted once."""
    found = run.evaluate(folder)
    assert found.keys() == scores.keys()
    for name, value in found.items():  # what is counted is equal, what is a sum of fractions nearly
        fraction = any(word in name for word in FRACTIONS)
        assert scores[name] == (pytest.approx(value, rel=1e-5, abs=1e-6) if fraction else value), name
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    ids = [(line["split"], line["id"]) for line in lines]
    assert len(set(ids)) == len(ids)
    return ids


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == NAMES[0] else pytest.mark.slow) for name in NAMES]
)
def test_two_ranks_score_every_experiment_as_one_does(name, tmp_path, alone):
    tiny = [word for word in TINY if word != "trainer=cpu" and "limit_test" not in word]
    words = [f"experiments={name}", *DDP, *tiny, "data.batch_size=4", *small(name, tmp_path / "data")]
    scores = run.train([*words, f"out_dir={tmp_path}"])
    (folder,) = (tmp_path / name).glob("2*")
    assert check_scores(folder, scores) and status(folder)["state"] == "finished"


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


CLASSIFIER = [*SHORT, *FAULTY, "+model.fault=SIGKILL", f"+model.place={STEP}"]
PLAYERS = [
    "experiments=gan_digits",
    *SHORT[1:-2],
    "model.net.widths=[8,4]",
    "model.discriminator.widths=[4,4]",
]


@pytest.mark.slow
@pytest.mark.parametrize("words", [CLASSIFIER, [*PLAYERS, "model._target_=faulty.FaultyGAN"]])
def test_ranks_go_on_to_the_same_bits_after_one_was_killed(words, tmp_path, alone):
    words = [*words, "trainer.check_val_every_n_epoch=1", "trainer.strategy.timeout=60"]
    with pytest.raises(RankError, match="signal 9"):
        run.train([*words, f"out_dir={tmp_path / 'killed'}"])
    killed = only(tmp_path / "killed")
    run.resume(str(killed), [], trust=("faulty",))
    run.train([*words, f"out_dir={tmp_path / 'whole'}"])  # the fault comes once
    assert differing(killed, only(tmp_path / "whole")) == []


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


@contextlib.contextmanager
def started(tmp_path, *words, **environment):
    """The process of the command, for as long as the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "train.py", *SHORT, f"out_dir={tmp_path}", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def wait_for(path, seconds=60):
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.05)


def ranks_of(process):
    """The processes of its ranks, by rank."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return sorted(int(child) for child in children)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_reaches_the_ranks_and_ends_the_run(number, code, tmp_path, alone):
    with started(
        tmp_path, *FAULTY, "+model.fault=none", f"+model.place={STEP}", "trainer.max_epochs=400"
    ) as job:
        wait_for(tmp_path / "moment")
        job.send_signal(number)
        _, said = job.communicate(timeout=60)
    assert job.returncode == code and "Traceback" not in said, said
    assert status(only(tmp_path))["state"] == "interrupted"
    assert read_checkpoint(only(tmp_path) / "checkpoints" / "last.ckpt")


@pytest.mark.slow
def test_ranks_end_with_the_process_that_started_them(tmp_path, alone):
    with started(tmp_path, *FAULTY, "+model.fault=hang", f"+model.place={STEP}") as job:
        wait_for(tmp_path / "moment")
        ranks = ranks_of(job)
        job.kill()
        job.wait()
        end = time.monotonic() + 10
        while any(Path(f"/proc/{rank}").exists() for rank in ranks):
            assert time.monotonic() < end
            time.sleep(0.05)
    assert len(ranks) == 2


@pytest.mark.slow
def test_a_signal_to_one_rank_ends_the_run(tmp_path, alone):
    with started(tmp_path, *FAULTY, "+model.fault=SIGTERM", f"+model.place={STEP}") as job:
        _, said = job.communicate(timeout=100)
    assert job.returncode in (8, 143), said
    assert time.time() - (tmp_path / "moment").stat().st_mtime < 15 + 10
    assert read_checkpoint(only(tmp_path) / "checkpoints" / "last.ckpt")


@pytest.mark.slow
def test_a_split_of_fewer_samples_than_ranks_is_scored(tmp_path, alone):
    words = [
        "experiments=captioning_scenes",
        *DDP,
        *TINY[1:],
        "data.batch_size=4",
        "++data.source.num_train=64",
    ]
    sizes = ["++data.source.num_val=1", "++data.source.num_test=1"]
    scores = run.train([*words, *sizes, f"out_dir={tmp_path}"])
    (folder,) = (tmp_path / "captioning_scenes").glob("2*")
    assert len(check_scores(folder, scores)) == 2  # test and test_composition


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.slow
def test_a_taken_port_hinders_no_ranks_of_ours(tmp_path, alone, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("MASTER_PORT", str(taken.getsockname()[1]))
        assert run.train([*SHORT, "trainer.max_epochs=1", f"out_dir={tmp_path}"])


def place(rank, port):
    """The environment of one of two ranks, as starters of ranks give it."""
    given = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": 2,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }
    return {name: str(value) for name, value in given.items()}


@pytest.mark.slow
def test_ranks_with_different_configs_end_at_once(tmp_path, alone):
    port, other = free_port(), "model.optimizer.lr=0.5"
    with started(tmp_path, **place(0, port)) as first, started(tmp_path, other, **place(1, port)) as second:
        said = [job.communicate(timeout=60)[1] for job in (first, second)]
    line = "config: model.optimizer.lr=0.5: on rank 1, but 0.003 on rank 0. Give all the same command\n"
    assert said == [line, line] and (first.returncode, second.returncode) == (2, 2)
    assert status(only(tmp_path))["state"] == "failed"


@pytest.mark.slow
def test_ranks_that_go_on_with_different_runs_end_at_once(tmp_path, alone):
    run.train([*SHORT, "trainer.max_epochs=1", f"out_dir={tmp_path}"])
    mine = only(tmp_path)
    other, port = shutil.copytree(mine, tmp_path / "other"), free_port()
    command = [sys.executable, "train.py", "trainer.max_epochs=2"]
    jobs = [
        subprocess.Popen(
            [*command, f"resume={folder}"],
            cwd=ROOT,
            env={**os.environ, **place(rank, port)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, folder in enumerate((mine, other))
    ]
    said = [job.communicate(timeout=100)[1] for job in jobs]
    line = f"config: resume=other: on rank 1, but {mine.name} on rank 0. Give all the same command\n"
    assert said == [line, line] and [job.returncode for job in jobs] == [2, 2]


@pytest.mark.slow
def test_torchrun_starts_ranks_that_share_one_folder(tmp_path, alone):
    command = ["torch.distributed.run", "--standalone", "--nproc_per_node=2", "train.py"]
    words = [*SHORT, "trainer.max_epochs=1", f"out_dir={tmp_path}"]
    subprocess.run([sys.executable, "-m", *command, *words], cwd=ROOT, check=True, timeout=100)
    assert status(only(tmp_path))["state"] == "finished"
    assert len((only(tmp_path) / "predictions.jsonl").read_text().splitlines()) == 364


@pytest.mark.slow
def test_each_job_of_a_multirun_has_its_ranks_and_its_folder(tmp_path, alone):
    with started(tmp_path, "trainer.max_epochs=1", "seed=1,2", "-m") as job:
        _, said = job.communicate(timeout=100)
    folders = list((tmp_path / "digits").glob("2*"))
    assert job.returncode == 0 and [status(folder)["state"] for folder in folders] == ["finished"] * 2, said
