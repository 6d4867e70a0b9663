import pytest

from crossmedia.build import build, locate, refuse_foreign, trusting
from crossmedia.errors import ConfigError, SecurityError
from crossmedia.images.augment import Augment


def test_a_node_becomes_its_object_parts_first():
    node = {
        "_target_": "crossmedia.data.views.LabelView",
        "augment": {"_target_": "crossmedia.images.augment.Augment"},
    }
    assert isinstance(build(node, "view").augment, Augment)


def test_a_partial_node_waits_for_its_other_arguments():
    made = build({"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.5}, "optimizer")
    assert made.keywords == {"lr": 0.5}


def test_a_constructors_refusal_names_the_key():
    node = {"_target_": "crossmedia.images.augment.Augment", "shift": 2.0}
    with pytest.raises(ConfigError, match="view.augment.shift=2.0: must be between 0 and 1"):
        build(node, "view.augment")


def test_a_misspelt_class_brings_the_nearest():
    with pytest.raises(ConfigError, match="Nearest: Augment"):
        locate("crossmedia.images.augment.Augmnt", "x")


def test_a_misspelt_module_brings_the_nearest():
    with pytest.raises(ConfigError, match="Nearest: crossmedia.images.augment"):
        locate("crossmedia.images.augmnt.Augment", "x")


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("data", "crossmedia.data.sources.digits.Digits"),
        ("data", "crossmedia.images.augment.Augment"),
        ("meta", "crossmedia.text.bpe.BpeTokenizer"),
        ("meta", "crossmedia.metrics.scenes.SceneAccuracy"),
        ("model", "crossmedia.nets.cnn.ConvNet"),
        ("model", "torch.optim.AdamW"),
        ("model", "torch.optim.lr_scheduler.OneCycleLR"),
        ("trainer", "pytorch_lightning.Trainer"),
        ("logger", "pytorch_lightning.loggers.WandbLogger"),
        ("early_stopping", "pytorch_lightning.callbacks.EarlyStopping"),
    ],
)
def test_a_file_may_name_what_a_run_is_made_of(key, target):
    refuse_foreign({"part": [{"_target_": target}]}, key)


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("data", "crossmedia.nets.backbones.ResNetClassifier"),  # its `pretrained` asks the network
        ("meta", "crossmedia.tasks.classification.Classification"),
        ("model", "crossmedia.data.sources.image_folder.ImageFolder"),
        ("model", "pytorch_lightning.Trainer"),
        ("trainer", "pytorch_lightning.loggers.WandbLogger"),
        ("about", "crossmedia.nets.cnn.ConvNet"),
    ],
)
def test_a_file_may_name_a_class_in_its_own_place_alone(key, target):
    with pytest.raises(SecurityError, match="may not name this there"):
        refuse_foreign({"part": {"_target_": target}}, key)


def test_the_users_word_lets_her_own_package_in():
    with trusting(["mine"]):
        refuse_foreign({"_target_": "mine.Net"}, "model")
    with pytest.raises(SecurityError, match="--trust mine"):
        refuse_foreign({"_target_": "mine.Net"}, "model")


def test_a_name_that_is_no_class_of_ours_stays_out_whomever_she_trusts():
    with trusting(["crossmedia"]), pytest.raises(SecurityError, match="names no class of crossmedia"):
        refuse_foreign({"_target_": "crossmedia.nets.cnn.Tensor"}, "model")


def test_no_line_advises_to_trust_the_standard_library():
    with pytest.raises(SecurityError) as caught:
        refuse_foreign({"_target_": "os.system"}, "model")
    assert "--trust" not in str(caught.value)
