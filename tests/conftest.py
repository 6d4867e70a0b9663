"""Every test runs from this checkout, without a network or an account."""

import contextlib
import json
import os
import random
import subprocess
import sys
import uuid
import zlib
from pathlib import Path

import numpy
import pytest
import torch

from crossmedia.config import ROOT

os.environ["CROSSMEDIA_ROOT"] = str(Path(__file__).parents[1])
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # two workers on two cores
os.environ["WANDB_MODE"] = "offline"
os.environ["HYDRA_FULL_ERROR"] = "1"


def seed(node):
    """Draws that depend on the node alone, not on what ran before it in its process."""
    number = zlib.crc32(node.nodeid.encode())
    random.seed(number)
    numpy.random.seed(number)
    torch.manual_seed(number)


def pytest_collectstart(collector):
    if isinstance(collector, pytest.Module):  # what a module makes as it is imported
        seed(collector)


@pytest.fixture(autouse=True)
def seeded(request):
    seed(request.node)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Nothing is read from the user's cache, or spoken into it."""
    os.environ["CROSSMEDIA_CACHE"] = str(tmp_path_factory.getbasetemp() / "cache")


@pytest.fixture(scope="session")
def job():
    """Let the process of kills.py do a job; its exit status and what it printed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).with_name("kills.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        assert process.stdin and process.stdout
        asked, answers = process.stdin, process.stdout

        def ask(do, *words, at=None, every=0.0):
            asked.write(
                json.dumps({"do": do, "words": list(map(str, words)), "at": at, "every": every}) + "\n"
            )
            asked.flush()
            return json.loads(answers.readline())

        yield ask
        asked.close()


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
