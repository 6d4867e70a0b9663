"""Pictures with several captions each: Flickr8k, Flickr30k and COCO in the files that they come in."""

from pathlib import Path

from crossmedia.data.sources import captions_flickr, captions_json
from crossmedia.data.sources.captions_rows import Listing, Row, caption_fault, one_line
from crossmedia.data.sources.files import (
    Entry,
    PictureSplit,
    Places,
    choose,
    fingerprint,
    listed,
    need_folder,
    quoted,
)
from crossmedia.data.sources.finder import Finder, name_fault, unnamed
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, SUFFIXES, colour, path_text

LAYOUT = (
    "Expected Images/ beside Flickr8k.token.txt, results.csv, captions.txt, dataset_*.json or "
    "annotations/captions_*.json"
)
FOLDERS = (  # as the publishers' archives (Flickr8k's with its misspelling) and Kaggle's unpack
    "Images",
    "images",
    "Flicker8k_Dataset",
    "Flickr8k_Dataset",
    "flickr30k_images/flickr30k_images",
    "flickr30k_images",
    "flickr30k-images",
    "",
)
_READERS = (
    ("dataset*.json", captions_json.karpathy),
    ("Flickr8k.token.txt", captions_flickr.tokens),
    ("results_*.token", captions_flickr.tokens),
    ("results.csv", captions_flickr.results),
    ("captions.txt", captions_flickr.kaggle),
)
_LIST_FOLDERS = ("", "Flickr8k_text", "flickr30k_images", "annotations")


class Captions:
    """Pictures and all their captions; the list found in `root` tells the format.

    Where a format has no splits, a hash of the picture's name makes them.
    """

    fields = frozenset(["image", "captions"])
    splits = ("train", "val", "test")
    classes: tuple[str, ...] = ()
    scorer = None

    def __init__(self, root: str, background: str = "white"):
        colour(background)
        self.root = need_folder(root, LAYOUT)
        listing = self._listing()
        self.faults, self.notes = listing.faults, listing.notes
        pictures = self._pictures(listing.rows)
        finder = Finder(self.root, FOLDERS, "picture")
        named = sorted({row.picture for row in listing.rows if not name_fault(row.picture)})
        paths = {name: finder.path(name) for name in named}
        if not any(map(paths.get, pictures)):
            self._refuse(pictures)
        entries: dict[str, list[Entry]] = {split: [] for split in self.splits}
        places = Places()
        for name, rows in sorted(pictures.items()):
            path = paths[name]
            split = str(rows[0].split)
            try:
                size = finder.size(path, name, rows[0].where)
            except DataError as error:
                self.faults += error.lines
                continue
            captions = tuple(one_line(row.caption) for row in rows)
            entry = Entry(name, str(path), size, captions)
            fault = places.clash(entry, split)
            if fault:
                self.faults.append(f"{rows[0].where}: {quoted(name)}: {fault}")
            else:
                entries[split].append(entry)
        self._splits = {split: PictureSplit(part, background) for split, part in entries.items()}
        others = unnamed(filter(None, paths.values()), SUFFIXES)
        if others:
            self.notes.append(f"{len(others)} pictures without captions passed over: {listed(others)}")

    def split(self, name: str) -> PictureSplit:
        return choose(self._splits, name, self.root)

    def fingerprint(self) -> str:
        return fingerprint(self._splits)

    def _listing(self) -> Listing:
        for pattern, read in _READERS:
            found = [path for name in _LIST_FOLDERS for path in sorted((self.root / name).glob(pattern))]
            if len(found) > 1:
                names = listed([path.name for path in found])
                raise DataError(f"{path_text(self.root)}: {len(found)} caption lists ({names}). Keep one")
            if found:
                return read(found[0])
        return captions_json.coco(self._coco_lists())

    def _coco_lists(self) -> dict[Path, str]:
        """COCO's lists of one year, each with the folder of its pictures, as `train2017/`."""
        lists: dict[Path, str] = {}
        for name in _LIST_FOLDERS:
            for path in sorted((self.root / name).glob("captions_*.json")):
                folder = path.stem.removeprefix("captions_")
                there = any((self.root / base / folder).is_dir() for base in FOLDERS)
                if folder.startswith(("train", "val")):
                    lists[path] = f"{folder}/" if there else ""
        if any(lists.values()):  # the archives of 2014 and 2017 unpack their lists into one folder
            lists = {path: folder for path, folder in lists.items() if folder}
        years = sorted({path.stem.removeprefix("captions_").lstrip("trainvl") for path in lists})
        if not lists:
            raise DataError(f"{path_text(self.root)}: no caption list. {LAYOUT}")
        if len(years) > 1:
            raise DataError(
                f"{path_text(self.root)}: lists of {listed(years)}, which share pictures. Keep one year"
            )
        return lists

    def _pictures(self, rows: list[Row]) -> dict[str, list[Row]]:
        """Picture -> its usable captions."""
        pictures: dict[str, list[Row]] = {}
        unlisted: set[str] = set()
        faults: dict[str, None] = {}  # five captions of one picture can share one fault
        for row in rows:
            fault = name_fault(row.picture) or caption_fault(row.caption)
            other = pictures.get(row.picture, [row])[0].split
            if row.split is None:
                unlisted.add(row.picture)
                continue
            if not fault and row.split == other:
                pictures.setdefault(row.picture, []).append(row)
                continue
            fault = fault or f"in {other} too, remove it from one"
            faults[f"{row.where}: {quoted(row.picture)}: {fault}. Mend it{SKIP}"] = None
        self.faults += faults
        if unlisted:
            self.notes.append(
                f"{len(unlisted)} pictures in no split list left out: {listed(sorted(unlisted))}"
            )
        return pictures

    def _refuse(self, pictures: dict[str, list[Row]]) -> None:
        if not pictures:
            raise DataError(*(self.faults or [f"{path_text(self.root)}: a caption list without captions"]))
        first = min(pictures)
        where = pictures[first][0].where
        raise DataError(
            f"{where}: no picture {quoted(first)}, nor any other of the {len(pictures)}. {LAYOUT}"
        )
