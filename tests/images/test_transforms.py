import numpy as np
import pytest
import torch
from PIL import Image

from crossmedia.errors import DataError
from crossmedia.images.transforms import ImageTransform


def plain(colour: tuple[int, ...], height: int, width: int) -> torch.Tensor:
    return torch.tensor(colour, dtype=torch.uint8)[:, None, None].repeat(1, height, width)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "shape", [(3, 480, 640), (1, 20, 48), (3, 7, 7), (3, 1, 5000), (1, 5000, 2), (1, 1, 1)]
)
def test_every_picture_becomes_a_square_of_the_asked_size(fit, channels, shape):
    image = torch.full(shape, 7, dtype=torch.uint8)
    square = ImageTransform(16, channels, "black", fit).prepare(image)
    assert square.shape == (channels, 16, 16) and square.dtype == torch.uint8 and square.is_contiguous()
    assert square.max() == 7


def test_shrinking_averages_the_pixels_that_it_covers():
    stripes = torch.zeros(1, 64, 64, dtype=torch.uint8)
    stripes[:, :, ::2] = 255
    small = ImageTransform(8, channels=1).prepare(stripes)
    assert small[:, :, 1:-1].float().sub(127.5).abs().max() < 12  # without antialiasing all 0 or all 255


def test_shrinking_equals_pillows_bilinear_filter():
    image = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    theirs = np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    ours = ImageTransform(32).prepare(torch.from_numpy(image).permute(2, 0, 1)).permute(1, 2, 0).numpy()
    assert np.abs(ours - theirs).max() <= 1


def test_a_picture_of_the_right_size_is_left_as_it_is():
    image = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    assert torch.equal(ImageTransform(8).prepare(image), image)


def test_crop_keeps_the_middle():
    image = torch.cat([plain((0,), 4, 4), plain((200,), 4, 4), plain((0,), 4, 4)], dim=2)
    assert (ImageTransform(4, channels=1).prepare(image) == 200).all()


def test_pad_keeps_the_whole_picture_on_the_background():
    square = ImageTransform(8, background="#0000ff", fit="pad").prepare(plain((255, 0, 0), 2, 4))
    assert square[:, 0, 0].tolist() == [0, 0, 255] and square[:, 7, 7].tolist() == [0, 0, 255]
    assert (square[:, 2:6] == plain((255, 0, 0), 4, 8)).all()


def test_grey_is_the_same_on_three_channels():
    assert ImageTransform(2).prepare(plain((90,), 2, 2))[:, 0, 0].tolist() == [90, 90, 90]


def test_colour_becomes_grey_by_brightness():
    greys = [
        int(ImageTransform(1, channels=1).prepare(plain(colour, 1, 1)))
        for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
    ]
    assert greys == [76, 150, 29, 255]  # as Pillow's convert("L")


def test_normalise_gives_minus_one_to_one_channels_last():
    images = torch.stack([plain((0, 0, 0), 2, 2), plain((255, 255, 255), 2, 2)])
    normal = ImageTransform(2).normalise(images)
    assert normal.dtype == torch.float32 and normal.is_contiguous(memory_format=torch.channels_last)
    assert normal[0].unique().tolist() == [-1.0] and normal[1].unique().tolist() == [1.0]


def test_read_shows_a_transparent_file_on_the_background(tmp_path):
    Image.new("RGBA", (3, 3), (0, 0, 0, 0)).save(tmp_path / "a.png")
    image = ImageTransform(2, background="red").read(tmp_path / "a.png")
    assert image[:, 0, 0].tolist() == [255, 0, 0]


def test_read_names_a_broken_file(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(DataError, match="a.png"):
        ImageTransform(2).read(tmp_path / "a.png")


def test_config_builds_an_equal_transform():
    config = ImageTransform(16, 1, "#102030", "pad").config()
    assert config.pop("_target_") == "crossmedia.images.transforms.ImageTransform"
    assert ImageTransform(**config).config().items() >= config.items()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"size": 0}, "size 0: must be at least 1"),
        ({"size": 8, "channels": 2}, "channels 2: must be one of 1, 3"),
        ({"size": 8, "fit": "zoom"}, "fit zoom: must be one of crop, pad, stretch"),
        ({"size": 8, "background": "whit"}, "background 'whit': must be"),
    ],
)
def test_a_wrong_value_is_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        ImageTransform(**arguments)
