"""1,797 real handwritten digits of 8 x 8 pixels (Alpaydin and Kaynak, 1998), embedded in scikit-learn."""

import torch

from crossmedia.data.sources.arrays import ArraySplit, Pictures, fingerprint, stratified
from crossmedia.data.sources.files import choose

_INK = 16  # the data's white; its pixels count the ink of 4 x 4 fields
_ONE_IN = {"val": 10, "test": 5}  # test 364: one error is 0.3 %


class Digits:
    """Grey pictures (1, 8, 8) in fixed splits of 1,248, 185 and 364.

    Who wrote a digit is not told, so a writer's digits may be in several splits.
    """

    fields = frozenset(["image", "label"])
    splits = ("train", "val", "test")
    classes = tuple("0123456789")
    scorer = None

    def __init__(self) -> None:
        from sklearn.datasets import load_digits  # takes a second to import

        pixels, labels = load_digits(return_X_y=True)
        images = (torch.from_numpy(pixels) * 255 / _INK).round().to(torch.uint8).reshape(-1, 1, 8, 8)
        pictures = Pictures(images, torch.from_numpy(labels).long())
        self.faults: list[str] = []
        self.notes: list[str] = []
        places = stratified(pictures.labels, _ONE_IN)
        self._splits = {name: ArraySplit("digits", pictures, places[name]) for name in self.splits}

    def split(self, name: str) -> ArraySplit:
        return choose(self._splits, name, "digits")

    def fingerprint(self) -> str:
        return fingerprint(self._splits)
