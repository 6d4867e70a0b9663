import os
import platform
import subprocess
from importlib import metadata

import pytest
import torch

from crossmedia import manifest as module
from crossmedia.build import trusting
from crossmedia.manifest import PACKAGES, manifest

OVERRIDES = ["experiments=digits", "seed=3"]


def made():
    return manifest(3, OVERRIDES, "sha256:abc", "32-true")


def test_it_holds_the_command_the_seed_and_the_data():
    facts = made()
    assert facts["command"] == ["python", "train.py", *OVERRIDES]
    assert (facts["seed"], facts["data"], facts["format"]) == (3, "sha256:abc", 1)


def test_the_command_says_whom_the_user_trusted():
    with trusting(["mine"]):
        assert made()["command"] == ["python", "train.py", *OVERRIDES, "--trust=mine"]


def test_it_holds_the_installed_version_of_every_package_a_number_depends_on(monkeypatch):
    monkeypatch.setattr(module, "PACKAGES", (*PACKAGES, "no-such-package"))
    found = made()["versions"]
    assert found.pop("python") == platform.python_version()
    assert found.pop("no-such-package") is None
    assert found == {name: metadata.version(name) for name in PACKAGES}


def test_it_holds_the_machine_as_torch_sees_it():
    hardware = made()["hardware"]
    assert hardware["threads"] == torch.get_num_threads() and hardware["cores"] == os.cpu_count()
    assert hardware["precision"] == "32-true" and hardware["machine"] == platform.machine()
    assert hardware["device"] and hardware["capability"]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with one commit in the place of ours."""
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "a.py").write_text("1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "a.py")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a")
    return tmp_path


def git(folder, *words):
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_clean_checkout_is_its_commit_whatever_lies_beside(checkout):
    (checkout / "notes.txt").write_text("untracked")
    assert made()["git"] == {"commit": git(checkout, "rev-parse", "HEAD"), "dirty": False}


def test_a_changed_file_makes_it_dirty(checkout):
    (checkout / "a.py").write_text("2\n")
    assert made()["git"]["dirty"] is True


def test_outside_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROOT", tmp_path)
    assert made()["git"] is None


def test_a_checkout_without_a_commit_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROOT", tmp_path)
    git(tmp_path, "init", "-q")
    found = made()["git"]
    assert found is None or found["commit"] is None


def test_a_git_that_refuses_never_makes_a_checkout_clean(checkout, monkeypatch):
    refusing = checkout / "bin" / "git"  # as in a container, where git finds "dubious ownership"
    refusing.parent.mkdir()
    refusing.write_text("#!/bin/sh\nexit 128\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", str(refusing.parent))
    found = made()["git"]
    assert found is None or (found["commit"], found["dirty"]) == (None, None)
