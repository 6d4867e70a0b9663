"""AudioCaps: ten seconds of a video's sound with captions."""

from collections import Counter

from crossmedia.data.sources.clip_index import ClipIndex
from crossmedia.data.sources.clips import SPLITS, Clip, ClipSource
from crossmedia.data.sources.files import need_file, need_folder
from crossmedia.data.sources.tables import csv_rows

START, WHOLE = "<youtube_id>_<start_time>.wav", "<youtube_id>.wav"
LAYOUT = f"Expected train.csv, val.csv and test.csv, and {START} or {WHOLE} in audio/ or train/, val/, test/"
FOLDERS = ("audio", *(f"audio/{split}" for split in SPLITS), *SPLITS, "")
_COLUMNS = ["youtube_id", "start_time", "caption"]


class AudioCaps(ClipSource):
    """Sounds with one caption in training and five in val and test, a line each (Kim et al., 2019).

    A clip is `<youtube_id>_<start_time>.wav`, or `<youtube_id>.wav` where the lists have one start of that
    video only. Videos vanish: a clip that is not there is a fault, which `data.on_error=skip` leaves out.
    """

    fields = frozenset(["waveform", "sample_rate", "captions"])

    def __init__(self, root: str):
        self.root = need_folder(root, LAYOUT)
        index = ClipIndex(self.root, FOLDERS)
        self.faults, self.notes = index.faults, index.notes
        captions: dict[tuple[str, str, str], list[str]] = {}
        places: dict[tuple[str, str, str], str] = {}
        for split in self.splits:
            path = need_file(self.root / f"{split}.csv", LAYOUT)
            for where, cells in csv_rows(path, _COLUMNS, self.faults):
                key = split, cells["youtube_id"], cells["start_time"]
                captions.setdefault(key, []).append(cells["caption"])
                places.setdefault(key, where)
        videos = Counter(video for video, _ in {key[1:] for key in captions})
        forms: Counter[str] = Counter()
        for (split, video, start), texts in captions.items():
            names = {START: f"{video}_{start}.wav", WHOLE: f"{video}.wav"}
            if videos[video] > 1:
                del names[WHOLE]
            form = next((form for form, name in names.items() if index.has(name)), START)
            forms[form] += index.has(names[form])
            clip = Clip(f"{video}_{start}", names[form], captions=tuple(texts))
            index.add(split, clip, places[split, video, start])
        self.notes += [f"{count} clips named {form}" for form, count in forms.items() if count]
        index.pass_over("captions")
        self._splits = index.finish(LAYOUT)
