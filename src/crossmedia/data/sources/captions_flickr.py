"""The caption lists of Flickr8k and Flickr30k: the publishers' own files and Kaggle's."""

import re
from pathlib import Path

from crossmedia.data.sources.captions_rows import Listing, Row
from crossmedia.data.sources.files import quoted, split_of
from crossmedia.data.sources.text_files import lines_of
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, path_text

SPLIT_LISTS = {
    "train": "Flickr_8k.trainImages.txt",
    "val": "Flickr_8k.devImages.txt",
    "test": "Flickr_8k.testImages.txt",
}
_HASHED = "no split in this format: train, val and test by hash of the picture's name (80, 10, 10 %)"
_MAX_LINES = 20  # of one quoted caption; a quote that nobody closed must not swallow the file
_QUOTED = r'"([^"]*(?:""[^"]*)*)"'
_START = re.compile(r"[^\",]+\.\w{3,4},")  # a line that begins a record of its own
_RECORD = re.compile(rf'(?:{_QUOTED}|([^",]*)),(?:{_QUOTED}\s*|([^"].*)?)', re.DOTALL)


def tokens(path: Path) -> Listing:
    """`name.jpg#0<TAB>caption` (Flickr8k.token.txt, results_20130124.token), and Flickr8k's split lists."""
    listing, file = Listing([], [], []), path_text(path)
    splits = _splits(path.parent, listing.faults)
    seen: set[str] = set()
    twice = 0
    for number, line in lines_of(path, listing.faults):
        key, tab, caption = line.partition("\t")
        name, mark, _ = key.rpartition("#")
        if not tab or not mark:
            fault = f"{quoted(line)}: picture#number, a tab and the caption expected"
            listing.faults.append(f"{file}:{number}: {fault}. Mend the line{SKIP}")
            continue
        twice += key in seen
        seen.add(key)
        split = splits.get(name, (None, ""))[0] if splits else split_of(name)
        listing.rows.append(Row(f"{file}:{number}", name, caption, split))
    if twice:
        listing.notes.append(f"{path.name}: {twice} caption numbers stand there twice, each caption is kept")
    if not splits:
        listing.notes.append(_HASHED)
    named = {row.picture for row in listing.rows}
    for name, (_, where) in splits.items():
        if name not in named:
            fault = f"{quoted(name)} has no caption in {path.name}"
            listing.faults.append(f"{where}: {fault}. Remove the line{SKIP}")
    return listing


def _splits(folder: Path, faults: list[str]) -> dict[str, tuple[str, str]]:
    """Picture -> split and the line that says so; empty where the folder has no split lists."""
    missing = [name for name in SPLIT_LISTS.values() if not (folder / name).is_file()]
    if len(missing) == len(SPLIT_LISTS):
        return {}
    if missing:
        raise DataError(f"{path_text(folder / missing[0])}: no such file, the other lists are there. Add it")
    splits: dict[str, tuple[str, str]] = {}
    for split, name in SPLIT_LISTS.items():
        for number, line in lines_of(folder / name, faults):
            where = f"{path_text(folder / name)}:{number}"
            first = splits.setdefault(line.strip(), (split, where))
            if first[0] != split:
                fault = f"{quoted(line.strip())} is in the {first[0]} list too"
                faults.append(f"{where}: {fault}. Remove it from one{SKIP}")
    return splits


def kaggle(path: Path) -> Listing:
    """`image,caption` as CSV (captions.txt); an unquoted caption ends with its line, at no comma."""
    listing = Listing([], [], [_HASHED])
    lines = _after_header(path, "image,caption", listing.faults)
    at = 0
    while at < len(lines):
        number, text = lines[at]
        where = f"{path_text(path)}:{number}"
        record, last = _RECORD.fullmatch(text), at + 1
        while not record and last < min(len(lines), at + _MAX_LINES) and not _START.match(lines[last][1]):
            text += "\n" + lines[last][1]
            record, last = _RECORD.fullmatch(text), last + 1
        if record:
            quoted_name, name, quoted_caption, caption = record.groups()
            name = name if quoted_name is None else quoted_name.replace('""', '"')
            caption = (caption or "") if quoted_caption is None else quoted_caption.replace('""', '"')
            listing.rows.append(Row(where, name, caption, split_of(name)))
            at = last
            continue
        fault = "a quote without its partner" if "," in lines[at][1] else "no comma, image,caption expected"
        listing.faults.append(f"{where}: {quoted(lines[at][1])}: {fault}. Mend the line{SKIP}")
        at += 1
    return listing


def results(path: Path) -> Listing:
    """`image_name| comment_number| comment` (Flickr30k's results.csv); quotes are plain characters in it."""
    listing = Listing([], [], [_HASHED])
    for number, line in _after_header(path, "image_name| comment_number| comment", listing.faults):
        columns = line.split("|", 2)
        where = f"{path_text(path)}:{number}"
        if len(columns) < 3:
            fault = f"{len(columns)} columns, picture| number| caption expected"
            listing.faults.append(f"{where}: {quoted(line)}: {fault}. Mend the line{SKIP}")
            continue
        listing.rows.append(Row(where, columns[0], columns[2], split_of(columns[0])))
    return listing


def _after_header(path: Path, header: str, faults: list[str]) -> list[tuple[int, str]]:
    lines = lines_of(path, faults)
    found = lines[0][1] if lines else ""
    if found.replace(" ", "").lower() != header.replace(" ", ""):
        raise DataError(f"{path_text(path)}:1: the header is {quoted(found)}, {header} expected")
    return lines[1:]
