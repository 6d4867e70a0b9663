"""The caption lists in JSON: COCO's, and Karpathy's splits of COCO and Flickr."""

from pathlib import Path
from typing import Any

from crossmedia.data.sources.captions_rows import Listing, Row
from crossmedia.data.sources.files import CURE, quoted, share, split_of
from crossmedia.data.sources.text_files import FETCH, json_of
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, path_text

KARPATHY_SPLITS = {"train": "train", "restval": "train", "val": "val", "test": "test"}


def coco(lists: dict[Path, str]) -> Listing:
    """captions_train*.json and captions_val*.json (Chen et al., 2015), each with its pictures' folder.

    COCO publishes no captions of its test pictures: half of val, by hash of the picture's name, is our test.
    """
    listing = Listing([], [], [])
    both = {"train", "val"} <= {_part(path) for path in lists}
    for path, folder in lists.items():
        found = json_of(path)
        names = _names(path, _list(path, found, "images"), listing.faults)
        rows = _annotations(path, _list(path, found, "annotations"), names, listing)
        described = {row.picture for row in rows}
        for picture, name in names.items():
            if picture not in described:
                fault = f"picture {_short(picture)} ({quoted(name)}) without captions"
                listing.faults.append(f"{path_text(path)}: {fault}. {CURE}")
        for row in rows:
            name = names[row.picture]
            split = split_of(name)
            if both:
                split = "train" if _part(path) == "train" else "val" if share(name) < 1 / 2 else "test"
            listing.rows.append(row._replace(picture=folder + name, split=split))
    by_hash = "COCO's val is halved into val and test" if both else "train, val and test (80, 10, 10 %)"
    listing.notes.append(f"{by_hash} by hash of the picture's name")
    return listing


def _annotations(path: Path, annotations: list[Any], names: dict[str, str], listing: Listing) -> list[Row]:
    """Captions with the id of their picture."""
    rows = []
    ids: set[str] = set()
    file = path_text(path)
    for index, annotation in enumerate(annotations):
        entry = annotation if isinstance(annotation, dict) else {}
        where = f"{file}: annotation {_named(entry, 'id', index)}"
        picture = str(entry.get("image_id"))
        if "caption" not in entry:
            listing.faults.append(f"{where}: no caption. {CURE}")
        elif picture not in names:
            listing.faults.append(f"{where}: picture {_short(picture)} is not listed. {CURE}")
        else:
            rows.append(Row(where, picture, entry["caption"], None))
        ids.add(where)
    if len(ids) < len(annotations):
        twice = f"{len(annotations) - len(ids)} annotation ids stand there twice"
        listing.notes.append(f"{path.name}: {twice}; each caption is kept")
    return rows


def karpathy(path: Path) -> Listing:
    """dataset_coco.json and its like (Karpathy and Fei-Fei, 2015); `restval` is training, as there."""
    listing = Listing([], [], [])
    restval = 0
    for index, image in enumerate(_list(path, json_of(path), "images")):
        entry = image if isinstance(image, dict) else {}
        where = f"{path_text(path)}: picture {_named(entry, 'imgid', index)}"
        name, split, sentences = entry.get("filename"), entry.get("split"), entry.get("sentences")
        if not isinstance(name, str):
            listing.faults.append(f"{where}: no filename. {CURE}")
        elif str(split) not in KARPATHY_SPLITS:
            known = ", ".join(KARPATHY_SPLITS)
            listing.faults.append(f"{where}: split {_short(split)}, one of {known} expected. Mend it{SKIP}")
        elif not isinstance(sentences, list) or not sentences:
            listing.faults.append(f"{where} ({quoted(name)}) without captions. {CURE}")
        else:
            restval += split == "restval"
            folder = entry.get("filepath")
            picture = f"{folder}/{name}" if folder else name
            for sentence in sentences:
                caption = sentence.get("raw") if isinstance(sentence, dict) else sentence
                listing.rows.append(Row(where, picture, caption, KARPATHY_SPLITS[str(split)]))
    if restval:
        listing.notes.append(f"{path.name}: {restval} pictures marked restval are in train")
    return listing


def _list(path: Path, found: dict[str, Any], key: str) -> list[Any]:
    if not isinstance(found.get(key), list):
        raise DataError(f"{path_text(path)}: no list {key!r} in it. {FETCH}")
    return found[key]


def _names(path: Path, images: list[Any], faults: list[str]) -> dict[str, str]:
    """Picture id -> file name."""
    names: dict[str, str] = {}
    for index, image in enumerate(images):
        entry = image if isinstance(image, dict) else {}
        number, name = str(entry.get("id")), entry.get("file_name")
        where = f"{path_text(path)}: picture {_named(entry, 'id', index)}"
        if "id" not in entry or not isinstance(name, str):
            faults.append(f"{where}: without id or file_name. {CURE}")
        elif names.setdefault(number, name) != name:
            faults.append(f"{where}: id of {quoted(names[number])} and {quoted(name)}. Mend one{SKIP}")
    return names


def _named(entry: dict[str, Any], key: str, index: int) -> str:
    return _short(entry[key]) if key in entry else f"number {index + 1}"


def _short(value: Any) -> str:
    """A value in one line for a message, without quotes around it."""
    return repr(str(value)[:40])[1:-1]


def _part(path: Path) -> str:
    return "val" if path.name.startswith("captions_val") else "train"
