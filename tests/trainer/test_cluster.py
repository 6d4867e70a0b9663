"""Which ranks are there, and which are to be started."""

import socket

import pytest

from crossmedia import errors, run
from crossmedia.config import compose
from crossmedia.trainer import cluster

WORDS = ["experiments=digits", "trainer=ddp", "trainer.accelerator=cpu", "trainer.precision=32-true"]


def ranked(rank, port=1):
    """The environment of one of two ranks, as starters of ranks give it."""
    given = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    return {"MASTER_ADDR": "127.0.0.1", **{name: str(value) for name, value in given.items()}}


SLURM = {"SLURM_JOB_ID": "1", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
SLURM |= {"SLURM_NTASKS_PER_NODE": "2", "SLURM_NODEID": "0", "SLURM_JOB_NODELIST": "localhost"}


@pytest.mark.parametrize(
    ("environment", "words", "fault"),
    [
        ({**SLURM, "SLURM_JOB_NAME": "train"}, [], "trainer.devices=2: SLURM_NTASKS=1. Start 2 ranks"),
        (ranked(0), ["trainer.devices=4"], "trainer.devices=4: WORLD_SIZE=2. Start 4 ranks"),
        ({}, ["+trainer.num_nodes=2"], "trainer.num_nodes=2: one command starts ranks on its own machine"),
        ({}, ["trainer.strategy=ddp_spawn"], "trainer.strategy=ddp_spawn: would start ranks of its own"),
    ],
)
def test_ranks_other_than_the_config_asks_for_are_refused(environment, words, fault, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(errors.ConfigError, match=fault):
        cluster.to_start(compose([*WORDS, *words]))


@pytest.mark.parametrize(
    ("environment", "words", "count"),
    [
        ({}, [], 2),
        ({}, ["trainer.devices=1"], 0),
        ({}, ["trainer.devices=[0,1,2]"], 3),
        ({}, ["trainer.strategy=ddp_find_unused_parameters_true"], 2),
        ({**SLURM, "SLURM_JOB_NAME": "bash"}, [], 2),
        ({**SLURM, "SLURM_JOB_NAME": "train"}, ["trainer.devices=1"], 0),
        ({**SLURM, "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2"}, [], 0),
        (ranked(1), [], 0),
    ],
)
def test_ranks_are_started_where_none_are_there(environment, words, count, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cluster.to_start(compose([*WORDS, *words])) == count


def test_a_taken_port_is_named(tmp_path, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for name, value in ranked(0, port).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(errors.SystemFault, match=f"port {port}: taken by another process. "):
            run.train([*WORDS, f"out_dir={tmp_path}"])


@pytest.mark.parametrize("name", ["RANK", "WORLD_SIZE"])
def test_a_rank_that_is_no_number_is_named(name, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv(name, "x")
    with pytest.raises(errors.ConfigError, match=f"{name}=x in the environment: must be a whole number"):
        cluster.rank() or cluster.to_start(compose(["experiments=digits"]))
