"""Tux Paint's stamps: real photos and drawings with a caption in some 60 languages and a category each."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from crossmedia.data.sources.captions_rows import caption_fault, one_line
from crossmedia.data.sources.files import (
    Entry,
    PictureSplit,
    choose,
    fingerprint,
    listed,
    need_folder,
    share,
)
from crossmedia.data.sources.text_files import utf8_of
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, colour, file_size, path_text
from crossmedia.limits import within

INSTALL = "On Debian or Ubuntu: apt-get install tuxpaint-stamps-default"
Need = Literal["captions", "label"]
_NEEDS: tuple[Need, ...] = get_args(Need)
_VARIANT = re.compile(r"[-\d]|_(?:mirror|flip)$")


class _Stamp(NamedTuple):
    id: str
    path: Path
    size: int  # bytes
    texts: dict[str, tuple[int, bytes]]  # language -> line and caption as they stand in the file

    @property
    def category(self) -> str:
        return self.id.split("/")[0] if "/" in self.id else ""


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
        root: str = "/usr/share/tuxpaint/stamps",
        language: str = "en",
        background: str = "white",
        min_pictures: int = 10,
        needs: Sequence[Need] = _NEEDS,
    ):
        colour(background)
        within(min_pictures=min_pictures)
        if set(needs) - set(_NEEDS):
            raise ValueError(f"needs {list(needs)}: must be some of {', '.join(_NEEDS)}")
        self.root = need_folder(root, INSTALL)
        self.fields = frozenset(["image", *needs])
        self.faults: list[str] = []
        self.notes: list[str] = []
        stamps = self._stamps()
        counts = Counter(stamp.category for stamp in stamps if stamp.category)
        self.classes = tuple(sorted(name for name, count in counts.items() if count >= min_pictures))
        places = _places(stamps)
        entries: dict[str, list[Entry]] = {split: [] for split in self.splits}
        without: Counter[str] = Counter()
        for stamp in stamps:
            captions = self._captions(stamp, language)
            label = self.classes.index(stamp.category) if stamp.category in self.classes else None
            lacks = [need for need in needs if (not captions if need == "captions" else label is None)]
            without.update(lacks)
            if not lacks:
                entry = Entry(stamp.id, str(stamp.path), stamp.size, captions, label)
                entries[places[stamp.id]].append(entry)
        self._splits = {split: PictureSplit(part, background) for split, part in entries.items()}
        if without["captions"] == len(stamps):
            known = sorted({code for stamp in stamps for code in stamp.texts})
            raise DataError(
                f"language {language}: no stamp has a caption in it. Known: {listed(known, most=30)}"
            )
        if without["captions"]:
            self.notes.append(f"{without['captions']} stamps without a caption in {language} left out")
        if without["label"]:
            rare = listed(sorted(set(counts) - set(self.classes)), most=len(counts))
            few = f"categories of fewer than {min_pictures} pictures: {rare}"
            self.notes.append(f"{without['label']} stamps without a label left out ({few})")

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
                lines = _lines(texts) if os.path.lexists(texts) else {}
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

    def _captions(self, stamp: _Stamp, language: str) -> tuple[str, ...]:
        """The caption in that language, if there is a good one."""
        if language not in stamp.texts:
            return ()
        number, raw = stamp.texts[language]
        try:
            caption = raw.decode("utf-8")
            fault = caption_fault(caption)
        except UnicodeDecodeError:
            caption, fault = "", "not UTF-8"
        if fault:
            where = f"{path_text(stamp.path.with_suffix('.txt'))}:{number}"
            self.faults.append(f"{where}: {fault}. Mend the line{SKIP}")
            return ()
        return (one_line(caption),)


def _lines(path: Path) -> dict[str, tuple[int, bytes]]:
    """Language -> line number and caption: line 1 is English, the others read `<language>.utf8=<caption>`."""
    found: dict[str, tuple[int, bytes]] = {}
    for number, line in enumerate(utf8_of(path).split(b"\n"), start=1):
        key, mark, caption = (b"en", b"=", line) if number == 1 else line.partition(b".utf8=")
        if mark and caption.strip():  # a translation that is not written yet stands there empty
            found.setdefault(key.decode("ascii", "replace"), (number, caption))
    return found


def _places(stamps: list[_Stamp]) -> dict[str, str]:
    """Stamp -> split: in the order of their hashes, families go where a category's tenth has room."""
    heads = _families(stamps)
    families: dict[str, list[_Stamp]] = {}
    for stamp in stamps:
        families.setdefault(heads[stamp.id], []).append(stamp)
    counts = Counter(stamp.category for stamp in stamps)
    room = {(split, name): -(-count // 10) for split in ("test", "val") for name, count in counts.items()}
    places = {}
    for head in sorted(families, key=share):
        family = families[head]
        kinds = Counter(stamp.category for stamp in family)
        fits = (s for s in ("test", "val") if all(room[s, name] >= count for name, count in kinds.items()))
        split = next(fits, "train")
        for name, count in kinds.items():
            if split != "train":
                room[split, name] -= count
        places |= {stamp.id: split for stamp in family}
    return places


def _families(stamps: list[_Stamp]) -> dict[str, str]:
    """Stamp -> the first stamp of its family, which shares bytes, English caption or stem with it."""
    head = {stamp.id: stamp.id for stamp in stamps}

    def first(name: str) -> str:
        while head[name] != name:
            name = head[name]
        return name

    met: dict[object, str] = {}
    for stamp in stamps:
        folder, _, stem = stamp.id.removesuffix(".png").rpartition("/")
        english = stamp.texts.get("en", (1, b""))[1].decode("utf-8", "replace")
        keys: list[object] = [
            hashlib.sha256(stamp.path.read_bytes()).digest(),
            (folder, _VARIANT.split(stem)[0].rstrip("_") or stem),
        ]
        for key in keys + ([" ".join(english.casefold().split())] if english else []):
            one, other = sorted((first(stamp.id), first(met.setdefault(key, stamp.id))))
            head[other] = one
    return {name: first(name) for name in head}
