"""How pictures reach a frozen net, and the net of published FIDs from a file like pytorch-fid's."""

import importlib.util
import re
import sys

import picture_files
import pytest
import torch
import torch.nn.functional as F

from crossmedia.errors import CheckpointError, SecurityError, SystemFault
from crossmedia.images.transforms import resized
from crossmedia.metrics.features import InceptionFeatures, in_colour
from crossmedia.nets.inception import InceptionV3
from crossmedia.nets.reader import SceneReader

SMALL = 75  # the least side that the net takes


def test_a_fine_checkerboard_at_half_its_size_is_grey():
    squares = (torch.arange(64)[:, None] + torch.arange(64)) % 2
    board = (2.0 * squares - 1).expand(1, 3, 64, 64)
    inner = resized(board, (32, 32))[..., 2:-2, 2:-2]  # at the edge a pixel has no other side to average
    assert inner.abs().max() < 1e-6
    assert F.interpolate(board, (21, 21), mode="bilinear").abs().max() > 0.5  # what it would be otherwise


def test_a_reader_sees_what_a_fine_checkerboard_averages_to():
    net = SceneReader([2, 2], image_size=16, widths=(4, 4)).eval()
    squares = (torch.arange(48)[:, None] + torch.arange(48)) % 2
    board = (2.0 * squares - 1).expand(1, 3, 48, 48)
    told = F.interpolate(board, (16, 16), mode="bilinear", antialias=True)
    assert torch.equal(net(board), net(told))
    assert not torch.equal(net(board), net(F.interpolate(board, (16, 16), mode="bilinear")))


@pytest.mark.parametrize("size", [32, 64, 100])
def test_resizing_is_torch_s_with_antialiasing(size):
    images = torch.rand(2, 3, 64, 48)
    told = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    assert torch.equal(resized(images, (size, size)), told)
    assert resized(told, (size, size)) is told


def test_grey_is_the_same_in_three_channels_and_another_number_is_refused():
    grey = torch.rand(2, 1, 4, 4)
    assert torch.equal(in_colour(grey), grey.repeat(1, 3, 1, 1))
    with pytest.raises(ValueError, match="images of 2 channels: must be 1"):
        in_colour(torch.rand(2, 2, 4, 4))


def alike(place, shape):
    """Values that a file keeps once: all of a weight's are `place`."""
    return torch.tensor(place / 1000).expand(shape)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pt_inception-2015-12-05-6726825d.pth"


@pytest.fixture
def weights(path):
    found = picture_files.inception(path)
    path.unlink()
    return found


@pytest.mark.parametrize("zipped", [True, False])  # the published file is older than the archives
def test_every_weight_of_the_file_comes_to_its_place(weights, path, zipped):
    torch.save(weights, path, _use_new_zipfile_serialization=zipped)
    found = InceptionFeatures(str(path)).read().state_dict()
    for name, weight in weights.items():
        assert torch.equal(found.pop(name), weight), name
    assert all(name.endswith("num_batches_tracked") and not count for name, count in found.items())


@pytest.fixture(scope="module")
def inception(tmp_path_factory):
    """At a size of pictures that is quick, a picture at a time."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "drawn.pth"
    net = InceptionV3()
    for name, weight in net.state_dict().items():
        if weight.dim() == 4:
            torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
        elif name == "fc.weight":
            weight.mul_(10)
    torch.save(net.state_dict(), path)
    found = InceptionFeatures(str(path))
    with torch.inference_mode():  # as at the first use in a validation
        found.read()
    path.unlink()  # 95 MB
    found.size, found._at_once = SMALL, 1
    return found


def test_features_are_the_net_s_of_resized_pictures_and_probabilities_leave_out_the_bias(inception):
    images = torch.rand(2, 1, 100, 90) * 2 - 1
    seen = inception(images)
    told = inception.net(resized(images, (SMALL, SMALL)).repeat(1, 3, 1, 1))
    torch.testing.assert_close(seen.features, told, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(seen.probabilities, (told @ inception.net.fc.weight.T).softmax(1))
    assert (seen.probabilities - inception.net.fc(told).softmax(1)).abs().max() > 1e-5
    assert seen.features.shape == (2, 2048) and seen.probabilities.shape == (2, 1008)
    assert seen.features.std() > 0.01 and (seen.features[0] - seen.features[1]).abs().max() > 0.01


def test_the_net_is_frozen_and_without_torchvision(inception):
    assert InceptionFeatures.size == 299
    assert not inception.net.training and not any(part.requires_grad for part in inception.parameters())
    assert importlib.util.find_spec("torchvision") is None or "torchvision" not in sys.modules


def test_a_missing_file_is_told_with_where_to_get_it(path):
    where = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    with pytest.raises(SystemFault, match=f"^{path}: no such file. Download {re.escape(where)}pt_inception"):
        InceptionFeatures(str(path)).read()


def renamed(weights):
    weights["Conv2d_1a_3x3.conv.w"] = weights.pop("Conv2d_1a_3x3.conv.weight")


def of_torchvision(weights):
    weights["fc.weight"] = alike(1, (1000, 2048))


def infinite(weights):
    weights["fc.bias"] = torch.full((1008,), float("inf"))


def text(weights):
    weights["fc.bias"] = "zeros"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (renamed, r"Conv2d_1a_3x3.conv.weight is missing, must be \[32, 3, 3, 3\]"),
        (of_torchvision, r"fc.weight is of shape \[1000, 2048\], must be \[1008, 2048\]"),
        (infinite, "fc.bias holds what is no finite number"),
        (text, r"fc.bias is missing, must be \[1008\]"),
    ],
)
def test_a_file_of_another_net_names_the_first_weight_that_does_not_fit(weights, path, change, said):
    change(weights)
    torch.save(weights, path)
    with pytest.raises(
        CheckpointError, match=f"^{path}: {said}. Give that of pytorch-fid's release"
    ) as error:
        InceptionFeatures(str(path)).read()
    assert len(error.value.lines) == 1


def write_half(path, weights):
    torch.save(weights, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (write_half, "cannot be read"),
        (lambda path, _: path.write_bytes(b""), "cannot be read"),
        (lambda path, _: path.write_text("a picture"), "cannot be read"),
        (lambda path, _: path.mkdir(), "cannot be read"),
        (lambda path, _: torch.save([1, 2], path), "holds a list, not weights by name"),
    ],
)
def test_a_file_that_holds_no_weights_is_one_line(weights, path, write, said):
    write(path, weights)
    with pytest.raises(CheckpointError, match=f"^{path}: .*{said}.*Give that of pytorch-fid's") as error:
        InceptionFeatures(str(path)).read()
    assert len(error.value.lines) == 1


@pytest.mark.parametrize(
    ("write", "asked"),
    [
        (lambda path: torch.save(torch.nn.Linear(1, 1), path), "torch.nn.modules.linear.Linear"),
        (lambda path: torch.save({"fc.weight": print}, path), "print"),
    ],
)
def test_a_file_that_asks_for_code_is_not_loaded(path, write, asked):
    write(path)
    with pytest.raises(SecurityError, match=f"^{path}: asks for .*{asked}; not loaded"):
        InceptionFeatures(str(path)).read()
