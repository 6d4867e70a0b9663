"""A folder of sounds with one sub-folder a class, as own recordings have it."""

from crossmedia.audio.read import SUFFIXES
from crossmedia.data.sources.class_folders import ClassFolders
from crossmedia.data.sources.clips import Clip, ClipSource, ClipSplit, measured


class AudioFolder(ClipSource):
    """Sounds labelled by their folder: class folders in `train/`, `val/`, `test/`, or class folders alone.

    Training's class folders in the order of their names give the numbers, whichever of them another split
    has. A split without a folder takes a tenth of training, by a hash of `<class>/<clip>`.
    """

    fields = frozenset(["waveform", "sample_rate", "label"])

    def __init__(self, root: str):
        found = ClassFolders(root, "clip", SUFFIXES, _clip)
        self.root, self.classes = found.root, found.classes
        self.faults, self.notes = found.faults, found.notes
        self._splits = {split: ClipSplit(part) for split, part in found.entries.items()}


def _clip(path: str, name: str, label: int) -> Clip:
    return measured(Clip(name, path, label=label))
