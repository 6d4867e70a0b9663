import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from crossmedia.errors import CheckpointError, SystemFault
from crossmedia.folder import RunFolder, find_folder, find_run, write_whole


def start(parent):
    return RunFolder.create(parent, "x").path.name


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_runs_that_sixteen_processes_start_at_once_get_a_folder_each(rounds, tmp_path):
    with ProcessPoolExecutor(16, mp_context=get_context("fork")) as pool:
        names = list(pool.map(start, [str(tmp_path)] * 16 * rounds))
    assert len(set(names)) == 16 * rounds


def test_a_second_writer_is_refused(tmp_path):
    folder = RunFolder.create(tmp_path, "x")
    with (
        folder.locked(),
        pytest.raises(SystemFault, match="is writing this folder"),
        RunFolder(folder.path).locked(),
    ):
        pass


def test_a_folder_can_be_locked_again_once_it_is_free(tmp_path):
    folder = RunFolder.create(tmp_path, "x")
    for _ in range(2):
        with folder.locked():
            pass


def test_a_failed_write_leaves_the_old_file_and_nothing_beside(tmp_path):
    path = tmp_path / "a.json"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def made_run(tmp_path, best=None, direction="max"):
    folder = RunFolder.create(tmp_path, "x").path
    (folder / "checkpoints" / "best.ckpt").write_bytes(b"")
    (folder / "config.yaml").write_text("")
    (folder / "status.json").write_text(json.dumps({"best": best, "direction": direction}))
    return folder


def test_latest_and_an_experiments_name_mean_the_newest_run(tmp_path):
    made_run(tmp_path)
    (newest := made_run(tmp_path)).rename(newer := newest.with_name("9999"))
    assert find_folder("latest", tmp_path) == find_folder("x", tmp_path) == newer


@pytest.mark.parametrize(("direction", "expected"), [("max", 1), ("min", 0)])
def test_best_means_the_run_with_the_best_score(tmp_path, direction, expected):
    runs = [made_run(tmp_path, best, direction) for best in (0.2, 0.9)]
    made_run(tmp_path, None, direction)
    assert find_folder("x@best", tmp_path) == runs[expected]


def test_a_checkpoint_names_its_run_folder(tmp_path):
    folder = made_run(tmp_path)
    assert find_run(folder / "checkpoints" / "best.ckpt") == (folder, folder / "checkpoints" / "best.ckpt")


def test_a_run_without_a_checkpoint_says_why(tmp_path):
    folder = RunFolder.create(tmp_path, "x").path
    with pytest.raises(CheckpointError, match="ended before its first validation"):
        find_run(folder)
