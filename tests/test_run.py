import csv
import json

import pytest
import torch
from made import TINY
from PIL import Image

from crossmedia import run
from crossmedia.errors import CheckpointError, SecurityError
from crossmedia.sealed import write_checkpoint


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    scores = run.train(["experiments=digits", *TINY, f"out_dir={out}"])
    return next((out / "digits").glob("2*")), scores


def test_the_run_folder_holds_what_makes_the_number_again(finished):
    folder, scores = finished
    names = {path.name for path in folder.iterdir()}
    assert {
        "config.yaml", "overrides.yaml", "manifest.json", "metrics.csv", "scores.json",
        "predictions.jsonl", "status.json", "report.html", "checkpoints", "samples",
    } <= names  # fmt: skip
    assert json.loads((folder / "scores.json").read_text()) == scores
    assert json.loads((folder / "status.json").read_text())["state"] == "finished"


def test_predictions_hold_every_test_sample_once(finished):
    lines = [json.loads(line) for line in (finished[0] / "predictions.jsonl").read_text().splitlines()]
    assert len({line["id"] for line in lines}) == len(lines) > 100
    right = sum(line["score"] for line in lines) / len(lines)
    assert right == pytest.approx(finished[1]["test/accuracy"])
    assert finished[1]["test/samples"] == len(lines)


def test_the_metrics_file_holds_no_time(finished):
    with open(finished[0] / "metrics.csv") as file:
        keys = {row["key"] for row in csv.DictReader(file)}
    assert "val/accuracy" in keys and not [key for key in keys if "time" in key or "second" in key]


def test_a_checkpoint_alone_gives_the_model_and_its_scores(finished, tmp_path):
    folder, scores = finished
    assert run.evaluate(folder)["test/loss"] >= 0
    model = run.load(folder)
    assert not model.training
    Image.new("L", (30, 20), 255).save(tmp_path / "a.png")
    assert model.generate(image=tmp_path / "a.png")[0] in model.meta.classes


def test_evaluating_without_limits_is_the_same_twice(finished):
    assert run.evaluate(finished[0]) == run.evaluate(finished[0] / "checkpoints" / "best.ckpt")


def test_equal_seeds_give_equal_weights_whatever_the_workers(tmp_path):
    weights = []
    for workers in (0, 1, 2):
        out = tmp_path / str(workers)
        overrides = ["experiments=digits", *TINY, "trainer.max_epochs=3", f"data.num_workers={workers}"]
        run.train([*overrides, "model.mixup=0.2", "model.net.dropout=0.1", f"out_dir={out}"])
        weights.append(run.load(next((out / "digits").glob("2*")) / "checkpoints" / "last.ckpt").state_dict())
    for other in weights[1:]:
        assert all(torch.equal(value, other[name]) for name, value in weights[0].items())


def test_a_checkpoint_that_names_foreign_code_is_refused(finished, tmp_path):
    saved = torch.load(finished[0] / "checkpoints" / "best.ckpt", weights_only=True)
    saved["crossmedia"]["model"]["net"]["_target_"] = "os.system"
    write_checkpoint(tmp_path / "bad.ckpt", saved)
    with pytest.raises(SecurityError, match="os.system"):
        run.load(tmp_path / "bad.ckpt")


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "cut.ckpt").write_bytes(b"PK\x03\x04")
    with pytest.raises(CheckpointError, match="cut.ckpt"):
        run.load(tmp_path / "cut.ckpt")


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["experiments=digit"], 2, "config: experiments=digit: no such experiment. Nearest: digits"),
        (["experiment=digits"], 2, "config: experiment=digits: the group is called experiments"),
        (
            ["experiments=digits", "model.optimiser.lr=1"],
            2,
            "config: model.optimiser: no such key. Nearest: model.optimizer",
        ),
        (["experiments=digits", "data.batch_size=0"], 2, "config: data.batch_size"),
        (
            ["experiments=digits", "model.optimizer.lr=abc"],
            2,
            "config: model.optimizer.lr=abc: expected a number, found text",
        ),
        (["experiments=digits", "init=a=b"], 2, "config: "),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_line_and_no_traceback(words, code, line, job, tmp_path):
    found, told = job("command", "train.py", *words, f"out_dir={tmp_path}")
    assert found == code, told
    assert told.startswith(line) and len(told.splitlines()) == 1, told


def test_the_command_reads_a_run(finished, job, tmp_path):
    Image.new("L", (30, 20), 255).save(tmp_path / "a.png")
    code, told = job("command", "crossmedia", "generate", finished[0], "--image", tmp_path / "a.png")
    assert code == 0 and told.strip() in "0123456789", told
    code, told = job("command", "crossmedia", "export", finished[0], "--out", tmp_path / "out")
    assert code == 0, told
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "model.safetensors",
        "config.json",
        "README.md",
    }
    code, told = job("command", "crossmedia", "report", finished[0])
    assert code == 0 and told.strip().endswith("report.html"), told


def test_a_word_that_the_task_does_not_take_is_named(finished, job):
    code, told = job("command", "crossmedia", "generate", finished[0], "--text", "a dog")
    assert code == 2 and "Classification takes --image" in told
