"""Runs of two ranks on the CPU: their words, and the processes that start them."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from crossmedia.config import ROOT

needs_ranks = pytest.mark.skipif(
    not torch.distributed.is_available(), reason="this torch has no torch.distributed"
)
DDP = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.precision=32-true"]
SHORT = ["experiments=digits", *DDP, "trainer.max_epochs=4", "+trainer.limit_train_batches=3"]
SHORT += ["data.batch_size=8", "model.net.widths=[4]", "trainer.strategy.timeout=15"]
FAULTY = ["model._target_=faulty.Faulty"]
STEP, VALIDATION, SAVE = "training_step", "validation_step", "on_save_checkpoint"


def status(folder):
    return json.loads((folder / "status.json").read_text())


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


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


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
