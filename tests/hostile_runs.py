"""A run folder to tamper with, the command that must refuse it, and the canary that must not sing."""

import shutil
import sys
from pathlib import Path

import pytest
from made import TINY

from crossmedia import cli, run


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A short run of digits, not to be changed."""
    out = tmp_path_factory.mktemp("runs")
    run.train(["experiments=digits", *TINY, f"out_dir={out}"])
    return next((out / "digits").glob("2*"))


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of the run folder, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def refused(monkeypatch, capsys):
    """Call `crossmedia` with words that must end in one line; gives the exit code and the line."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["crossmedia", *map(str, words)])
        capsys.readouterr()
        code = cli.main()
        out, err = capsys.readouterr()
        lines = err.splitlines()
        assert not out and len(lines) == 1 and len(lines[0]) <= 240 and lines[0].isprintable(), (out, err)
        return code, lines[0]

    return call


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """The file that a package of that name leaves when imported, and a hostile node when built."""
    path = tmp_path / "executed"
    for package in ("canary", "canary/deep"):
        (tmp_path / "path" / package).mkdir(parents=True)
        code = f"open({str(path)!r}, 'w').close()\nclass Thing:\n    def __init__(self, **more): pass\n"
        (tmp_path / "path" / package / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path / "path")
    yield path
    for name in [name for name in sys.modules if name.partition(".")[0] == "canary"]:
        del sys.modules[name]
