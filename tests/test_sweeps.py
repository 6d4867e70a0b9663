import json
from pathlib import Path

import pytest

from benchmarks import sweeps
from benchmarks.sweeps import interval, section


def test_an_interval_is_student_s():
    assert interval([1.0, 2.0, 3.0]) == "2.000 ± 2.484"  # t of 2 degrees: 4.3027; 4.3027 * 1 / √3
    assert interval([0.5]) == "0.500"
    assert interval([364.0, 364.0]) == "364"


def ran(folder: Path, seed: int, loss: str, score: float) -> Path:
    run = folder / f"{loss}-{seed}"
    run.mkdir()
    words = ["python", "train.py", "experiments=x", f"model.loss={loss}", f"seed={seed}"]
    hardware = {"threads": 2, "capability": "AVX2", "precision": "32-true"}
    manifest = {"command": words, "wall_seconds": 90.0, "hardware": hardware}
    (run / "manifest.json").write_text(json.dumps(manifest))
    (run / "scores.json").write_text(json.dumps({"test/fid": score, "test/other": 7.0}))
    return run


def test_runs_that_differ_in_the_seed_are_one_row(tmp_path):
    runs = [
        ran(tmp_path, seed, loss, seed + bias) for loss, bias in (("a", 1), ("b", 5)) for seed in range(3)
    ]
    lines = section("x", runs, ["model.loss"], ["test/fid"]).splitlines()
    assert lines[0] == "## x" and "`python train.py -m experiments=x` (2 CPU cores, AVX2, 32-true)" in lines
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0] == ["model.loss", "test/fid", "seeds", "minutes a run"]
    assert rows[2:] == [["a", "2.000 ± 2.484", "3", "1.5"], ["b", "6.000 ± 2.484", "3", "1.5"]]


def test_what_all_runs_share_is_said_above_the_table(tmp_path):
    runs = [ran(tmp_path, seed, "a", 1.0) for seed in range(2)]
    lines = section("x", runs, ["model.loss"], ["test/fid"]).splitlines()
    assert lines[2].endswith(". Its file sets for all of them `model.loss=a`")
    assert lines[4] == "| test/fid | seeds | minutes a run |"


def test_a_run_without_an_axis_is_an_error(tmp_path):
    with pytest.raises(KeyError, match="other"):
        section("x", [ran(tmp_path, 0, "a", 1.0)], ["other"], ["test/fid"])


def test_a_sweep_that_is_run_again_takes_the_place_of_its_table_and_leaves_what_is_said_below(
    tmp_path, monkeypatch
):
    page = tmp_path / "results.md"
    monkeypatch.setattr(sweeps, "RESULTS", page)
    sweeps._put("x", "## x\n\ncommand\n\n| a |\n| --- |\n| 1 |\n")
    text = page.read_text() + "\nA remark.\n\n## x, too\n\n| b |\n"
    page.write_text(text)
    sweeps._put("x", "## x\n\nanother\n\n| a |\n| --- |\n| 2 |\n| 3 |\n")
    assert page.read_text() == text.replace("command", "another").replace("| 1 |", "| 2 |\n| 3 |")
