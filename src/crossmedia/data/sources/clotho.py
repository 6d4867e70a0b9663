"""Clotho: everyday sounds with five captions each."""

from crossmedia.data.sources.clip_index import ClipIndex
from crossmedia.data.sources.clips import Clip, ClipSource
from crossmedia.data.sources.files import need_file, need_folder, split_of
from crossmedia.data.sources.tables import csv_rows

LAYOUT = "Expected development/, validation/ and evaluation/ beside clotho_captions_development.csv and so on"
FOLDERS = {"train": "development", "val": "validation", "test": "evaluation"}
CAPTIONS = [f"caption_{number}" for number in range(1, 6)]


class Clotho(ClipSource):
    """Sounds of 15 to 30 s with five captions each (Drossos et al., 2020).

    Names of files are taken as they stand, blanks at their ends too. Without the list of a validation split,
    as in version 1, a tenth of development takes its place, by hash of the name.
    """

    fields = frozenset(["waveform", "sample_rate", "captions"])

    def __init__(self, root: str):
        self.root = need_folder(root, LAYOUT)
        index = ClipIndex(self.root)
        self.faults, self.notes = index.faults, index.notes
        lists = {split: self.root / f"clotho_captions_{folder}.csv" for split, folder in FOLDERS.items()}
        whole = lists["val"].exists()
        for split in self.splits if whole else ("train", "test"):
            path = need_file(lists[split], LAYOUT)
            for where, cells in csv_rows(path, ["file_name", *CAPTIONS], self.faults):
                name = f"{FOLDERS[split]}/{cells['file_name']}"
                place = "val" if (split, whole, split_of(name)) == ("train", False, "val") else split
                captions = tuple(cells[column] for column in CAPTIONS)
                index.add(place, Clip(name, name, captions=captions), where)
        if not whole:
            self.notes.append(f"no {lists['val'].name}: a tenth of development is val, by hash of the name")
        index.pass_over("captions")
        self._splits = index.finish(LAYOUT)
