"""What all sources of stamps share: the texts of a stamp, and a split that keeps relatives together."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from crossmedia.data.sources.captions_rows import caption_fault, one_line
from crossmedia.data.sources.files import listed, share
from crossmedia.data.sources.text_files import utf8_of
from crossmedia.images.read import SKIP, path_text

ROOT = "/usr/share/tuxpaint/stamps"
INSTALL = "On Debian or Ubuntu: apt-get install tuxpaint-stamps-default"
Texts = dict[str, tuple[int, bytes]]  # language -> line and caption as they stand in the file
Need = Literal["captions", "label"]  # what every sample must have
NEEDS: tuple[Need, ...] = get_args(Need)
_VARIANT = re.compile(r"[-\d]|_(?:mirror|flip)$")


class Needed:
    """Which stamps have the `needs`, and how many were left out for which.

    A label is the category, where at least `at_least` of `stamps` have it.
    """

    def __init__(self, stamps: Iterable[str], needs: Sequence[Need], at_least: int):
        self.needs, self.at_least = needs, at_least
        self.counts = Counter(filter(None, map(category, stamps)))
        self.classes = tuple(sorted(name for name, count in self.counts.items() if count >= at_least))
        self.without: Counter[str] = Counter()

    def label(self, stamp: str) -> int | None:
        kind = category(stamp)
        return self.classes.index(kind) if kind in self.classes else None

    def met(self, caption: str | None, label: int | None) -> bool:
        has = {"captions": caption, "label": label}
        lacks = [need for need in self.needs if has[need] is None]
        self.without.update(lacks)
        return not lacks

    def notes(self, things: str, language: str) -> list[str]:
        found = []
        if self.without["captions"]:
            found.append(f"{self.without['captions']} {things} without a caption in {language} left out")
        if self.without["label"]:
            rare = listed(sorted(set(self.counts) - set(self.classes)), most=len(self.counts))
            few = f"categories of fewer than {self.at_least} {things}: {rare}"
            found.append(f"{self.without['label']} {things} without a label left out ({few})")
        return found


def need_known(needs: Sequence[str]) -> None:
    if set(needs) - set(NEEDS):
        raise ValueError(f"needs {list(needs)}: must be some of {', '.join(NEEDS)}")


def texts_of(path: Path) -> Texts:
    """A stamp's captions: line 1 is English, the others read `<language>.utf8=<caption>`."""
    found: Texts = {}
    for number, line in enumerate(utf8_of(path).split(b"\n"), start=1):
        key, mark, caption = (b"en", b"=", line) if number == 1 else line.partition(b".utf8=")
        if mark and caption.strip():  # a translation that is not written yet stands there empty
            found.setdefault(key.decode("ascii", "replace"), (number, caption))
    return found


def caption_of(path: Path, texts: Texts, language: str, faults: list[str]) -> str | None:
    """The caption in that language, if there is a good one; a bad one is a fault of the file at `path`."""
    if language not in texts:
        return None
    number, raw = texts[language]
    try:
        caption = raw.decode("utf-8")
        fault = caption_fault(caption)
    except UnicodeDecodeError:
        caption, fault = "", "not UTF-8"
    if fault:
        faults.append(f"{path_text(path)}:{number}: {fault}. Mend the line{SKIP}")
        return None
    return one_line(caption)


def category(name: str) -> str:
    """The first folder of a stamp's path."""
    return name.split("/")[0] if "/" in name else ""


def kinship(name: str, texts: Texts) -> list[object]:
    """What a stamp, by its path without suffix, shares with its relatives: stem and English caption.

    Stems agree in one folder up to the first hyphen or digit: `grave-a`, `fireworks2`, `bus_mirror`.
    """
    folder, _, stem = name.rpartition("/")
    english = texts.get("en", (1, b""))[1].decode("utf-8", "replace")
    keys: list[object] = [(folder, _VARIANT.split(stem)[0].rstrip("_") or stem)]
    return keys + ([" ".join(english.casefold().split())] if english else [])


def families(keys: Mapping[str, Iterable[object]]) -> dict[str, str]:
    """Name -> the first of its family, which are all that share a key, or a relative that does."""
    head = {name: name for name in keys}

    def first(name: str) -> str:
        while head[name] != name:
            name = head[name]
        return name

    met: dict[object, str] = {}
    for name in keys:
        for key in keys[name]:
            one, other = sorted((first(name), first(met.setdefault(key, name))))
            head[other] = one
    return {name: first(name) for name in head}


def places(heads: Mapping[str, str]) -> dict[str, str]:
    """Name -> split: in the order of their hashes, families go where a category's tenth has room."""
    members: dict[str, list[str]] = {}
    for name, head in heads.items():
        members.setdefault(head, []).append(name)
    counts = Counter(map(category, heads))
    room = {(split, kind): -(-count // 10) for split in ("test", "val") for kind, count in counts.items()}
    found = {}
    for head in sorted(members, key=share):
        kinds = Counter(map(category, members[head]))
        fits = (s for s in ("test", "val") if all(room[s, kind] >= count for kind, count in kinds.items()))
        split = next(fits, "train")
        for kind, count in kinds.items():
            if split != "train":
                room[split, kind] -= count
        found |= dict.fromkeys(members[head], split)
    return found
