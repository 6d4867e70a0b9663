"""A disk that is full, or refuses, ends a run with a line that names the file; what was saved stays good."""

import errno
import json
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from made import TINY

from crossmedia import run, terminal
from crossmedia.errors import SystemFault
from crossmedia.folder import write_whole
from crossmedia.saved import read_checkpoint
from crossmedia.sealed import read_values
from crossmedia.trainer.checkpoints import AtomicCheckpointIO
from crossmedia.trainer.log import CSVLog

ERRORS = [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO]
NEEDED = [  # a file of the run folder, and the time from which on it cannot be written
    ("checkpoints/last.ckpt", 2),
    ("manifest.json", 1),
    *(
        pytest.param(*case, marks=pytest.mark.slow)
        for case in [
            ("status.json", 1),
            ("status.json", 2),
            ("config.yaml", 1),
            ("overrides.yaml", 1),
            ("manifest.json", 2),
            ("checkpoints/best.ckpt", 1),
            ("checkpoints/last.ckpt", 1),
            ("predictions.jsonl", 1),
            ("scores.json", 1),
        ]
    ),
]
SHORT = ["experiments=digits", *TINY, "model.net.widths=[4]", "trainer.max_epochs=2"]


def failing(number, call=None, when=lambda *args: True):
    """A function of the system that fails with an error number, or does its work where `when` says no."""

    def fail(*args, **more):
        if call is None or when(*args):
            raise OSError(number, os.strerror(number))
        return call(*args, **more)

    return fail


@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("place", ["fsync", "replace", "content"])
def test_a_write_that_fails_names_the_file_and_leaves_the_old_one(tmp_path, monkeypatch, number, place):
    path = tmp_path / "folder" / "file"
    write_whole(path, "old")
    if place != "content":
        monkeypatch.setattr(os, place, failing(number))
    with pytest.raises(SystemFault) as caught:
        write_whole(path, failing(number) if place == "content" else "new")
    assert caught.value.report() == f"environment: {path}: {os.strerror(number)}. The file is as it was"
    assert caught.value.code == 6
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_a_file_that_cannot_be_made_is_named(tmp_path, monkeypatch, number):
    monkeypatch.setattr("builtins.open", failing(number))
    with pytest.raises(SystemFault, match=f"/new: {os.strerror(number)}"):
        write_whole(tmp_path / "new", "")
    assert not list(tmp_path.iterdir())


def test_a_file_in_a_folder_s_place_is_named(tmp_path):
    (tmp_path / "checkpoints").write_text("")
    with pytest.raises(
        SystemFault, match="/checkpoints: File exists. It must be a folder, to hold last.ckpt"
    ):
        write_whole(tmp_path / "checkpoints" / "last.ckpt", "")


def test_a_folder_in_a_file_s_place_is_named(tmp_path):
    (tmp_path / "scores.json").mkdir()
    with pytest.raises(SystemFault, match="scores.json: Is a directory"):
        write_whole(tmp_path / "scores.json", "")
    assert [path.name for path in tmp_path.iterdir()] == ["scores.json"]


def test_a_file_system_that_cannot_sync_a_folder_is_written_too(tmp_path, monkeypatch):
    def sync(handle, original=os.fsync):
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(errno.EINVAL, "Invalid argument")
        original(handle)

    monkeypatch.setattr(os, "fsync", sync)
    write_whole(tmp_path / "file", "new")
    assert (tmp_path / "file").read_text() == "new"


@contextmanager
def files_of_at_most(size):
    """The kernel's own limit: a longer write is an error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def save(path, size):
    AtomicCheckpointIO().save_checkpoint({"crossmedia": {}, "weights": torch.ones(size)}, path)


@pytest.mark.parametrize("limit", [0, 1, 1000, 60_000, 200_000, 400_000])
def test_a_limit_met_amid_a_checkpoint_leaves_the_last_and_the_previous(tmp_path, limit):
    for size in (1, 2):
        save(tmp_path / "last.ckpt", size)
    with files_of_at_most(limit), pytest.raises(SystemFault, match="last.ckpt: File too large. The file is"):
        save(tmp_path / "last.ckpt", 100_000)
    sizes = [len(read_values(tmp_path / f"{name}.ckpt")["weights"]) for name in ("previous", "last")]
    assert sizes == [1, 2] and len(list(tmp_path.iterdir())) == 2


def test_a_disk_that_is_full_for_the_log_is_named(tmp_path):
    (tmp_path / "metrics.csv").symlink_to("/dev/full")
    with pytest.raises(SystemFault, match="/metrics.csv: No space left on device$"):
        CSVLog(tmp_path / "metrics.csv").log_metrics({"train/loss": 0.5}, 1)


def ended(out, monkeypatch, name, times) -> tuple[int, Path]:
    """The exit code and folder of a short run in which a file cannot be put in its place those times."""
    met = []

    def refused(_, path):
        met.extend([path] * Path(path).match(name))
        return Path(path).match(name) and len(met) in times

    monkeypatch.setattr(os, "replace", failing(errno.ENOSPC, os.replace, refused))
    code = terminal.explained(lambda: run.train([*SHORT, f"out_dir={out}"]))
    (folder,) = out.glob("digits/2*")
    assert len(met) >= times[0], "it was not to be written as often"
    return code, folder


@pytest.mark.parametrize(("name", "first"), NEEDED)
def test_a_needed_file_that_cannot_be_written_ends_the_run(tmp_path, monkeypatch, capsys, name, first):
    code, folder = ended(tmp_path, monkeypatch, name, range(first, 99))
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"environment: {folder / name}: No space left on device. The file is as it was"
    assert code == 6 and not list(folder.rglob("*.tmp"))
    for checkpoint in folder.rglob("*.ckpt"):
        assert read_checkpoint(checkpoint)
    if name != "status.json":
        status = json.loads((folder / "status.json").read_text())
        assert status["state"] == "failed" and f"{name}: No space left on device" in status["reason"]


@pytest.mark.parametrize(
    ("name", "times", "said"),
    [("report.html", [1], "report.html"), ("samples/*/*.png", range(1, 99), "samples")],
)
def test_a_page_or_picture_that_cannot_be_written_ends_no_training(
    tmp_path, monkeypatch, capsys, name, times, said
):
    code, folder = ended(tmp_path, monkeypatch, name, times)
    (line,) = capsys.readouterr().err.splitlines()
    fault = f"{folder / said}: No space left on device"
    assert line == f"environment: {fault}. The training goes on without it"
    assert code == 0 and json.loads((folder / "status.json").read_text())["state"] == "finished"
    assert (folder / "report.html").exists() and (folder / "scores.json").exists()
