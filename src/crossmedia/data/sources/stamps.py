"""Tux Paint's stamps: real photos and drawings with a caption in some 60 languages and a category each."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from crossmedia.data.sources.files import (
    Entry,
    PictureSplit,
    choose,
    fingerprint,
    listed,
    need_folder,
)
from crossmedia.data.sources.stamp_families import (
    INSTALL,
    NEEDS,
    ROOT,
    Need,
    Needed,
    Texts,
    caption_of,
    families,
    kinship,
    need_known,
    places,
    texts_of,
)
from crossmedia.errors import DataError
from crossmedia.images.read import colour, file_size, path_text
from crossmedia.limits import within


class _Stamp(NamedTuple):
    id: str
    path: Path
    size: int  # bytes
    texts: Texts


class Stamps:
    """The PNG stamps below `root`, labelled by their first folder where it has at least `min_pictures`.

    `needs` names what every sample must have, "captions" in that language or a "label"; stamps without are
    left out and counted. A hash of the path splits each category 80, 10, 10 %, the same for every language
    and need. Relatives stay together: pictures of the same bytes or the same English caption, and in one
    folder those whose names agree up to the first hyphen or digit (`grave-a`, `fireworks2`, `bus_mirror`).
    """

    splits = ("train", "val", "test")
    scorer = None

    def __init__(
        self,
        root: str = ROOT,
        language: str = "en",
        background: str = "white",
        min_pictures: int = 10,
        needs: Sequence[Need] = NEEDS,
    ):
        colour(background)
        within(min_pictures=min_pictures)
        need_known(needs)
        self.root = need_folder(root, INSTALL)
        self.fields = frozenset(["image", *needs])
        self.faults: list[str] = []
        self.notes: list[str] = []
        stamps = self._stamps()
        needed = Needed([stamp.id for stamp in stamps], needs, min_pictures)
        self.classes = needed.classes
        split_of = places(families({stamp.id: _keys(stamp) for stamp in stamps}))
        entries: dict[str, list[Entry]] = {split: [] for split in self.splits}
        for stamp in stamps:
            caption = caption_of(stamp.path.with_suffix(".txt"), stamp.texts, language, self.faults)
            label = needed.label(stamp.id)
            if needed.met(caption, label):
                captions = () if caption is None else (caption,)
                entry = Entry(stamp.id, str(stamp.path), stamp.size, captions, label)
                entries[split_of[stamp.id]].append(entry)
        self._splits = {split: PictureSplit(part, background) for split, part in entries.items()}
        if needed.without["captions"] == len(stamps):
            known = sorted({code for stamp in stamps for code in stamp.texts})
            raise DataError(
                f"language {language}: no stamp has a caption in it. Known: {listed(known, most=30)}"
            )
        self.notes += needed.notes("stamps", language)

    def split(self, name: str) -> PictureSplit:
        return choose(self._splits, name, self.root)

    def fingerprint(self) -> str:
        return fingerprint(self._splits)

    def _stamps(self) -> list[_Stamp]:
        """Every PNG with the lines of its text file, in order of the paths."""
        paths = {path_text(path.relative_to(self.root).as_posix()): path for path in self.root.rglob("*.*")}
        stamps = []
        for name in sorted(name for name, path in paths.items() if path.suffix == ".png"):
            texts = paths[name].with_suffix(".txt")
            try:
                lines = texts_of(texts) if os.path.lexists(texts) else {}
                stamps.append(_Stamp(name, paths[name], file_size(paths[name]), lines))
            except DataError as error:
                self.faults += error.lines
        if not stamps:
            raise DataError(*(self.faults or [f"{path_text(self.root)}: no PNG stamp in it. {INSTALL}"]))
        drawings = [path for path in paths.values() if path.suffix == ".svg"]
        if drawings:
            alone = sum(not path.with_suffix(".png").exists() for path in drawings)
            self.notes.append(f"{len(drawings)} SVG stamps passed over, {alone} of them without a PNG beside")
        return stamps


def _keys(stamp: _Stamp) -> list[object]:
    return [
        hashlib.sha256(stamp.path.read_bytes()).digest(),
        *kinship(stamp.id.removesuffix(".png"), stamp.texts),
    ]
