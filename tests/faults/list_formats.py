"""Each format of a caption list, with one entry of a test's choice between good ones."""

import json
from pathlib import Path
from typing import Any

from PIL import Image

PICTURES = ("one.png", "two.png", "three.png")


def write(path: Path, *lines: str) -> None:
    """Lone surrogates come as the bytes that stand for them in no right text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + "\n" for line in lines).encode("utf-8", "surrogatepass"))


def kaggle(root: Path, name: str, caption: str) -> str:
    good = [f"{picture},A dog ." for picture in PICTURES]
    write(root / "captions.txt", "image,caption", *good, f"{name},{caption}")
    return "captions.txt:5: "


def flickr30k(root: Path, name: str, caption: str) -> str:
    good = [f"{picture}| 0| A dog ." for picture in PICTURES]
    write(root / "results.csv", "image_name| comment_number| comment", *good, f"{name}| 1| {caption}")
    return "results.csv:5: "


def flickr8k(root: Path, name: str, caption: str) -> str:
    good = [f"{picture}#0\tA dog ." for picture in PICTURES]
    write(root / "Flickr8k.token.txt", *good, f"{name}#1\t{caption}")
    for split, picture in zip(("train", "dev", "test"), PICTURES, strict=True):
        write(root / f"Flickr_8k.{split}Images.txt", picture)
    if name not in PICTURES:
        write(root / "Flickr_8k.trainImages.txt", PICTURES[0], name)
    return "Flickr8k.token.txt:4: "


def coco(root: Path, name: str, caption: Any) -> str:
    names = list(dict.fromkeys([*PICTURES, name]))
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    notes = [{"id": number, "image_id": number, "caption": "A dog ."} for number in range(3)]
    notes.append({"id": 7, "image_id": names.index(name), "caption": caption})
    write(root / "annotations/captions_train2017.json", json.dumps({"images": images, "annotations": notes}))
    return "captions_train2017.json: annotation 7: "


def karpathy(root: Path, name: str, caption: Any) -> str:
    images = [
        {"imgid": number, "filename": picture, "split": split, "sentences": [{"raw": "A dog ."}]}
        for number, (split, picture) in enumerate(zip(("train", "val", "test"), PICTURES, strict=True))
    ]
    known = {image["filename"]: image for image in images}
    if name in known:
        known[name]["sentences"].append({"raw": caption})
        number = known[name]["imgid"]
    else:
        number = 7
        images.append({"imgid": 7, "filename": name, "split": "train", "sentences": [{"raw": caption}]})
    write(root / "dataset_flickr8k.json", json.dumps({"images": images}))
    return f"dataset_flickr8k.json: picture {number}: "


FORMATS = {form.__name__: form for form in (kaggle, flickr30k, flickr8k, coco, karpathy)}


def listed(root: Path, form: str, name: str = "one.png", caption: Any = "A pig .") -> str:
    """Three pictures and their list in that format, with an entry of that name and caption.

    Gives what every line about this entry begins with.
    """
    (root / "Images").mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        Image.new("RGB", (4, 4), "red").save(root / "Images" / picture)
    return FORMATS[form](root, name, caption)
