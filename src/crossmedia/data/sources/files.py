"""What sources of files share: pictures decoded on demand, a split by hash, a fingerprint."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from crossmedia.data.batches import Sample
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, path_text, read_image

CURE = f"Remove it{SKIP}"
Part = TypeVar("Part")


class Member(Protocol):
    """One file of an index, of whatever kind."""

    @property
    def id(self) -> str: ...

    @property
    def path(self) -> str: ...

    def facts(self) -> tuple[Any, ...]:
        """What of it the fingerprint covers: plain values, equal on every machine."""
        ...


class Indexed(Protocol):
    """A split that knows its members."""

    @property
    def entries(self) -> Sequence[Member]: ...


class Entry(NamedTuple):
    """One picture of the index."""

    id: str  # its path below the root, with `/`, as UTF-8 text
    path: str
    size: int  # bytes
    captions: tuple[str, ...] = ()
    label: int | None = None

    def facts(self) -> tuple[Any, ...]:
        return self.id, self.size, self.captions, self.label


class Places:
    """Which split has which file. A link, or another spelling of a path, is the file that it leads to."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, int], tuple[str, str]] = {}

    def clash(self, entry: Member, split: str) -> str | None:
        """What to say of a file that another split has too, or None."""
        status = os.stat(entry.path)
        key = status.st_dev, status.st_ino, status.st_size
        other, name = self._found.setdefault(key, (split, entry.id))
        if other != split:
            return f"{split} has the same file as {other} ({quoted(name)}). Remove it from one{SKIP}"
        return None


class PictureSplit:
    """Entries whose pictures are decoded when asked for; a broken one raises `DataError` naming its file."""

    def __init__(self, entries: Sequence[Entry], background: str):
        self.entries = entries
        self._background = background

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Sample:
        entry = self.entries[index]
        image = read_image(entry.path, self._background)
        return Sample(entry.id, image=image, captions=entry.captions, label=entry.label)

    def texts(self) -> list[str]:
        return [caption for entry in self.entries for caption in entry.captions]


def share(key: str) -> float:
    """A number in [0, 1) that depends on `key` alone."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "replace")).digest()[:6], "big") / 2**48


def split_of(key: str) -> str:
    """train, val or test (80, 10, 10 %) by a hash of `key` alone: new data moves nothing that was there."""
    place = share(key)
    return "train" if place < 0.8 else "val" if place < 0.9 else "test"


def fingerprint(splits: Mapping[str, Indexed]) -> str:
    """A hash of what the members are and of their splits; the order of the index does not count."""
    lines = sorted(
        json.dumps([split, *entry.facts()]) for split, part in splits.items() for entry in part.entries
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def choose(splits: Mapping[str, Part], name: str, root: str | Path) -> Part:
    """The split of that name, or a `DataError` that lists the names there are."""
    if name not in splits:
        raise DataError(f"{root}: no split {name!r}. Splits: {', '.join(splits)}")
    return splits[name]


def need_folder(root: str | Path, layout: str) -> Path:
    """`root`, or a `DataError` that says what is expected there."""
    if not os.path.isdir(root):
        raise DataError(f"{root}: no such folder. {layout}")
    return Path(root)


def need_file(path: Path, layout: str) -> Path:
    """`path`, or a `DataError` that says what is expected there."""
    if not os.path.lexists(path):
        raise DataError(f"{path_text(path)}: no such file. {layout}")
    return path


def members(folder: str | Path) -> list[os.DirEntry[str]]:
    """What a folder holds, by the names' bytes: the same order on every machine and in every locale."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise DataError(f"{path_text(folder)}: cannot be read ({error.strerror})") from None


def on_disk(name: str) -> str:
    """A name given as text, as this machine's file system calls need it in whatever locale."""
    return os.fsdecode(name.encode("utf-8"))


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first names, long ones cut, then how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(name if len(name) <= 40 else f"{name[:40]}…" for name in names[:most]) + more


def quoted(text: str, most: int = 40) -> str:
    """A text in one line for a message, cut where it is long."""
    return repr(text if len(text) <= most else text[:most] + "…")
