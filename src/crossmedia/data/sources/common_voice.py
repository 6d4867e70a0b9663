"""Common Voice: sentences that volunteers read in some hundred languages."""

from crossmedia.data.sources.clip_index import ClipIndex
from crossmedia.data.sources.clips import Clip, ClipSource
from crossmedia.data.sources.files import need_file, need_folder, quoted, split_of
from crossmedia.data.sources.tables import tsv_rows
from crossmedia.images.read import SKIP

LAYOUT = "Expected train.tsv, dev.tsv and test.tsv, or validated.tsv, beside clips/, as <corpus>/<language>/"
LISTS = {"train": "train.tsv", "val": "dev.tsv", "test": "test.tsv"}


class CommonVoice(ClipSource):
    """The clips of one language with their sentence and speaker (Ardila et al., 2020).

    Each split has its list; one without takes a tenth of the speakers of train.tsv, by hash. Without
    train.tsv that is done to validated.tsv. Every sentence is text, `null` and `007` too. Lengths come from
    clip_durations.tsv, where there is one.
    """

    fields = frozenset(["waveform", "sample_rate", "transcript", "speaker"])

    def __init__(self, root: str):
        self.root = need_folder(root, LAYOUT)
        index = ClipIndex(self.root, ["clips"])
        self.faults, self.notes = index.faults, index.notes
        lists = self._lists()
        seconds = self._seconds()
        for split, file in lists.items():
            for where, cells in tsv_rows(self.root / file, ["client_id", "path", "sentence"], self.faults):
                name, speaker = cells["path"], cells["client_id"]
                place = split_of(speaker)
                if split != "train" or place in lists:
                    place = split
                clip = Clip(name, name, cells["sentence"], speaker=speaker, seconds=seconds.get(name, 0))
                index.add(place, clip, where)
        missing = [split for split in self.splits if split not in lists]
        if missing:
            taken = f"a tenth of the speakers of {lists['train']} each, by hash"
            self.notes.append(f"no list for {' and '.join(missing)}: {taken}")
        index.pass_over("a place in these lists")
        self._splits = index.finish(LAYOUT)

    def _lists(self) -> dict[str, str]:
        """Split -> the name of its list."""
        lists = {split: name for split, name in LISTS.items() if (self.root / name).exists()}
        if "train" not in lists:
            need_file(self.root / "validated.tsv", LAYOUT)
            return {"train": "validated.tsv"}
        return lists

    def _seconds(self) -> dict[str, float]:
        """Clip -> its length as the publisher gives it."""
        path = self.root / "clip_durations.tsv"
        if not path.exists():
            return {}
        seconds = {}
        for where, cells in tsv_rows(path, ["clip", "duration[ms]"], self.faults):
            duration = cells["duration[ms]"]
            if duration.isascii() and duration.isdigit():
                seconds[cells["clip"]] = int(duration) / 1000
            else:
                fault = f"{quoted(duration)} is no number of milliseconds"
                self.faults.append(f"{where}: {fault}. Mend the line{SKIP}")
        return seconds
