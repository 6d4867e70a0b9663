import errno
import gzip
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from picture_files import chunk, png
from PIL import Image, ImageFile

from crossmedia.errors import DataError
from crossmedia.images.read import read_image

NOISE = np.random.default_rng(0).integers(0, 256, (48, 32, 3), dtype=np.uint8)


def save(path: Path, image: Image.Image | None = None, **options) -> Path:
    (image or Image.fromarray(NOISE)).save(path, **options)
    return path


def fault(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_image(path)
    (line,) = caught.value.lines
    assert line.startswith(f"{path}: ") and len(line) <= 240
    return line.removeprefix(f"{path}: ")


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "ppm"])
def test_a_lossless_file_comes_as_its_pixels(tmp_path, suffix):
    image = read_image(save(tmp_path / f"a.{suffix}"))
    assert image.dtype == torch.uint8 and image.is_contiguous()
    assert (image.permute(1, 2, 0).numpy() == NOISE).all()


def test_grey_has_one_channel(tmp_path):
    image = read_image(save(tmp_path / "a.png", Image.fromarray(NOISE[..., 0])))
    assert (image.numpy() == NOISE[None, ..., 0]).all()


def test_black_and_white_becomes_0_and_255(tmp_path):
    image = read_image(save(tmp_path / "a.png", Image.new("1", (3, 2), 1)))
    assert image.shape == (1, 2, 3) and (image == 255).all()


def test_content_tells_the_format_not_the_suffix(tmp_path):
    image = read_image(save(tmp_path / "b.JPEG", format="PNG"))
    assert (image.permute(1, 2, 0).numpy() == NOISE).all()


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_16_bit_grey_is_scaled_to_8_bit(tmp_path, name):
    ramp = np.tile(np.linspace(0, 65535, 64).astype("uint16"), (64, 1))
    wide = read_image(save(tmp_path / name, Image.fromarray(ramp)))
    narrow = read_image(save(tmp_path / "b.png", Image.fromarray((ramp >> 8).astype("uint8"))))
    assert wide.shape == (1, 64, 64)
    assert (wide.int() - narrow.int()).abs().max() <= 1
    assert wide.min() == 0 and wide.max() == 255


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk_red_is_red(tmp_path, name):
    image = read_image(save(tmp_path / name, Image.new("CMYK", (32, 32), (0, 255, 255, 0))))
    assert image.shape == (3, 32, 32)
    assert image[0].min() > 250 and image[1:].max() < 5


def test_alpha_is_composed_on_the_background(tmp_path):
    path = save(tmp_path / "a.png", Image.new("RGBA", (1, 1), (200, 0, 0, 128)))
    assert read_image(path, "white").flatten().tolist() == [227, 127, 127]
    assert read_image(path, "#0000ff").flatten().tolist() == [100, 0, 127]


@pytest.mark.parametrize("name", ["a.png", "a.gif"])
def test_a_transparent_palette_colour_shows_the_background(tmp_path, name):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    path = save(tmp_path / name, image, transparency=1)
    assert read_image(path, "blue")[:, 0, 0].tolist() == [0, 0, 255]


def test_a_transparent_16_bit_grey_shows_the_background(tmp_path):
    rows = b"\0" + struct.pack(">HH", 1000, 65535)
    path = tmp_path / "a.png"
    path.write_bytes(png(2, 1, rows, extra=chunk(b"tRNS", struct.pack(">H", 1000)), bits=16))
    assert read_image(path, "lime")[:, 0].T.tolist() == [[0, 255, 0], [255, 255, 255]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_upright(tmp_path, suffix, orientation):
    upright = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    back = {  # how a camera held that way stores it
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"a.{suffix}", Image.fromarray(np.ascontiguousarray(back[orientation])), exif=exif)
    assert read_image(path)[0].tolist() == upright.tolist()


@pytest.mark.parametrize("block", [b"XX", b"II*\0\x08\0\0\0\1\0\x12\1\2\0\3\0\0\0abc\0\0\0\0\0"])
def test_a_broken_exif_block_does_not_lose_the_picture(tmp_path, block):
    path = save(tmp_path / "a.png", exif=b"Exif\0\0" + block)
    assert read_image(path).shape == (3, 48, 32)


def test_the_first_frame_of_an_animation_is_read(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    path = save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    assert read_image(path)[:, 0, 0].tolist() == [255, 0, 0]


def test_a_camera_file_of_two_pictures_gives_the_first(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("white", "black")]
    path = save(tmp_path / "a.jpg", frames[0], format="MPO", save_all=True, append_images=frames[1:])
    assert read_image(path).min() > 250


def test_a_missing_file_is_named(tmp_path):
    assert fault(tmp_path / "a.png").startswith("no such file")


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "a.png").touch()
    assert fault(tmp_path / "a.png") == "zero bytes. Remove it, or data.on_error=skip"


def test_a_folder_is_named(tmp_path):
    (tmp_path / "a.png").mkdir()
    assert fault(tmp_path / "a.png").startswith("a folder, not a picture")


@pytest.mark.parametrize(
    ("target", "said"), [("gone.png", "gone.png"), ("/no" * 99, f"…{('/no' * 17)[-50:]}")]
)
def test_a_link_to_nothing_is_named_with_the_end_of_its_target(tmp_path, target, said):
    (tmp_path / "a.png").symlink_to(target)
    assert fault(tmp_path / "a.png").startswith(f"a link to {said}, which cannot be reached")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert fault(tmp_path / "a.png").startswith("not a regular file")


def test_text_named_jpg_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_text("<html>404</html>")
    assert fault(tmp_path / "a.jpg").startswith("not a picture that can be read (PNG, JPEG, ")


def test_a_gzipped_jpeg_is_named_as_such(tmp_path):
    data = save(tmp_path / "a.jpg").read_bytes()
    (tmp_path / "c.JPEG").write_bytes(gzip.compress(data))
    assert fault(tmp_path / "c.JPEG").startswith("packed by gzip. Unpack it")


@pytest.mark.parametrize("kept", [0.01, 0.5, 0.95])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp"])
def test_a_file_cut_short_is_named_with_its_length(tmp_path, name, kept):
    path = save(tmp_path / name)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    size = f"{int(len(data) * kept):,}".replace(",", " ")
    assert fault(path) == f"cut short after {size} bytes. Remove it, or data.on_error=skip"


def test_thousands_of_bytes_are_set_apart(tmp_path):
    path = save(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:2113])
    assert fault(path).startswith("cut short after 2 113 bytes")


@pytest.mark.parametrize("place", ["pixels", "checksum"])
def test_a_wrong_checksum_of_the_pixels_is_found(tmp_path, place):
    path = save(tmp_path / "a.png")
    data = bytearray(path.read_bytes())
    start = data.index(b"IDAT") + 4
    length = struct.unpack(">I", data[start - 8 : start - 4])[0]
    data[start + (length // 2 if place == "pixels" else length + 1)] ^= 1
    path.write_bytes(data)
    assert fault(path).startswith("damaged (broken PNG file")


@pytest.mark.parametrize("sides", [(0, 5), (5, 0)])
def test_a_side_of_no_pixels_is_refused(tmp_path, sides):
    (tmp_path / "a.png").write_bytes(png(*sides, b"\0"))
    assert "side of 0 pixels" in fault(tmp_path / "a.png")


@pytest.mark.parametrize(("side", "said"), [(13_000, "13000 x 13000 pixels"), (20_000, "too many pixels")])
def test_a_small_file_with_far_too_many_pixels_is_refused_undecoded(tmp_path, side, said):
    (tmp_path / "a.png").write_bytes(png(side, side, b"\0", bits=1))
    assert fault(tmp_path / "a.png").startswith(f"{said}, at most 80 million are read")


def test_a_text_chunk_of_100_mb_is_refused(tmp_path):
    packed = zlib.compressobj(1)
    text = b"".join(packed.compress(bytes(10**6)) for _ in range(100)) + packed.flush()
    (tmp_path / "a.png").write_bytes(png(1, 1, b"\0\0", extra=chunk(b"zTXt", b"k\0\0" + text)))
    assert fault(tmp_path / "a.png").startswith("damaged (Decompressed data too large")


@pytest.mark.parametrize("size", [(101, 1), (1, 10_000)])
def test_a_strip_is_refused(tmp_path, size):
    path = save(tmp_path / "a.png", Image.new("L", size))
    assert fault(path).startswith(
        f"{size[0]} x {size[1]} pixels, sides of at most 100 to 1 are read. Crop it"
    )


def test_a_picture_a_hundred_times_as_wide_as_high_is_read(tmp_path):
    assert read_image(save(tmp_path / "a.png", Image.new("L", (100, 1)))).shape == (1, 1, 100)


def test_a_file_that_may_not_be_opened_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    path = save(tmp_path / "a.png")
    monkeypatch.setattr("builtins.open", refuse)
    assert fault(path) == "cannot be read (permission denied). Mend its rights, or data.on_error=skip"


def test_floating_point_pixels_are_refused(tmp_path):
    path = save(tmp_path / "a.tif", Image.fromarray(NOISE[..., 0].astype("float32")))
    assert "8 or 16 bits are read" in fault(path)


def test_a_name_that_is_no_text_can_be_told(tmp_path):
    with pytest.raises(DataError, match=r"caf\\xe9.png: no such file"):
        read_image(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))


def test_a_name_that_breaks_the_line_or_colours_the_terminal_is_escaped(tmp_path):
    with pytest.raises(DataError) as caught:
        read_image(tmp_path / "a\nb\x1b[31m.png")
    assert caught.value.lines[0].startswith(f"{tmp_path}/a\\x0ab\\x1b[31m.png: no such file")


def test_reading_a_broken_file_leaves_pillow_strict(tmp_path):
    path = save(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:500])
    limit = Image.MAX_IMAGE_PIXELS
    fault(path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False and limit == Image.MAX_IMAGE_PIXELS


def test_an_unknown_background_is_a_mistake_of_the_config(tmp_path):
    with pytest.raises(ValueError, match="background 'whit': must be a colour's name or #rrggbb"):
        read_image(save(tmp_path / "a.png"), "whit")
