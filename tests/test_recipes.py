"""Recipes that are published and not run here: their own features, each player's move; README's words."""

import re

import pytest
import torch
from made import TINY, small
from picture_files import cifar10, inception
from runs import only

from crossmedia.build import build
from crossmedia.config import ROOT, check, compose, resolved
from crossmedia.data.batches import Meta
from crossmedia.errors import ConfigError
from crossmedia.images.transforms import ImageTransform
from crossmedia.metrics.features import InceptionFeatures
from crossmedia.nets.inception import InceptionV3
from crossmedia.run import train
from crossmedia.saved import read_checkpoint
from crossmedia.tasks.gan import GAN

NAMES = sorted(path.stem for path in (ROOT / "experiments").glob("*_cifar10_*.yaml"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILE = "fid_weights/pt_inception-2015-12-05-6726825d.pth"


@pytest.fixture
def weights(tmp_path):
    inception(tmp_path / "weights.pth")
    return f"model.features.weights={tmp_path / 'weights.pth'}"


@pytest.mark.parametrize("name", NAMES)
def test_data_and_weights_are_all_that_a_recipe_needs(name, weights, tmp_path):
    cfg = compose([f"experiments={name}", f"data.source.root={cifar10(tmp_path / 'data')}", weights])
    check(cfg)
    assert cfg.model.features._target_ == "crossmedia.metrics.features.InceptionFeatures"
    model = build(resolved(cfg)["model"], "model", meta=Meta(image=ImageTransform(32, 3)))
    model.ready()
    (features,) = model.quality._held
    assert isinstance(features, InceptionFeatures) and isinstance(features.net, InceptionV3)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_without_weights_says_which_file_it_needs_and_where_it_lies(name, tmp_path):
    with pytest.raises(ConfigError) as caught:
        check(compose([f"experiments={name}", f"data.source.root={tmp_path}"]))
    (line,) = caught.value.report().splitlines()
    assert line.startswith("config: model.features.weights: not given. Download https://github.com/mseitzer/")
    assert f"{FILE} and give it as model.features.weights=…" in line


def test_what_else_is_not_given_asks_for_its_key_alone():
    with pytest.raises(ConfigError, match="^data.source.root: not given. Use data.source.root=…$"):
        check(compose(["data=image_folder", "model=classification_cnn"]))


@pytest.mark.parametrize("name", NAMES)
def test_each_player_of_a_recipe_moves(name, monkeypatch, tmp_path):
    began = {}
    monkeypatch.setattr(
        GAN, "ready", lambda self: began.update({k: v.clone() for k, v in self.state_dict().items()})
    )
    words = [f"experiments={name}", *TINY, *small(name, tmp_path), "data.batch_size=2", f"out_dir={tmp_path}"]
    batches = compose(words).model.n_critic  # the generator's first move is on the last of them
    train([*words, f"trainer.limit_train_batches={batches}"])
    ended = read_checkpoint(only(tmp_path) / "checkpoints" / "last.ckpt")["state_dict"]
    for player in ("net", "discriminator"):
        kernels = [key for key, value in began.items() if key.startswith(player) and value.dim() > 1]
        moved = [key for key in kernels if not torch.equal(began[key], ended[key])]
        assert kernels and moved == kernels, player


@pytest.fixture(scope="module")
def words():
    """README's for Inception's features."""
    found = re.search(r"`(model/features=inception [^`]+)`", README)
    assert found
    return found[1].split()


@pytest.mark.parametrize("name", ["gan_scenes", "gan_stamps"])
def test_readme_s_words_choose_the_features_of_an_experiment(name, words):
    cfg = compose([f"experiments={name}", *words])
    check(cfg)
    assert dict(cfg.model.features) == {
        "_target_": "crossmedia.metrics.features.InceptionFeatures",
        "weights": "pt_inception-2015-12-05-6726825d.pth",
    }
    assert next(iter(GAN.scored(resolved(cfg)["model"]))) == "fid_inception"


def test_features_that_read_no_attributes_are_refused_where_these_are_scored(words):
    cfg = compose(["experiments=vae_scenes", *words])
    fault = "^model.features=InceptionFeatures: must be a reader of attributes$"
    with pytest.raises(ConfigError, match=fault):
        check(cfg)
    with pytest.raises(ConfigError, match=fault):
        build(resolved(cfg)["model"], "model", meta=Meta(image=ImageTransform(32, 3)))


@pytest.mark.parametrize("data", ["ljspeech", "vctk"])
def test_voices_and_vocoders_of_one_set_fit_together(data):
    names = sorted(path.stem for path in (ROOT / "experiments").glob(f"*_{data}.yaml"))
    found = [resolved(compose([f"experiments={name}"]))["model"]["mel"] for name in names]
    assert len(found) >= 2 and all(mel == found[0] for mel in found)
