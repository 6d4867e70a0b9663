"""An exported run: weights, config and card, and what is refused."""

import json
import sys

import pytest
import torch
from made import TINY
from safetensors import safe_open
from safetensors.torch import load_file

from crossmedia import cli, run
from crossmedia.build import build
from crossmedia.export import export
from crossmedia.saved import read_checkpoint, unpack_meta
from crossmedia.sealed import write_checkpoint


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    run.train(["experiments=digits", *TINY, f"out_dir={out}"])
    return next((out / "digits").glob("2*"))


@pytest.fixture(scope="module")
def exported(finished):
    return export(finished)


def test_the_weights_are_those_of_the_best_checkpoint(finished, exported):
    assert exported == finished / "export"
    saved = read_checkpoint(finished / "checkpoints" / "best.ckpt")["state_dict"]
    weights = {name.removeprefix("net."): value for name, value in saved.items() if name.startswith("net.")}
    found = load_file(exported / "model.safetensors")
    assert set(found) == set(weights)
    assert all(torch.equal(found[name], value) for name, value in weights.items())
    with safe_open(exported / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_the_config_and_the_weights_are_enough_to_build_the_model(finished, exported):
    config = json.loads((exported / "config.json").read_text())
    task = build(config["model"], "model", meta=unpack_meta(config["meta"]))
    task.net.load_state_dict(load_file(exported / "model.safetensors"))
    picture = torch.randint(0, 256, (1, 9, 12), dtype=torch.uint8)
    assert task.eval().generate(image=picture, top=10) == run.load(finished).generate(image=picture, top=10)


def test_the_card_says_what_the_model_is_and_how_it_was_made(finished, exported):
    card = (exported / "README.md").read_text()
    facts = json.loads((finished / "manifest.json").read_text())
    scores = json.loads((finished / "scores.json").read_text())
    assert card.startswith(f"# digits\n\n{facts['about']['claim']}\n")
    for fact in ("python train.py experiments=digits", "seed 0", facts["data"], facts["git"]["commit"]):
        assert fact in card
    assert f"| test/accuracy | {scores['test/accuracy']:.3f} |" in card


def test_a_checkpoint_that_names_foreign_code_is_not_exported(finished, tmp_path, monkeypatch, capsys):
    saved = torch.load(finished / "checkpoints" / "best.ckpt", weights_only=True)
    saved["crossmedia"]["meta"]["image"]["_target_"] = "os.system"
    write_checkpoint(tmp_path / "bad.ckpt", saved)
    words = ["crossmedia", "export", str(tmp_path / "bad.ckpt"), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", words)
    assert cli.main() == 5 and not (tmp_path / "out").exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("security: ") and "os.system" in line


def test_a_file_where_the_folder_should_be_is_one_line(finished, tmp_path, monkeypatch, capsys):
    (tmp_path / "out").write_text("")
    monkeypatch.setattr(sys, "argv", ["crossmedia", "export", str(finished), "--out", str(tmp_path / "out")])
    assert cli.main() == 6
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"environment: {tmp_path / 'out'}: ")
