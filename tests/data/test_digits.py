import torch

from crossmedia.data.sources.digits import Digits

SOURCE = Digits()


def test_digits_has_1797_pictures_in_three_splits_without_overlap():
    ids = [sample.id for split in SOURCE.splits for sample in SOURCE.split(split)]
    assert len(ids) == len(set(ids)) == 1797
    assert [len(SOURCE.split(split)) for split in SOURCE.splits] == [1248, 185, 364]


def test_every_split_has_every_digit_in_equal_parts():
    assert SOURCE.classes == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
    for split, least in (("train", 121), ("val", 18), ("test", 35)):
        labels = torch.tensor([sample.label for sample in SOURCE.split(split)])
        counts = labels.bincount(minlength=10)
        assert counts.min() >= least and counts.max() - counts.min() <= 6


def test_ink_of_0_to_16_becomes_0_to_255():
    images = torch.stack([sample.image for sample in SOURCE.split("train")])
    assert images.shape == (1248, 1, 8, 8) and images.dtype == torch.uint8
    assert images.unique().tolist() == [round(ink * 255 / 16) for ink in range(17)]


def test_the_split_is_the_same_on_every_machine():
    assert SOURCE.fingerprint()[:16] == "4761bad197a01c40"
