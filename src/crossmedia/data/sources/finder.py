"""Finds the files that a list of a data set names, and nothing outside their folder."""

import difflib
import os
import re
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from crossmedia.data.sources.files import members, on_disk, quoted
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, file_size, path_text

_NEVER = re.compile("[\0\ud800-\udfff]")
_MOST_NEAREST = 20  # lines that get a nearest name: as many as an error report shows
_MOST_ALIKE = 2000  # names compared letter by letter; all of COCO's would take seconds a line


class Finder:
    """Files of one `kind` in `folders` of `root`. A link to one must stay inside; a folder may be a link."""

    def __init__(self, root: Path, folders: Sequence[str], kind: str):
        self.root, self.kind = root, kind
        self.folders = [root / name for name in folders if (root / name).is_dir()]
        self._inside = os.path.realpath(root)
        self._missing = 0
        self._names: dict[Path, list[str]] = {}

    def path(self, name: str) -> str | None:
        paths = (os.path.join(folder, on_disk(name)) for folder in self.folders)
        return next((path for path in paths if os.path.lexists(path)), None)

    def size(self, path: str | None, name: str, where: str) -> int:
        """Bytes of the file; `DataError` where it is missing, unusable or a link out of the root."""
        if path is None:
            raise DataError(f"{where}: no {self.kind} {quoted(name)}{self._nearest(name)}. Mend it{SKIP}")
        if os.path.islink(path) and os.path.exists(path):
            real = Path(os.path.realpath(path))
            folder = os.path.realpath(os.path.dirname(path))
            if not (real.is_relative_to(self._inside) or real.is_relative_to(folder)):
                fault = f"{quoted(name)} is a link out of the folder"
                raise DataError(f"{where}: {fault}. Put the file there{SKIP}")
        return file_size(path, self.kind)

    def _nearest(self, name: str) -> str:
        self._missing += 1
        if self._missing > _MOST_NEAREST:
            return ""
        parent, _, own = name.rpartition("/")
        folders = (folder / parent for folder in self.folders)
        folder = next(filter(os.path.isdir, folders), self.root)  # Path.is_dir raises at a name too long
        if folder not in self._names:
            self._names[folder] = [path_text(entry.name) for entry in members(folder)]
        names = self._names[folder]
        half = (len(own) + 1) // 2
        alike = [other for other in names if other[:half] == own[:half] or other[-half:] == own[-half:]]
        nearest = difflib.get_close_matches(own, alike[:_MOST_ALIKE], n=1)
        return f". Nearest: {quoted(nearest[0])}" if nearest else ""


def name_fault(name: str) -> str | None:
    """Why this cannot be the name of a file below the root, or None."""
    if not name or _NEVER.search(name):
        return "no file has such a name"
    return "leads out of the folder" if name.startswith("/") or ".." in name.split("/") else None


def unnamed(paths: Iterable[str], suffixes: Container[str]) -> list[str]:
    """The names of files of those suffixes that lie beside `paths` and are none of them."""
    named = set(map(os.path.abspath, paths))  # a list may spell one as `./a.wav`
    beside = (entry for folder in sorted(set(map(os.path.dirname, named))) for entry in members(folder))
    others = [path_text(entry.name) for entry in beside if entry.path not in named]
    return [name for name in others if Path(name).suffix.lower() in suffixes]
