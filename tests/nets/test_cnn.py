import pytest
import torch

from crossmedia.nets.cnn import ConvNet


@pytest.mark.parametrize("size", [8, 28, 33])
def test_scores_have_a_column_a_class_at_any_picture_size(size):
    net = ConvNet(num_classes=5, channels=1, widths=(4, 8))
    assert net(torch.randn(2, 1, size, size)).shape == (2, 5)


def test_every_parameter_gets_a_gradient():
    net = ConvNet(num_classes=3, widths=(4, 8), dropout=0.1)
    net(torch.randn(4, 3, 8, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_channels_last_gives_the_same_scores_and_keeps_the_layout_through_the_convolutions():
    net = ConvNet(num_classes=3, widths=(4, 8)).eval()
    images = torch.randn(2, 3, 8, 8)
    plain = net(images)
    net = net.to(memory_format=torch.channels_last)
    images = images.to(memory_format=torch.channels_last)
    torch.testing.assert_close(net(images), plain)
    assert net.features(images).is_contiguous(memory_format=torch.channels_last)


def test_a_picture_too_small_for_the_poolings_is_named():
    with pytest.raises(ValueError, match="image size 3×3: must be at least 4 pixels a side"):
        ConvNet(num_classes=3, widths=(4, 4, 4))(torch.randn(1, 3, 3, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "num_classes 1: must be at least 2"),
        ({"num_classes": 2, "channels": 0}, "channels 0: must be at least 1"),
        ({"num_classes": 2, "widths": ()}, r"widths \[\]: must be one or more numbers"),
        ({"num_classes": 2, "widths": (8, 0)}, r"widths \[8, 0\]: must be at least 1 each"),
        ({"num_classes": 2, "dropout": 1.0}, "dropout 1.0: must be at least 0 and below 1"),
    ],
)
def test_a_value_out_of_range_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConvNet(**arguments)
