"""GANs of a run folder: how many pictures a score needs, and the file of the features that score."""

import re
import sys

import pytest
from made import TINY
from runs import only

from crossmedia import cli, run
from crossmedia.errors import DataError, SystemFault
from crossmedia.metrics.embedded import SceneFeatures
from crossmedia.metrics.features import InceptionFeatures
from crossmedia.tasks.gan import GAN

WORDS = [
    *["data=scenes", "data.image.size=32", "data.batch_size=8", "+data.test_splits=[test]", *TINY],
    *[f"data.source.num_{split}=16" for split in ("train", "val", "test")],
    *["model=gan_dcgan", "model.net.widths=[4,4,4,4]", "model.discriminator.widths=[4,4,4,4]"],
]
MISSING = "{_target_: crossmedia.metrics.features.InceptionFeatures, weights: no/weights.pth}"
BY_INCEPTION = ["~model.features", f"+model.features={MISSING}"]


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
    monkeypatch.setattr(GAN, "latents", lambda *_: pytest.fail("made a picture"))
    code, _, errors = evaluate(word)
    assert (code, len(errors)) == (3, 1)
    assert errors[0].startswith(f"data: {said} score, but FID and KID compare sets of at least 2")


def test_one_picture_that_a_limit_leaves_is_refused_before_any_is_made(monkeypatch, tmp_path):
    monkeypatch.setattr(GAN, "latents", lambda *_: pytest.fail("made a picture"))
    with pytest.raises(DataError, match="^val: 1 to score, but FID and KID"):
        run.train([*WORDS, "+data.eval_batch_size=1", f"out_dir={tmp_path}"])


def test_a_training_without_the_features_file_ends_before_its_first_step(monkeypatch, tmp_path):
    monkeypatch.setattr(GAN, "training_step", lambda *_: pytest.fail("made a step"))
    with pytest.raises(SystemFault, match="^no/weights.pth: no such file. Download https://github.com"):
        run.train([*WORDS, *BY_INCEPTION, f"out_dir={tmp_path}"])
    assert not (only(tmp_path) / "config.yaml").exists()  # it is no run


def test_a_run_makes_pictures_without_the_file_that_scored_it(monkeypatch, tmp_path):
    with monkeypatch.context() as there:
        there.setattr(InceptionFeatures, "read", lambda self: None)
        there.setattr(InceptionFeatures, "forward", lambda self, images: SceneFeatures()(images))
        run.train([*WORDS, *BY_INCEPTION, f"out_dir={tmp_path}"])
    folder = only(tmp_path)
    assert run.load(folder).generate(n=2).shape == (2, 3, 32, 32)
    with pytest.raises(SystemFault, match="^no/weights.pth: no such file. Download"):
        run.evaluate(folder)
