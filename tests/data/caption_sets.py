"""Caption sets of a few pictures in the formats of their publishers."""

from pathlib import Path

from PIL import Image

from crossmedia.data.sources.captions import Captions


def pictures(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (2, 2), "red").save(folder / name, format="PNG")


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + "\n" for line in lines).encode("utf-8"))


def captions(source: Captions) -> dict[str, tuple[str, ...]]:
    """Picture -> captions, over all splits."""
    parts = [source.split(split) for split in source.splits]
    return {part[index].id: part[index].captions for part in parts for index in range(len(part))}


def sizes(source: Captions) -> list[int]:
    return [len(source.split(split)) for split in source.splits]
