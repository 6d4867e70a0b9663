"""What a user's mistake, an interrupt and a bug look like from outside."""

import errno
import os
import subprocess
import sys

import pytest

from crossmedia import errors
from crossmedia.config import ROOT
from crossmedia.terminal import explained, guarded, trusted_words


def raising(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ("kind", "code", "area"),
    [
        (errors.ConfigError, 2, "config"),
        (errors.DataError, 3, "data"),
        (errors.CheckpointError, 4, "checkpoint"),
        (errors.SecurityError, 5, "security"),
        (errors.SystemFault, 6, "environment"),
        (errors.NonFiniteError, 7, "non-finite"),
        (errors.RankError, 8, "rank"),
    ],
)
def test_a_mistake_is_a_line_on_stderr_and_the_code_of_its_area(kind, code, area, capsys):
    assert explained(raising(kind("a.png: cut short"))) == code
    assert capsys.readouterr() == ("", f"{area}: a.png: cut short\n")


def test_whom_the_user_trusts_is_taken_out_of_what_hydra_reads(monkeypatch):
    words = ["train.py", "-m", "--trust", "mine", "a=1,2", "--trust=yours", "+b.c=--x", "-cd", "folder"]
    monkeypatch.setattr(sys, "argv", words)
    assert trusted_words() == ["mine", "yours"]
    assert sys.argv == ["train.py", "-m", "a=1,2", "+b.c=--x", "-cd", "folder"]
    monkeypatch.setattr(sys, "argv", ["train.py", "--trust"])
    with pytest.raises(errors.ConfigError, match="Say --trust PACKAGE"):
        trusted_words()


def test_several_faults_are_a_line_each_and_their_count(capsys):
    assert explained(raising(errors.DataError("a: bad", "b: worse"))) == 3
    assert capsys.readouterr().err.splitlines() == ["data: a: bad", "data: b: worse", "data: 2 faults"]


def test_very_many_faults_are_counted_and_not_all_shown(capsys):
    explained(raising(errors.DataError(*(f"{place}: bad" for place in range(100)))))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21 and lines[-1] == "data: 100 faults, 20 shown"


def test_a_place_that_the_system_refuses_is_named(capsys):
    assert explained(raising(FileNotFoundError(errno.ENOENT, "No such file or directory", "/proc/x"))) == 6
    assert capsys.readouterr().err == "environment: /proc/x: No such file or directory\n"


def test_an_interrupt_is_130_without_a_word(capsys):
    assert explained(raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr() == ("", "")


def test_what_ends_well_is_0():
    assert explained(lambda: None) == 0


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        explained(lambda: 1 // 0)


def test_debug_gives_a_mistake_its_traceback(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train.py", "experiments=digits", "debug=true"])
    assert explained(raising(errors.DataError("a.png: cut short"))) == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback") and lines[-1] == "data: a.png: cut short"


@pytest.fixture
def asked(monkeypatch, capsys):
    """What `train.py --help` prints."""

    def ask(root):
        monkeypatch.setattr(os, "environ", dict(os.environ))
        monkeypatch.setattr(sys, "argv", ["train.py", "--help"])
        assert guarded(lambda: pytest.fail("asked Hydra"), root) == 0
        return capsys.readouterr().out.splitlines()

    return ask


def test_help_tells_the_experiments_and_the_options(asked):
    lines = asked(ROOT)
    names = sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))
    assert lines[0].startswith("Experiments: ")
    assert [line.split()[0] for line in lines[1 : 1 + len(names)]] == names
    assert any(line.split()[:2] == ["logger", "csv,"] for line in lines)


def test_help_shows_an_experiment_that_claims_nothing(asked, tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.yaml").write_text("about: {claim: null, direction: null}\n")
    assert asked(tmp_path)[1].split() == ["mine"]


@pytest.mark.parametrize(
    ("words", "unbuffered"),
    [
        (["list", "--json"], "1"),
        pytest.param(["list", "--json"], ""),
        pytest.param(["list"], ""),
    ],
)
def test_a_reader_that_leaves_early_is_no_error(words, unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "crossmedia.cli", *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, env=environment)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_place_that_cannot_be_written_is_one_line(job, tmp_path):
    (tmp_path / "file").write_text("")
    words = ["train.py", "experiments=digits", f"out_dir={tmp_path / 'file' / 'runs'}"]
    code, told = job("command", *words)
    assert code == 6
    assert len(told.splitlines()) == 1 and told.startswith("environment: ")


def test_a_terminal_without_unicode_gets_escapes():
    plain = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = [sys.executable, "-m", "crossmedia.cli", "list"]
    found = subprocess.run(words, capture_output=True, env=plain)
    assert found.returncode == 0 and b"digits" in found.stdout and found.stdout.isascii()
