"""Ranks that are told to end, and ranks that torchrun, a multirun or separate commands start."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ranked import FAULTY, SHORT, STEP, free_port, needs_ranks, place, ranks_of, started, status, wait_for
from runs import only

from crossmedia import run
from crossmedia.config import ROOT
from crossmedia.saved import read_checkpoint

pytestmark = needs_ranks


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_reaches_the_ranks_and_ends_the_run(number, code, tmp_path, alone):
    with started(
        tmp_path, *FAULTY, "+model.fault=none", f"+model.place={STEP}", "trainer.max_epochs=400"
    ) as job:
        wait_for(tmp_path / "moment")
        job.send_signal(number)
        _, said = job.communicate(timeout=200)
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
        _, said = job.communicate(timeout=200)
    assert job.returncode in (8, 143), said
    assert time.time() - (tmp_path / "moment").stat().st_mtime < 15 + 10
    assert read_checkpoint(only(tmp_path) / "checkpoints" / "last.ckpt")


@pytest.mark.slow
def test_a_taken_port_hinders_no_ranks_of_ours(tmp_path, alone, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("MASTER_PORT", str(taken.getsockname()[1]))
        assert run.train([*SHORT, "trainer.max_epochs=1", f"out_dir={tmp_path}"])


@pytest.mark.slow
def test_ranks_with_different_configs_end_at_once(tmp_path, alone):
    port, other = free_port(), "model.optimizer.lr=0.5"
    with started(tmp_path, **place(0, port)) as first, started(tmp_path, other, **place(1, port)) as second:
        said = [job.communicate(timeout=200)[1] for job in (first, second)]
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
    said = [job.communicate(timeout=200)[1] for job in jobs]
    line = f"config: resume=other: on rank 1, but {mine.name} on rank 0. Give all the same command\n"
    assert said == [line, line] and [job.returncode for job in jobs] == [2, 2]


@pytest.mark.slow
def test_torchrun_starts_ranks_that_share_one_folder(tmp_path, alone):
    command = ["torch.distributed.run", "--standalone", "--nproc_per_node=2", "train.py"]
    words = [*SHORT, "trainer.max_epochs=1", f"out_dir={tmp_path}"]
    subprocess.run([sys.executable, "-m", *command, *words], cwd=ROOT, check=True, timeout=200)
    assert status(only(tmp_path))["state"] == "finished"
    assert len((only(tmp_path) / "predictions.jsonl").read_text().splitlines()) == 364


@pytest.mark.slow
def test_each_job_of_a_multirun_has_its_ranks_and_its_folder(tmp_path, alone):
    with started(tmp_path, "trainer.max_epochs=1", "seed=1,2", "-m") as job:
        _, said = job.communicate(timeout=200)
    folders = list((tmp_path / "digits").glob("2*"))
    assert job.returncode == 0 and [status(folder)["state"] for folder in folders] == ["finished"] * 2, said
