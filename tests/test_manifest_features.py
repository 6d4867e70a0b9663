"""The manifest holds by which weights pictures are scored; what goes on, or is scored again, tells others."""

import hashlib

import pytest

from crossmedia.errors import ConfigError
from crossmedia.manifest import (
    manifest,
    need_same_features,
    need_same_teachers,
    other_features,
    other_helpers,
)
from crossmedia.metrics.embedded import HOME

SCENES = {"features": {"_target_": "crossmedia.metrics.embedded.SceneFeatures"}}


@pytest.mark.parametrize("model", [None, {}, {"features": None}])
def test_a_model_without_features_has_none(model):
    assert manifest(0, [], "data", "32-true", model)["features"] == {}


def test_it_holds_the_weights_of_the_features():
    told = hashlib.sha256((HOME / "scenes" / "model.safetensors").read_bytes()).hexdigest()
    assert manifest(0, [], "data", "32-true", SCENES)["features"] == {"scenes": told[:16]}


def by_file(path, content):
    path.write_bytes(content)
    target = "crossmedia.metrics.features.InceptionFeatures"
    return {"features": {"_target_": target, "weights": str(path)}}


def test_the_same_file_elsewhere_is_the_same(tmp_path):
    before = manifest(0, [], "data", "32-true", by_file(tmp_path / "a.pth", b"weights"))
    now = by_file(tmp_path / "b.pth", b"weights")
    need_same_features(before, now)
    assert other_features(before, now) == []


def test_another_file_is_another_run_and_told(tmp_path):
    before = manifest(0, [], "data", "32-true", by_file(tmp_path / "a.pth", b"weights"))
    now = by_file(tmp_path / "a.pth", b"others")
    with pytest.raises(ConfigError, match="^model.features: inception_.*is scored by inception_.*init=RUN"):
        need_same_features(before, now)
    (line,) = other_features(before, now)
    assert line.startswith("Not the features of the training: inception_") and ", then inception_" in line


def test_carried_weights_that_were_trained_anew_are_told_and_go_on():
    before = {"features": {"scenes": "0123456789abcdef"}}
    need_same_features(before, SCENES)
    assert other_features(before, SCENES)[0].endswith(", then scenes 0123456789abcdef")


@pytest.mark.parametrize("before", [{}, {"features": None}, {"features": [[1]]}])
def test_a_manifest_that_does_not_say_is_no_fault(before):
    need_same_features(before, SCENES)
    assert other_features(before, SCENES) == []


def test_another_run_to_learn_by_is_another_run_and_another_judge_is_told():
    model = {helper: {"run": "no-such-run"} for helper in ("aligner", "judge")}
    with pytest.raises(ConfigError, match="^model.aligner.run: is not the aligner that .* has learnt by"):
        need_same_teachers({"helpers": {"aligner": "0123456789abcdef"}}, model)
    before = {"helpers": {"judge": "0123456789abcdef"}}
    need_same_teachers(before, model)
    assert other_helpers(before, model) == ["Not the judge of the training: model.judge.run"]
    need_same_teachers({}, model)
