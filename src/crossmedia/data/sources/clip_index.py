"""The index of a set of sounds: which clips there are, in which split, and why the others cannot be used."""

from collections.abc import Sequence
from pathlib import Path

from crossmedia.audio.read import MAX_SECONDS, SUFFIXES
from crossmedia.data.sources.captions_rows import caption_fault, one_line
from crossmedia.data.sources.clips import SPLITS, Clip, ClipSplit, measured
from crossmedia.data.sources.files import Places, listed, quoted
from crossmedia.data.sources.finder import Finder, name_fault, unnamed
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, path_text


class ClipIndex:
    """The clips of a source by split; what cannot be used becomes a line of `faults`.

    Names lead to files in one of `folders` of `root`, never out of it.
    """

    def __init__(
        self,
        root: Path,
        folders: Sequence[str] = ("",),
        splits: Sequence[str] = SPLITS,
        max_seconds: float = MAX_SECONDS,
    ):
        self.faults: list[str] = []
        self.notes: list[str] = []
        self._root, self._max_seconds = root, max_seconds
        self._finder = Finder(root, folders, "clip")
        self._places = Places()
        self._clips: dict[str, list[Clip]] = {split: [] for split in splits}
        self._ids: dict[str, str] = {}  # id -> split
        self._named: list[str | None] = []  # paths of what is named, where it is there
        self._missing: list[str] = []

    def add(self, split: str, clip: Clip, where: str) -> None:
        """Take a clip whose `path` is its name below a folder; `where` is the line that names it."""
        path = None if name_fault(clip.path) else self._finder.path(clip.path)
        self._named.append(path)
        try:
            found = self._on_disk(self._with_texts(split, clip, where), path, where)
            clash = self._places.clash(found, split)
            if clash:
                raise DataError(f"{where}: {quoted(clip.path)}: {clash}")
        except DataError as error:
            self.faults += error.lines
        else:
            self._ids[clip.id] = split
            self._clips[split].append(found)

    def has(self, name: str) -> bool:
        """Whether a file of that name is in the folders."""
        return not name_fault(name) and self._finder.path(name) is not None

    def _with_texts(self, split: str, clip: Clip, where: str) -> Clip:
        """The clip with each of its texts in one line, without the captions that are none."""
        fault = name_fault(clip.path)
        if clip.id in self._ids:
            other = self._ids[clip.id]
            fault = "named twice, remove one" if other == split else f"in {other} too, remove it from one"
        if clip.transcript is not None:
            fault = fault or caption_fault(clip.transcript, "transcript")
            clip = clip._replace(transcript=one_line(clip.transcript))
        captions = tuple(one_line(caption) for caption in clip.captions if not caption_fault(caption))
        faults = [fault] if fault else list(filter(None, map(caption_fault, clip.captions)))
        lines = [f"{where}: {quoted(clip.path)}: {fault}. Mend it{SKIP}" for fault in dict.fromkeys(faults)]
        if fault or (faults and not captions):
            raise DataError(*lines)
        self.faults += lines
        return clip._replace(captions=captions)

    def _on_disk(self, clip: Clip, path: str | None, where: str) -> Clip:
        """The clip with its path, size and length; `DataError` where the file is missing or no sound."""
        if path is None:
            self._missing.append(f"{where}: no clip {quoted(clip.path)}")
        self._finder.size(path, clip.path, where)
        return measured(clip._replace(path=str(path)), self._max_seconds)

    def pass_over(self, kind: str) -> None:
        """Note the files beside the clips that nothing names."""
        others = unnamed(filter(None, self._named), SUFFIXES)
        if others:
            self.notes.append(f"{len(others)} clips without {kind} passed over: {listed(others)}")

    def finish(self, layout: str) -> dict[str, ClipSplit]:
        """The splits, clips in order of their ids; `DataError` where no clip is left."""
        if not any(self._clips.values()):
            if self._missing and len(self._missing) == len(self.faults):
                raise DataError(f"{self._missing[0]}, nor any other of the {len(self._missing)}. {layout}")
            raise DataError(*(self.faults or [f"{path_text(self._root)}: no clips. {layout}"]))
        return {
            split: ClipSplit(sorted(clips, key=lambda clip: clip.id), self._max_seconds)
            for split, clips in self._clips.items()
        }
