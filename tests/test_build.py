import pytest

from crossmedia.build import build, locate, refuse_foreign
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
    "target",
    [
        "os.system",
        "builtins.eval",
        "torch.load",
        "torch.hub.load",
        "torch.optim.lr_scheduler.LambdaLR",
        "crossmedia.build.importlib.import_module",
        "crossmedia.cli.sys.exit",
        "crossmedia.run.train",
        "crossmedia.data.module.DataLoader",
        "crossmedia.manifest.subprocess.run",
        3,
    ],
)
def test_a_file_may_not_name_what_is_not_ours(target):
    with pytest.raises((SecurityError, ConfigError)):
        refuse_foreign({"net": [{"_target_": target}]}, "model")


def test_a_file_may_name_our_classes_and_torchs_optimizers():
    refuse_foreign(
        {"a": {"_target_": "crossmedia.images.augment.Augment"}, "b": {"_target_": "torch.optim.AdamW"}},
        "model",
    )


def test_the_users_word_lets_her_own_package_in():
    refuse_foreign({"_target_": "mine.Net"}, "model", trust=("mine",))
