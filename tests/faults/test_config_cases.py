"""Configs as people type and write them: scalars, paths, classes of their own, Slurm's variables."""

import os
import subprocess
import sys

import pytest
from made import TINY

from crossmedia.config import ROOT, check, compose
from crossmedia.config_files import verify
from crossmedia.errors import ConfigError

TRAIN, DIGITS = str(ROOT / "train.py"), "experiments=digits"
HEAD = "# @package _global_\ndefaults:\n  - override /data: digits\n  - override /model: classification_cnn\n"
OWN = """
from torch import nn
class Net(nn.Module):
    def __init__(self, num_classes: int, dim: int = -1, scale: float = 7.0):
        super().__init__()
"""
SLURM = {f"SLURM_{name}": "0" for name in ("PROCID", "LOCALID", "NODEID")} | {
    "SLURM_JOB_ID": "1",
    "SLURM_NTASKS": "1",
    "SLURM_NTASKS_PER_NODE": "2",
    "SLURM_JOB_NODELIST": "localhost",
}


def call(*words, **more):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **more}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment)


def own_config(folder, text):
    path = folder / "experiments" / "mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(HEAD + text)
    return path


def test_a_learning_rate_with_an_exponent_is_a_number_by_every_way_in(tmp_path):
    own_config(tmp_path, "model:\n  optimizer:\n    lr: 1e-4\n")
    filed = compose(["experiments=mine"], own=str(tmp_path))
    typed = compose([DIGITS, "model.optimizer.lr=1e-4"])
    assert filed.model.optimizer.lr == typed.model.optimizer.lr == 0.0001


def test_an_axis_of_learning_rates_is_of_numbers(tmp_path):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    axis = OverridesParser.create().parse_override("model.optimizer.lr=1e-3,1e-4")
    values = [compose([DIGITS, f"{axis.key_or_group}={value}"]) for value in axis.sweep_string_iterator()]
    assert [cfg.model.optimizer.lr for cfg in values] == [0.001, 0.0001]


@pytest.mark.parametrize("text", ["no", "yes", "0123", "1:30"])
def test_what_yaml_would_change_is_text_in_quotes_and_on_the_command_line(text, tmp_path):
    own_config(tmp_path, f"about:\n  claim: '{text}'\n")
    assert compose(["experiments=mine"], own=str(tmp_path)).about.claim == text
    assert compose([DIGITS, f"about.claim={text}"]).about.claim == text


@pytest.mark.parametrize("text", ["no", "On", "0123", "0x1F", "1:30", "-0b1", "+1:30.5"])
def test_what_yaml_would_change_must_stand_in_quotes(text, tmp_path):
    path = own_config(tmp_path, f"about:\n  claim: {text}\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml:6: .* Quote it"):
        verify(path)


@pytest.mark.parametrize("text", ["0", "10", "1e-4", "-0.5", "0189", "nothing", "true", "null", "12:75"])
def test_what_yaml_and_the_command_line_read_alike_needs_no_quotes(text, tmp_path):
    verify(own_config(tmp_path, f"about:\n  claim: {text}\n"))


def test_aliases_that_stand_for_little_are_welcome(tmp_path):
    verify(own_config(tmp_path, "about:\n  a: &a [1, 2]\n  b: [*a, *a]\n"))


def test_a_path_with_an_equals_sign_is_taken_in_quotes():
    assert compose([DIGITS, 'init="/tmp/old/epoch=3-step=40.ckpt"']).init == "/tmp/old/epoch=3-step=40.ckpt"


@pytest.fixture
def own_class(tmp_path, monkeypatch):
    (tmp_path / "my_own_nets.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    return [DIGITS, "model.net={_target_: my_own_nets.Net, num_classes: 10}"]


def test_a_class_of_ones_own_is_checked_by_its_signature(own_class):
    plain = ["~model.net.channels", "~model.net.widths", "~model.net.dropout"]
    check(compose([*own_class, *plain]))
    with pytest.raises(ConfigError, match="model.net.dimm: no such key. Nearest: model.net.dim"):
        check(compose([*own_class, *plain, "+model.net.dimm=1"]))


def test_a_class_of_ones_own_has_ranges_of_its_own(own_class):
    plain = ["~model.net.channels", "~model.net.widths", "~model.net.dropout"]
    check(compose([*own_class, *plain, "+model.net.dim=-2", "+model.net.scale=3.0"]))


@pytest.fixture
def slurm(monkeypatch):
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)


DDP = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.precision=32-true", "trainer.devices=2"]


def test_counts_that_slurm_and_the_config_disagree_on_are_both_told(slurm, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_NAME", "train")
    with pytest.raises(ConfigError, match="trainer.devices=2: 2 processes, but Slurm starts 1"):
        check(compose([DIGITS, *DDP]))


@pytest.mark.parametrize("name", ["bash", "interactive"])
def test_an_interactive_session_of_slurm_starts_its_own_processes(slurm, monkeypatch, name):
    monkeypatch.setenv("SLURM_JOB_NAME", name)
    check(compose([DIGITS, *DDP]))


def test_ranks_that_torch_has_started_are_not_slurms_to_count(slurm, monkeypatch):
    started = {
        "TORCHELASTIC_RUN_ID": "1",
        "WORLD_SIZE": "2",
        "RANK": "0",
        "LOCAL_RANK": "0",
        "GROUP_RANK": "0",
    }
    for name, value in started.items():
        monkeypatch.setenv(name, value)
    check(compose([DIGITS, *DDP]))


@pytest.mark.slow
def test_slurms_variables_leave_one_process_that_trains_and_evaluates(tmp_path):
    words = [DIGITS, *TINY, f"out_dir={tmp_path}"]
    trained = call(TRAIN, *words, **SLURM, SLURM_JOB_NAME="bash")
    assert trained.returncode == 0, trained.stderr
    folder = tmp_path / "digits" / "latest"
    scored = call("-m", "crossmedia.cli", "evaluate", str(folder), **SLURM)
    assert scored.returncode == 0 and "accuracy" in scored.stdout, scored.stderr


@pytest.mark.slow
def test_counts_that_disagree_end_the_command(tmp_path):
    done = call(TRAIN, DIGITS, *DDP, f"out_dir={tmp_path}", **SLURM, SLURM_JOB_NAME="train")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
