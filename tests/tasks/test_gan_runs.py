"""GANs of a run folder: how many pictures a score needs, and the file of the features that score."""

import json
import re
import sys

import pytest
import yaml
from made import TINY
from runs import only

from crossmedia import cli, run
from crossmedia.errors import ConfigError, DataError, SystemFault
from crossmedia.metrics.embedded import HOME, SceneFeatures
from crossmedia.metrics.features import InceptionFeatures, sha256
from crossmedia.tasks.gan import GAN
from crossmedia.tasks.starts import Starts

WORDS = [
    *["data=scenes", "data.image.size=32", "data.batch_size=8", "+data.test_splits=[test]", *TINY],
    *[f"data.source.num_{split}=16" for split in ("train", "val", "test")],
    *["model=gan_dcgan", "model.net.widths=[4,4,4,4]", "model.discriminator.widths=[4,4,4,4]"],
]
BY_INCEPTION = ["model/features=inception", "model.features.weights=no/weights.pth"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    run.train([*WORDS, f"out_dir={out}"])
    return only(out)


@pytest.fixture
def evaluate(folder, monkeypatch, capsys):
    """Call `crossmedia evaluate` on the run; gives the exit code, and the lines it printed."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["crossmedia", "evaluate", str(folder), *words])
        capsys.readouterr()
        code = cli.main()
        out, err = capsys.readouterr()
        return code, out, err.splitlines()

    return call


def test_fifty_pictures_are_scored_and_their_number_stands_beside(evaluate):
    code, out, _ = evaluate("data.source.num_test=50")
    assert code == 0 and re.search(r"KID \(scenes features\)\s+-?\d", out)
    assert "test: 50 made and 50 real pictures, features of scenes" in " ".join(out.split())


@pytest.mark.parametrize(
    ("word", "said"), [("data.source.num_test=1", "test: 1 to"), ("data.source.num_train=1", "train: 1 to")]
)
def test_one_picture_is_refused_in_one_line_before_any_is_made(evaluate, monkeypatch, word, said):
    monkeypatch.setattr(Starts, "named", lambda *_: pytest.fail("made a picture"))
    code, _, errors = evaluate(word)
    assert (code, len(errors)) == (3, 1)
    assert errors[0].startswith(f"data: {said} score, but FID and KID compare sets of at least 2")


def test_one_picture_that_a_limit_leaves_is_refused_before_any_is_made(monkeypatch, tmp_path):
    monkeypatch.setattr(Starts, "named", lambda *_: pytest.fail("made a picture"))
    with pytest.raises(DataError, match="^val: 1 to score, but FID and KID"):
        run.train([*WORDS, "+data.eval_batch_size=1", f"out_dir={tmp_path}"])


def test_a_training_without_the_features_file_ends_before_its_first_step(monkeypatch, tmp_path):
    monkeypatch.setattr(GAN, "training_step", lambda *_: pytest.fail("made a step"))
    with pytest.raises(SystemFault, match="^no/weights.pth: no such file. Download https://github.com"):
        run.train([*WORDS, *BY_INCEPTION, f"out_dir={tmp_path}"])
    assert not (only(tmp_path) / "config.yaml").exists()  # it is no run


def quickly(patch):
    """Pictures are scored in no time, and the name of the scores is still that of the file."""
    patch.setattr(InceptionFeatures, "read", lambda self: None)
    patch.setattr(InceptionFeatures, "forward", lambda self, images: SceneFeatures()(images))


def test_a_run_makes_pictures_without_the_file_that_scored_it(monkeypatch, tmp_path):
    with monkeypatch.context() as there:
        quickly(there)
        run.train([*WORDS, *BY_INCEPTION, f"out_dir={tmp_path}"])
    folder = only(tmp_path)
    assert run.load(folder).generate(n=2).shape == (2, 3, 32, 32)
    with pytest.raises(SystemFault, match="^no/weights.pth: no such file. Download"):
        run.evaluate(folder)


@pytest.fixture
def moved(monkeypatch, tmp_path):
    """A run, and its file of weights, which is no longer where the run was trained with it."""
    quickly(monkeypatch)
    old, new = tmp_path / "old.pth", tmp_path / "new.pth"
    old.write_bytes(b"weights")
    words = ["model/features=inception", f"model.features.weights={old}", f"out_dir={tmp_path / 'runs'}"]
    run.train([*WORDS, *words])
    old.rename(new)
    return only(tmp_path / "runs"), new


def test_a_file_of_weights_that_moved_scores_as_before(moved):
    folder, new = moved
    scores, notes = run.evaluated(folder, overrides=[f"model.features.weights={new}"])
    assert scores == pytest.approx(json.loads((folder / "scores.json").read_text()), rel=1e-5)
    assert "test/fid_inception_" in " ".join(scores) and not any("Not the features" in n for n in notes)


def test_by_another_file_the_scores_have_another_name(moved):
    folder, new = moved
    new.write_bytes(b"other weights")
    scores, notes = run.evaluated(folder, overrides=[f"model.features.weights={new}"])
    assert not scores.keys() & {*json.loads((folder / "scores.json").read_text())} - {"test/samples"}
    assert any(note.startswith("Not the features of the training: inception_") for note in notes)


def test_a_run_goes_on_with_a_file_of_weights_that_moved(moved):
    folder, new = moved
    before = json.loads((folder / "manifest.json").read_text())["features"]
    run.resume(str(folder), [f"model.features.weights={new}", "trainer.max_epochs=2"])
    assert yaml.safe_load((folder / "config.yaml").read_text())["model"]["features"]["weights"] == str(new)
    (name,) = json.loads((folder / "manifest.json").read_text())["features"]
    assert name in before and f"val/fid_{name}" in (folder / "metrics.csv").read_text()
    assert run.load(folder).generate(n=1).shape == (1, 3, 32, 32)
    run.resume(str(folder), ["trainer.max_epochs=3"])  # the new place is known now


def test_a_run_does_not_go_on_by_another_file(moved):
    folder, new = moved
    new.write_bytes(b"other weights")
    config = (folder / "config.yaml").read_bytes()
    with pytest.raises(
        ConfigError, match="^model.features: inception_.*, but the run to resume is scored by"
    ):
        run.resume(str(folder), [f"model.features.weights={new}", "trainer.max_epochs=2"])
    assert (folder / "config.yaml").read_bytes() == config


@pytest.mark.parametrize("key", ["model.features._target_=x.Y", "model.features.size=3", "model.loss=hinge"])
def test_nothing_else_of_the_model_is_replaced(folder, key):
    with pytest.raises(ConfigError, match="the model is as it was saved"):
        run.evaluate(folder, overrides=[key])
    with pytest.raises(ConfigError, match="the run to resume has"):
        run.resume(str(folder), [key, "trainer.max_epochs=2"])


def test_features_without_a_file_take_none(folder):
    with pytest.raises(ConfigError, match="^model.features.weights: no such key"):
        run.evaluate(folder, overrides=["model.features.weights=x"])
    with pytest.raises(ConfigError, match="^model.features.weights=x: the run to resume has None"):
        run.resume(str(folder), ["model.features.weights=x", "trainer.max_epochs=2"])


def test_a_told_run_draws_the_same_after_loading_and_names_what_its_discriminator_looks_through(tmp_path):
    words = [*WORDS[: WORDS.index("model=gan_dcgan")], "data.source.max_objects=1", "model=gan_projected"]
    scores = run.train([*words, "model.net.widths=[4,4,4,4]", f"out_dir={tmp_path}"])
    folder = only(tmp_path)
    one, two = (run.load(folder).generate(n=3, seed=1) for _ in range(2))
    assert one.equal(two) and 0 <= scores["test/as_told_scenes"] <= 1
    assert run.evaluate(folder) == pytest.approx(scores, rel=1e-5)
    told = json.loads((folder / "manifest.json").read_text())["helpers"]
    assert told == {"encoder": sha256(HOME / "scenes_small" / "model.safetensors")[:16]}


def test_kinds_of_another_type_are_a_fault_in_one_line(tmp_path):
    words = ["data=scenes", "data.source.max_objects=1", "data.image.size=32", "model=gan_projected"]
    with pytest.raises(ConfigError, match="^model.net.kinds=192: ") as caught:
        run.train([*words, "model.net.kinds=192", f"out_dir={tmp_path}"])
    assert all(line.count("\n") == 0 for line in caught.value.lines)
