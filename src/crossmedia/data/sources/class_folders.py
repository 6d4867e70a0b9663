"""A folder with one sub-folder a class: what the sources of pictures and of sounds in this layout share."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from crossmedia.data.sources.files import Member, Places, listed, members, need_folder, share, split_of
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, path_text

FOLDERS = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
_LEFT_BEHIND = ("__MACOSX", "@eaDir")  # by macOS' archives and by network disks
Kept = TypeVar("Kept", bound=Member)


class ClassFolders(Generic[Kept]):
    """Files labelled by their folder: class folders in `train/`, `val/`, `test/`, or class folders alone.

    `keep` makes an entry of a path, an id and a label. Training's class folders in the order of their names
    give the numbers, whichever of them another split has. A split without a folder takes a tenth of training,
    by a hash of `<class>/<file>`, and of a few files one.
    """

    def __init__(self, root: str, kind: str, suffixes: frozenset[str], keep: Callable[[str, str, int], Kept]):
        self._layout = f"Expected train/<class>/<{kind}>, val/… and test/…, or <class>/<{kind}> alone"
        self.root = need_folder(root, self._layout)
        self.faults: list[str] = []
        self.notes: list[str] = []
        self._kind, self._suffixes, self._keep = kind, suffixes, keep
        self._passed: list[str] = []
        folders = self._folders()
        found = {split: self._by_class(folder) for split, folder in folders.items()}
        self.classes = tuple(name for name, paths in found["train"].items() if paths)
        if not self.classes:
            raise DataError(
                f"{path_text(folders['train'])}: no class folder with {self._kind}s. {self._layout}"
            )
        self.entries: dict[str, list[Kept]] = {split: [] for split in FOLDERS}
        places = Places()
        for split, classes in found.items():
            for name, paths in classes.items():
                if name in self.classes:
                    self._add(split, name, paths, folders, places)
                elif paths:
                    fault = f"{path_text(folders[split])}/{name}: class unknown to training"
                    self.faults.append(f"{fault} ({listed(self.classes)}). Add it to train{SKIP}")
        for split in FOLDERS:
            if split not in folders and not self.entries[split] and len(self.entries["train"]) > 1:
                first = min(self.entries["train"], key=lambda entry: share(entry.id))
                self.entries["train"].remove(first)
                self.entries[split].append(first)
        self._say(folders, empty=[name for name, paths in found["train"].items() if not paths])

    def _folders(self) -> dict[str, Path]:
        """Split -> its folder; the root itself is training's where it holds the class folders."""
        found = {
            split: [self.root / name for name in names if (self.root / name).is_dir()]
            for split, names in FOLDERS.items()
        }
        for split, paths in found.items():
            if len(paths) > 1:
                raise DataError(
                    f"{self.root}: {len(paths)} folders for {split} ({listed(FOLDERS[split])}). Keep one"
                )
        folders = {split: paths[0] for split, paths in found.items() if paths}
        if not folders:
            return {"train": self.root}
        if "train" not in folders:
            raise DataError(f"{self.root}: {listed(list(folders))} but no train folder. {self._layout}")
        self._passed += [
            path_text(e.name) for e in members(self.root) if Path(e.path) not in folders.values()
        ]
        return folders

    def _by_class(self, folder: Path) -> dict[str, list[str]]:
        """Class name -> paths of its files, both in order of their names."""
        classes = {}
        for entry in members(folder):
            if entry.is_dir() and not _hidden(entry.name):
                classes[path_text(entry.name)] = list(self._files(entry.path, {os.path.realpath(entry.path)}))
            else:
                self._passed.append(self._id(entry.path))
        return classes

    def _files(self, folder: str, above: set[str]) -> Iterator[str]:
        for entry in members(folder):
            if not _hidden(entry.name) and Path(entry.name).suffix.lower() in self._suffixes:
                yield entry.path
            elif entry.is_dir() and not _hidden(entry.name) and os.path.realpath(entry.path) not in above:
                yield from self._files(entry.path, above | {os.path.realpath(entry.path)})
            else:
                self._passed.append(self._id(entry.path))

    def _add(self, split: str, name: str, paths: list[str], folders: dict[str, Path], places: Places) -> None:
        label = self.classes.index(name)
        for path in paths:
            try:
                entry = self._keep(path, self._id(path), label)
            except DataError as error:
                self.faults += error.lines
                continue
            part = split_of(path_text(os.path.relpath(path, folders[split])))
            place = part if split == "train" and part not in folders else split
            fault = places.clash(entry, place)
            if fault:
                self.faults.append(f"{path_text(path)}: {fault}")
            else:
                self.entries[place].append(entry)

    def _id(self, path: str) -> str:
        return path_text(Path(path).relative_to(self.root).as_posix())

    def _say(self, folders: dict[str, Path], empty: list[str]) -> None:
        for split in (split for split in self.entries if split not in folders):
            count = len(self.entries[split])
            self.notes.append(
                f"no {split} folder: {count} {self._kind}s of train, a tenth by hash of the path"
            )
        if empty:
            self.notes.append(f"class folders without {self._kind}s: {listed(empty)}")
        if self._passed:
            self.notes.append(f"passed over {len(self._passed)} that are no data: {listed(self._passed)}")


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in _LEFT_BEHIND
