import re

import pytest
from omegaconf import OmegaConf, open_dict

from crossmedia.config import check, compose, replace, resolved
from crossmedia.errors import ConfigError
from crossmedia.run import train
from crossmedia.typing import mistyped


def faults(*overrides, **changes):
    cfg = compose(["experiments=digits", *overrides])
    with open_dict(cfg):
        for key, value in changes.items():
            OmegaConf.update(cfg, key.replace("__", "."), value)
    with pytest.raises(ConfigError) as caught:
        check(cfg)
    return caught.value.lines


def test_the_experiment_gives_the_run_its_name():
    assert compose(["experiments=digits"]).name == "digits"
    assert compose(["data=digits", "model=classification_cnn"]).name == "digits_classification_cnn"


def test_every_fault_is_listed_at_once():
    lines = faults("data.batch_size=x", "model.optimizer.lr=abc", "+model.net.dropuot=1")
    assert len(lines) == 3


def test_a_misspelt_root_key_brings_the_nearest():
    assert faults("+sede=1") == ["sede: no such key. Nearest: seed"]


def test_a_misspelt_argument_brings_the_nearest():
    assert faults("+model.net.dropuot=0.1") == ["model.net.dropuot: no such key. Nearest: model.net.dropout"]


def test_text_for_a_number_is_named():
    assert faults("model.optimizer.lr=abc") == ["model.optimizer.lr=abc: expected a number, found text"]


def test_a_misspelt_class_brings_the_nearest():
    lines = faults("model._target_=crossmedia.tasks.classification.Clasification")
    assert lines == [
        "model._target_=crossmedia.tasks.classification.Clasification: no such class. Nearest: Classification"
    ]


def test_a_missing_argument_is_named():
    assert faults("~model.net") == ["model.net: missing; Classification needs it"]


def test_a_score_that_is_never_logged_cannot_be_monitored():
    assert "val/accuracy" in faults("monitor=val/acuracy")[0]


@pytest.mark.parametrize("target", ["torch.nn.Identity", "crossmedia.metrics.embedded.SceneLevels"])
def test_features_that_score_no_pictures_are_named(target):
    with pytest.raises(ConfigError) as caught:
        check(compose(["experiments=gan_scenes", f"model.features._target_={target}"]))
    name = target.rpartition(".")[2]
    said = f"model.features={name}: must have a name and see pictures"
    assert [line for line in caught.value.lines if line.startswith(said)]


def test_a_scoring_may_take_a_language_model_that_training_did_not_have():
    node = resolved(compose(["experiments=asr_ctc_scenes"]))
    for word in ("model.lm=words.arpa", "model.lm_weight=0.3", "model.length_bonus=1.5"):
        replace(node, word)
    assert [node["model"][key] for key in ("lm", "lm_weight", "length_bonus")] == ["words.arpa", 0.3, 1.5]
    with pytest.raises(ConfigError, match="model.lm_weight"):
        replace(node, "model.lm_weight=-1")


def test_more_gpus_than_there_are_is_named():
    assert "this machine has" in faults("trainer=gpu", "trainer.devices=99")[0]


def test_a_folder_that_was_not_given_is_named():
    with pytest.raises(ConfigError, match="data.source.root: not given. Use data.source.root="):
        check(compose(["data=image_folder", "model=classification_cnn"]))


def test_no_data_and_no_model_is_named():
    with pytest.raises(ConfigError, match="data: not chosen"):
        check(compose([]))


def test_a_view_of_another_kind_of_batch_is_named():
    assert faults("data/view=captions") == [
        "data.view: CaptionView gives CaptionBatch, but Classification takes ClassBatch"
    ]
    with pytest.raises(
        ConfigError, match="LabelView gives ClassBatch, but GAN takes ImageBatch or KindBatch"
    ):
        check(compose(["data=scenes", "model=gan_projected", "data/view=labels"]))


def test_a_word_that_yaml_took_for_a_truth_value_asks_for_quotes():
    assert (
        mistyped(["en", False], list[str])
        == "expected text at place 2, found true or false. Put it in quotes"
    )


@pytest.mark.parametrize(
    ("value", "annotation"),
    [(1, float), (None, int | None), ([1, 2], list[int]), ({"_target_": "x.Y"}, object), ("a", str | None)],
)
def test_what_fits_is_left_alone(value, annotation):
    assert mistyped(value, annotation) is None


@pytest.mark.parametrize(
    ("value", "annotation"), [(True, int), ("1", float), (1.5, int), ([1], str), (None, str)]
)
def test_what_does_not_fit_is_found(value, annotation):
    assert mistyped(value, annotation)


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ["experiments=digits", "model.net.num_classes=5"],
            "num_classes=5: data.num_classes is 10",
        ),
        (
            ["experiments=captioning_scenes", "model.net.decoder.vocab_size=9"],
            "vocab_size=9: data.tokenizer",
        ),
        (
            ["experiments=captioning_scenes", "model.net.encoder.image_size=64"],
            "image_size=64: data.image.size is 32",
        ),
        (
            ["experiments=asr_ctc_scenes", "data.view.augment.sample_rate=8000"],
            "data.view.augment.sample_rate=8000: data.audio.sample_rate is 16000",
        ),
        (
            ["experiments=captioning_scenes", "data/tokenizer=bpe", "data.tokenizer.vocab_size=5"],
            "data.tokenizer.vocab_size=5: must be",
        ),
        (["experiments=digits", "seed=-1"], "seed=-1: must be between 0"),
        (["experiments=digits", "trainer.devices=0"], "trainer.devices=0: must be at least 1"),
        (["experiments=digits", "+model.optimizer.betas=[2,2]"], "model.optimizer"),
    ],
)
def test_what_contradicts_the_data_or_the_libraries_is_one_line(overrides, line, tmp_path):
    small = [f"data.source.num_{split}=32" for split in ("train", "val", "test") if "scenes" in overrides[0]]
    with pytest.raises(ConfigError, match=re.escape(line)):
        train([*overrides, *small, f"out_dir={tmp_path}"])


def test_a_training_that_would_never_be_scored_is_refused_before_it_starts():
    words = ["trainer.check_val_every_n_epoch=10", "trainer.max_epochs=1"]
    line = (
        "trainer.check_val_every_n_epoch=10: must be at most trainer.max_epochs, 1, or nothing is ever scored"
    )
    assert faults(*words) == [line]
    check(compose(["experiments=digits", words[0], "trainer.max_epochs=10"]))
