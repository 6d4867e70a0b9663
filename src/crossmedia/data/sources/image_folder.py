"""A picture folder with one sub-folder a class, as ImageNet and most own sets have it."""

from crossmedia.data.sources.class_folders import ClassFolders
from crossmedia.data.sources.files import Entry, PictureSplit, choose, fingerprint
from crossmedia.images.read import SUFFIXES, colour, file_size


class ImageFolder:
    """Pictures labelled by their folder: class folders in `train/`, `val/`, `test/`, or class folders alone.

    Training's class folders in the order of their names give the numbers, whichever of them another split
    has. A split without a folder takes a tenth of training, by a hash of `<class>/<picture>`.
    """

    fields = frozenset(["image", "label"])
    splits = ("train", "val", "test")
    scorer = None

    def __init__(self, root: str, background: str = "white"):
        colour(background)
        found = ClassFolders(root, "picture", SUFFIXES, _entry)
        self.root, self.classes = found.root, found.classes
        self.faults, self.notes = found.faults, found.notes
        self._splits = {split: PictureSplit(part, background) for split, part in found.entries.items()}

    def split(self, name: str) -> PictureSplit:
        return choose(self._splits, name, self.root)

    def fingerprint(self) -> str:
        return fingerprint(self._splits)


def _entry(path: str, picture: str, label: int) -> Entry:
    return Entry(picture, path, file_size(path), label=label)
