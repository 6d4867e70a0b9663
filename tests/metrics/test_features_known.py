"""Features are told by their name and their weights: no file passes for another."""

import hashlib
import os
from types import SimpleNamespace

import picture_files
import pytest

from crossmedia.build import build
from crossmedia.errors import CheckpointError
from crossmedia.metrics import embedded, features
from crossmedia.metrics.features import InceptionFeatures, known
from crossmedia.metrics.quality import Quality
from crossmedia.report.tables import metric_name
from crossmedia.tasks.gan import GAN

INCEPTION = "crossmedia.metrics.features.InceptionFeatures"
PUBLISHED = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"  # sha256 of pytorch-fid's file


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def node(path):
    return {"_target_": INCEPTION, "weights": str(path)}


@pytest.fixture
def path(tmp_path):
    """Weights of no meaning under the published name."""
    picture_files.inception(tmp_path / "pt_inception-2015-12-05-6726825d.pth")
    return tmp_path / "pt_inception-2015-12-05-6726825d.pth"


def test_weights_of_another_file_are_named_by_it(path):
    name = f"inception_{digest(path)[:8]}"
    assert InceptionFeatures(str(path)).name == name == known(node(path)).name
    assert known(node(path)).sha256 == digest(path)
    scores = Quality.scores_of(InceptionFeatures(str(path)))
    assert f"fid_{name}" in scores and "fid_inception" not in scores
    assert scores == GAN.scored({"features": node(path)})


def test_the_published_file_alone_is_inception(path, monkeypatch):
    monkeypatch.setattr(features, "sha256", lambda _: PUBLISHED)
    assert InceptionFeatures(str(path)).name == "inception" == known(node(path)).name
    monkeypatch.setattr(features, "sha256", lambda _: "7" + PUBLISHED[1:])
    assert InceptionFeatures(str(path)).name == "inception_7726825d"


def test_a_file_that_is_put_in_the_place_of_the_named_one_is_refused(path):
    found = InceptionFeatures(str(path))
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match=f"^{path}: is no longer the file that named {found.name}"):
        found.read()


def test_a_file_that_was_missing_when_its_task_was_built_takes_no_other_s_name(path):
    path.rename(path.with_suffix(".away"))
    found = InceptionFeatures(str(path))
    assert found.name == "inception"
    path.with_suffix(".away").rename(path)
    with pytest.raises(CheckpointError, match="is no longer the file that named inception"):
        found.read()


@pytest.mark.parametrize(
    "weights", [None, 3, "no such file", "\0", "~nobody-of-this-name/x", "/dev/zero", "/"]
)
def test_what_is_no_file_has_no_sha256(weights):
    assert known({"_target_": INCEPTION, "weights": weights})[:2] == ("inception", None)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert known(node(tmp_path / "pipe"))[:2] == ("inception", None)


@pytest.mark.parametrize(
    ("name", "cls"),
    [("scenes", "SceneFeatures"), ("digits", "DigitFeatures"), ("scenes_small", "SceneLevels")],
)
def test_carried_weights_are_told_by_their_file(name, cls):
    target = {"_target_": f"crossmedia.metrics.embedded.{cls}"}
    file = embedded.HOME / name / "model.safetensors"
    assert known(target)[:2] == (name, digest(file)) and build(target, "x").name == name


def test_features_of_one_s_own_have_a_name_alone(monkeypatch):
    monkeypatch.setattr(features, "locate", lambda *_: SimpleNamespace(name="mine"))
    assert known({"_target_": "my.Own"})[:2] == ("mine", None)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("fid_inception_6a726825", "FID (inception 6a726825 features)"),
        ("inception_score_inception_6a726825", "inception score (inception 6a726825 features)"),
    ],
)
def test_a_page_names_the_file_too(key, said):
    assert metric_name(key) == said
