import numpy as np
import pytest
from picture_files import dsprites, npy

from crossmedia.data.sources.dsprites import NAME, DSprites
from crossmedia.errors import DataError

PICTURES = np.random.default_rng(0).integers(0, 2, (60, 64, 64), dtype=np.uint8)
CLASSES = np.zeros((60, 6), np.int64)
CLASSES[:, 1] = np.arange(60) % 3


def made(root, **members):
    return dsprites(root, PICTURES, CLASSES, **members)


def test_a_picture_is_what_was_published_at_its_place(tmp_path):
    source = DSprites(str(made(tmp_path)))
    samples = [sample for name in source.splits for sample in map(source.split(name).__getitem__, [0, -1])]
    for sample in samples:
        place = int(sample.id.removeprefix("dsprites/"))
        assert sample.label == place % 3
        assert sample.image.shape == (1, 64, 64)
        np.testing.assert_array_equal(sample.image[0].numpy(), 255 * PICTURES[place])


def test_many_at_once_are_the_same_as_one_by_one(tmp_path):
    split = DSprites(str(made(tmp_path))).split("train")
    for one, many in zip(map(split.__getitem__, [3, 1]), split.__getitems__([3, 1]), strict=True):
        assert one.id == many.id and one.label == many.label and one.image.equal(many.image)


def test_splits_are_apart_cover_all_and_stay_where_they_are(tmp_path):
    source = DSprites(str(made(tmp_path)))
    places = {name: source.split(name).places.tolist() for name in source.splits}
    assert sorted(sum(places.values(), [])) == list(range(60))
    assert (len(places["train"]), places["val"]) == (52, [2, 15, 32, 40])


def test_pictures_of_more_than_one_reading_are_in_order(tmp_path, monkeypatch):
    whole = DSprites(str(made(tmp_path)))
    monkeypatch.setattr("crossmedia.data.sources.dsprites._TOGETHER", 7)
    assert DSprites(str(tmp_path)).fingerprint() == whole.fingerprint()


def test_the_fingerprint_sees_one_pixel(tmp_path):
    before = DSprites(str(made(tmp_path))).fingerprint()
    other = PICTURES.copy()
    other[59, 63, 63] ^= 1
    assert DSprites(str(made(tmp_path, imgs=npy(other)))).fingerprint() != before


BAD = CLASSES.copy()
BAD[7, 1] = 3


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"imgs": None}, "no imgs in it. Expected dsprites_"),
        ({"latents_classes": None}, "no latents_classes in it"),
        ({"imgs": b"<html>"}, "imgs is no array of numpy's"),
        ({"imgs": npy(PICTURES * 2)}, "imgs has pixels other than 0 and 1"),
        ({"imgs": npy(PICTURES[:, :32])}, r"imgs is \(60, 32, 64\) uint8, \(N, 64, 64\) uint8, N from 1"),
        ({"imgs": npy(PICTURES.astype(np.float32))}, r"imgs is \(60, 64, 64\) float32"),
        ({"imgs": npy(PICTURES[:0])}, r"imgs is \(0, 64, 64\) uint8"),
        ({"imgs": npy(np.array([{}], dtype=object), allow_pickle=True)}, r"imgs is \(1,\) object"),
        ({"imgs": npy(PICTURES)[:-1]}, "imgs ends after 0 pictures of 60"),
        ({"imgs": npy(np.asfortranarray(PICTURES))}, "imgs is stored by column"),
        ({"latents_classes": npy(CLASSES[:59])}, r"latents_classes is \(59, 6\) int64, \(60, 6\) int64"),
        ({"latents_classes": npy(CLASSES)[:-8]}, "latents_classes ends after 2872 bytes"),
        ({"latents_classes": npy(BAD)}, "shape 3 of picture 7, 3 are known"),
    ],
)
def test_a_broken_member_is_named(tmp_path, members, said):
    with pytest.raises(DataError, match=f"{NAME}: {said}"):
        DSprites(str(made(tmp_path, **members)))


@pytest.mark.parametrize("damage", [lambda data: data[:400], lambda data: b"\0" * 100, lambda data: b""])
def test_a_broken_archive_is_named(tmp_path, damage):
    path = made(tmp_path) / NAME
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=f"{path}: cut short or damaged"):
        DSprites(str(tmp_path))


def test_a_flipped_byte_is_found(tmp_path):
    path = made(tmp_path) / NAME
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError, match=f"{path}: (cut short or damaged|imgs)"):
        DSprites(str(tmp_path))


def test_missing_files_tell_the_layout(tmp_path):
    with pytest.raises(DataError, match=f"{NAME}: no such file. Expected {NAME}"):
        DSprites(str(tmp_path))
    with pytest.raises(DataError, match="no such folder. Expected dsprites"):
        DSprites(str(tmp_path / "set"))


def test_the_pickle_in_it_is_never_read(tmp_path, monkeypatch):
    monkeypatch.setattr("pickle.load", lambda *_: pytest.fail("a pickle was read"))
    monkeypatch.setattr("pickle.loads", lambda *_: pytest.fail("a pickle was read"))
    assert len(DSprites(str(made(tmp_path))).split("train")) == 52
