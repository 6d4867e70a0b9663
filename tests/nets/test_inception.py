import importlib
import os
import sys
import types

import pytest
import torch

from crossmedia.nets.inception import InceptionV3

PEER = os.environ.get("TORCH_FIDELITY", "")
TOLD = [
    575.7609,
    1485.1788,
    1501.3448,
    372.5331,
    -0.7435,
    7.4158,
    0.8269,
]  # by torch-fidelity 0.4.0, in `test_torch_fidelity_itself_agrees`


@pytest.fixture(scope="module")
def net():
    """Weights from a seed, at a scale that signals survive."""
    torch.manual_seed(0)
    net = InceptionV3().eval().requires_grad_(False)
    draw = torch.Generator().manual_seed(0)
    for name, weight in sorted(net.state_dict().items()):
        values = torch.randn(weight.shape, generator=draw)
        if weight.dim() > 1:
            weight.copy_(values * (2 / weight[0].numel()) ** 0.5)  # He et al., 2015
        elif name.endswith(("running_var", "bn.weight")):
            weight.copy_(1 + 0.1 * values.abs())
        elif name.endswith(("bias", "running_mean")):
            weight.copy_(0.1 * values)
    return net


def picture():
    draw = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (1, 3, 299, 299), dtype=torch.uint8, generator=draw)


def seen(net):
    return net((picture().float() - 128) / 128)  # torch-fidelity's scale


def in_short(features, logits):
    """The sums of the last block's four paths, and three of the logits."""
    paths = features[0].split([320, 768, 768, 192])
    return [part.sum().item() for part in paths] + logits[0, [0, 1, 1007]].tolist()


def test_features_are_those_that_torch_fidelity_computes_with_the_same_weights(net):
    features = seen(net)
    assert features.shape == (1, 2048)
    assert in_short(features, features @ net.fc.weight.T) == pytest.approx(TOLD, rel=1e-4)


@pytest.mark.skipif(
    not PEER,
    reason="TORCH_FIDELITY is not the folder of torch-fidelity's unpacked wheel (pip download --no-deps "
    "torch-fidelity); installed without torchvision, it breaks the import of torchmetrics",
)
def test_torch_fidelity_itself_agrees(net, tmp_path, monkeypatch):
    package = types.ModuleType("torch_fidelity")
    package.__path__ = [f"{PEER}/torch_fidelity"]
    monkeypatch.setitem(
        sys.modules, "torch_fidelity", package
    )  # without its __init__: that needs torchvision
    peer = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    torch.save(net.state_dict(), tmp_path / "weights.pth")
    theirs = peer.FeatureExtractorInceptionV3(
        "inception", ["2048", "logits_unbiased"], feature_extractor_weights_path=tmp_path / "weights.pth"
    )
    features, logits = theirs(picture())
    assert in_short(features, logits) == pytest.approx(TOLD, rel=1e-4)
    torch.testing.assert_close(seen(net), features, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(seen(net) @ net.fc.weight.T, logits, rtol=1e-5, atol=1e-5)


def test_names_and_shapes_are_those_of_the_published_file():
    with torch.device("meta"):
        shapes = {name: tuple(weight.shape) for name, weight in InceptionV3().state_dict().items()}
    assert shapes["Conv2d_1a_3x3.conv.weight"] == (32, 3, 3, 3)
    assert shapes["Mixed_5b.branch1x1.bn.running_mean"] == (64,)
    assert shapes["Mixed_6c.branch7x7dbl_4.conv.weight"] == (160, 160, 7, 1)
    assert shapes["Mixed_7a.branch7x7x3_4.conv.weight"] == (192, 192, 3, 3)
    assert shapes["Mixed_7c.branch3x3dbl_3b.conv.weight"] == (384, 384, 3, 1)
    assert shapes["fc.weight"] == (1008, 2048)
    # 94 convolutions of a weight, and a normalisation of five values with its counter
    assert len(shapes) == 94 * 6 + 2
    assert sum(torch.Size(shape).numel() for name, shape in shapes.items() if "running" not in name) == (
        23_850_960 + 94
    )
