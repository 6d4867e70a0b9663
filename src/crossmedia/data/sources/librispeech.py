"""LibriSpeech: read English audio books, and whatever has its layout."""

from collections.abc import Iterator
from pathlib import Path

from crossmedia.data.sources.clip_index import ClipIndex
from crossmedia.data.sources.clips import Clip, ClipSource
from crossmedia.data.sources.files import members, need_folder, quoted, split_of
from crossmedia.data.sources.text_files import lines_of
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, path_text

LAYOUT = "Expected train-clean-100/<speaker>/<chapter>/ with clips and <speaker>-<chapter>.trans.txt"
FOLDERS = {
    "train": "train-",
    "val": "dev-clean",
    "test": "test-clean",
    "val_other": "dev-other",
    "test_other": "test-other",
}


class LibriSpeech(ClipSource):
    """Utterances with transcript and speaker from the folders of the corpus (Panayotov et al., 2015).

    All train-* folders are training, dev-clean is val, test-clean test; dev-other and test-other are the
    splits val_other and test_other, where they are there. Without dev-clean or test-clean a tenth of the
    speakers of training takes its place, by hash.
    """

    fields = frozenset(["waveform", "sample_rate", "transcript", "speaker"])

    def __init__(self, root: str):
        self.root = need_folder(root, LAYOUT)
        folders = {split: self._folders(prefix) for split, prefix in FOLDERS.items()}
        if not folders["train"]:
            raise DataError(f"{path_text(self.root)}: no train-* folder. {LAYOUT}")
        there = [split for split in folders if folders[split]]
        self.splits = tuple(split for split in folders if split in there or split in ("val", "test"))
        index = ClipIndex(self.root, splits=self.splits)
        self.faults, self.notes = index.faults, index.notes
        for split in there:
            for where, clip in self._utterances(folders[split]):
                place = split_of(str(clip.speaker))
                index.add(split if split != "train" or place in there else place, clip, where)
        for split in self.splits:
            if split not in there:
                taken = "a tenth of the speakers of training, by hash"
                self.notes.append(f"no {FOLDERS[split]} folder for {split}: {taken}")
        index.pass_over("transcript")
        self._splits = index.finish(LAYOUT)

    def _folders(self, prefix: str) -> list[Path]:
        return [path for path in _inside(self.root) if path.name.startswith(prefix)]

    def _utterances(self, folders: list[Path]) -> Iterator[tuple[str, Clip]]:
        """The clips that the transcripts name, and the lines that do."""
        for chapter in (c for folder in folders for speaker in _inside(folder) for c in _inside(speaker)):
            speaker = chapter.parent.name
            path = chapter / f"{speaker}-{chapter.name}.trans.txt"
            try:
                lines = lines_of(path, self.faults)
            except DataError as error:
                self.faults += [f"{line}{SKIP}" for line in error.lines]
                continue
            for number, line in lines:
                where = f"{path_text(path)}:{number}"
                name, blank, transcript = line.partition(" ")
                if blank:
                    clip = f"{path_text(chapter.relative_to(self.root).as_posix())}/{name}.flac"
                    yield where, Clip(name, clip, transcript, speaker=path_text(speaker))
                else:
                    fault = f"{quoted(line)}: an id, a blank and the words expected"
                    self.faults.append(f"{where}: {fault}. Mend the line{SKIP}")


def _inside(folder: Path) -> list[Path]:
    """The folders in it, in order of their names."""
    return [Path(entry.path) for entry in members(folder) if entry.is_dir() and entry.name[0] != "."]
