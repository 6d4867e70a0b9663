import json
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from crossmedia.errors import CheckpointError, SystemFault
from crossmedia.nets.backbones import ResNetClassifier

WIDTH = 4


def build(**more):
    return ResNetClassifier(num_classes=3, **{"depth": 18, "width": WIDTH, **more})


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """A folder as `save_pretrained` of an image classifier leaves it, its weights under "resnet."."""
    from transformers import ResNetConfig, ResNetForImageClassification

    folder = tmp_path_factory.mktemp("pretrained")
    torch.manual_seed(5)
    sizes = [WIDTH * 2**stage for stage in range(4)]
    config = ResNetConfig(embedding_size=WIDTH, hidden_sizes=sizes, depths=[2] * 4, layer_type="basic")
    ResNetForImageClassification(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]})
    )
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy to break."""
    for path in saved.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.parametrize(("depth", "features"), [(18, 8 * WIDTH), (50, 32 * WIDTH)])
def test_scores_have_a_column_a_class(depth, features):
    net = build(depth=depth, hidden=(5,))
    assert net(torch.randn(2, 3, 32, 32)).shape == (2, 3)
    assert net.head[1].in_features == features and net.head[1].out_features == 5


def test_pretrained_weights_are_those_of_the_folder(saved):
    weights = load_file(saved / "model.safetensors")
    for name, weight in build(pretrained=str(saved)).backbone.state_dict().items():
        torch.testing.assert_close(weight, weights[f"resnet.{name}"])


def test_pretrained_weights_may_lie_in_several_files(folder):
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    for part in range(2):
        save_file(
            {name: weights[name] for name in names[part::2]}, folder / f"model-{part + 1}-of-2.safetensors"
        )
    loaded = build(pretrained=str(folder)).backbone.state_dict()
    assert all(torch.equal(weight, weights[f"resnet.{name}"]) for name, weight in loaded.items())


def test_pictures_reach_pretrained_weights_in_the_range_that_they_know(saved):
    net = build(pretrained=str(saved)).eval()
    seen = []
    net.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(torch.ones(1, 3, 32, 32))  # white, 1.0 in [0, 1]
    torch.testing.assert_close(seen[0][0, :, 0, 0], torch.tensor([0.5 / 0.2, 0.6 / 0.3, 0.7 / 0.4]))


def test_a_frozen_backbone_stands_still_while_the_head_learns():
    net = build(freeze="backbone")
    net.train()
    before = {name: tensor.clone() for name, tensor in net.backbone.state_dict().items()}
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    head = net.head[-1].weight.clone()
    net(torch.randn(4, 3, 32, 32)).square().sum().backward()
    optimizer.step()
    assert not torch.equal(net.head[-1].weight, head)
    for name, tensor in net.backbone.state_dict().items():  # BatchNorm's statistics too
        assert torch.equal(tensor, before[name]), name


def test_without_freezing_every_parameter_gets_a_gradient():
    net = build(freeze="none", hidden=(5,))
    net(torch.randn(4, 3, 32, 32)).square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    assert net.backbone.training


def test_a_checkpoint_brings_back_the_picture_range_without_the_folder(saved):
    trained = build(pretrained=str(saved)).eval()
    again = build().eval()
    again.load_state_dict(trained.state_dict())
    images = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(again(images), trained(images))


def test_a_folder_that_is_not_there_is_named():
    with pytest.raises(CheckpointError, match=r"^/no/such/resnet: no such folder"):
        build(pretrained="/no/such/resnet")


def test_a_name_that_the_hub_does_not_give_is_named(monkeypatch):
    import huggingface_hub

    def refuse(*_, **__):
        raise OSError("no network\nmore lines")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(CheckpointError, match=r"^nobody/nothing: neither a folder nor .* \(no network\)"):
        build(pretrained="nobody/nothing")


def test_a_folder_without_config_is_named(folder):
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match="has no config.json"):
        build(pretrained=str(folder))


def test_a_folder_without_weights_is_named(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="has no .safetensors file"):
        build(pretrained=str(folder))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_file_cut_short_is_named(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=f"{name}: cannot be read"):
        build(pretrained=str(folder))


def test_weights_of_another_depth_name_the_keys_to_set(saved):
    with pytest.raises(
        CheckpointError, match=r"layer_type is basic, but ResNet-50 .* Set net.depth and net.width"
    ):
        build(pretrained=str(saved), depth=50)


def test_a_missing_weight_is_named(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["resnet.embedder.embedder.convolution.weight"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="embedder.embedder.convolution.weight is missing"):
        build(pretrained=str(folder))


def test_without_transformers_the_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(SystemFault, match=r'pip install "crossmedia\[backbones\]"'):
        build()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "num_classes 1: must be at least 2"),
        ({"depth": 20}, "depth 20: must be one of 18, 34, 50, 101"),
        ({"width": 0}, "width 0: must be at least 1"),
        ({"freeze": "head"}, "freeze head: must be one of backbone, none"),
        ({"hidden": (8, 0)}, r"hidden \[8, 0\]: must be at least 1 each"),
        ({"dropout": 1.0}, "dropout 1.0: must be at least 0 and below 1"),
    ],
)
def test_a_value_out_of_range_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ResNetClassifier(**{"num_classes": 3, **arguments})
