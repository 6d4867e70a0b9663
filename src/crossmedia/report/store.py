"""The panels of a run on disk, under `samples/<split>/`: pictures as PNG, sounds as WAV, the rest as JSON."""

import hashlib
import io
import json
import re
import wave
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from crossmedia.errors import CheckpointError, brief
from crossmedia.folder import write_whole
from crossmedia.report.panels import Curve, Grid, Matrix, Panel, Sound
from crossmedia.report.reels import MOST_VALUES, Reel, member, read_sheet, sheets, thinned
from crossmedia.typing import mistyped

INDEX = "panels.json"
KINDS = {kind.__name__: kind for kind in get_args(Panel)}
FULL_SCALE = 32767  # of 16-bit sound


def utf8(text: str) -> bytes:
    """Text as a file holds it; the lone surrogates that stand for broken bytes in a name become `\\udcff`."""
    return text.encode("utf-8", "backslashreplace")


def slug(title: str) -> str:
    """A title as a part of a file name."""
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:40] or "panel"


def sheet(grid: Grid) -> Tensor:
    """The pictures side by side, row after row: (3, rows * H, columns * W); black fills the last row."""
    count, channels, height, width = grid.images.shape
    columns = max(1, min(grid.columns, count))
    rows = -(-count // columns)
    tiles = grid.images.new_zeros(rows * columns, channels, height, width)
    tiles[:count] = grid.images
    tiles = tiles.view(rows, columns, channels, height, width)
    tiles = tiles.permute(2, 0, 3, 1, 4)  # (3, rows, H, columns, W)
    return tiles.reshape(channels, rows * height, columns * width)


def png(image: Tensor) -> bytes:
    """A picture (3, H, W) uint8 as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).cpu().contiguous().numpy()).save(buffer, "PNG")
    return buffer.getvalue()


def wav(sound: Sound) -> bytes:
    """A sound as the bytes of a 16-bit mono WAV file; clipped to [-1, 1], silent where it is not finite."""
    waveform = sound.waveform.detach().cpu().float().nan_to_num(0.0, 0.0, 0.0).clamp(-1, 1)
    samples = (waveform * FULL_SCALE).round().numpy().astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.sample_rate)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def save_panels(folder: Path, split: str, panels: list[Panel], step: int | None = None) -> None:
    """Put the panels of one split under `<folder>/samples/<split>/`, in place of those that were there.

    With a `step`, a grid with `through` keeps its sheets of earlier steps, at most 64; later ones, of a run
    that was resumed from before them, go. Media files are named by their content and the index is replaced
    after them, so that at any moment the old or the new panels are there whole.
    """
    home = folder / "samples" / split
    home.mkdir(parents=True, exist_ok=True)
    earlier = {} if step is None else _earlier(home)
    entries = []
    for number, panel in enumerate(panels, 1):
        if step is None or not isinstance(panel, Grid) or not panel.through:
            entries.append(_save(home, f"{number:02d}-{slug(panel.title)}", panel))
            continue
        entry = _save(home, f"{slug(panel.title)}-{step:08d}", panel)
        files = {at: path.name for at, path in earlier.pop(panel.title, {}).items() if at < step}
        if "file" in entry:
            files[step] = entry["file"]
        entries.append({**entry, "frames": [[at, files[at]] for at in thinned(files)]})
    write_whole(home / INDEX, json.dumps(entries, indent=1) + "\n")
    kept = {INDEX, *(entry.get("file") for entry in entries)}
    kept |= {name for entry in entries for _, name in entry.get("frames", [])}
    for path in home.iterdir():
        if path.name not in kept:
            path.unlink()


def load_panels(folder: Path) -> dict[str, list[Panel]]:
    """The saved panels of every split; empty where none was saved yet. Sounds come back with 16 bits."""
    indices = sorted((folder / "samples").glob(f"*/{INDEX}"))
    return {index.parent.name: _load(index) for index in indices}


def _save(home: Path, stem: str, panel: Panel) -> dict[str, Any]:
    kind = type(panel).__name__
    if isinstance(panel, Grid):
        size = list(panel.images.shape)  # [N, 3, H, W]
        entry = {"kind": kind, **_plain(panel, "images"), "size": size}
        content, suffix = (png(sheet(panel)), "png") if panel.images.numel() else (None, "")
    elif isinstance(panel, Sound):
        entry = {"kind": kind, **_plain(panel, "waveform")}
        content, suffix = wav(panel), "wav"
    else:
        return {"kind": kind, **asdict(panel)}
    if content is None:
        return entry
    entry["file"] = f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}.{suffix}"
    write_whole(home / entry["file"], content)
    return entry


def _earlier(home: Path) -> dict[str, dict[int, Path]]:
    """The sheets that the grids kept so far, by title; none where the index is damaged."""
    try:
        entries = json.loads((home / INDEX).read_text(encoding="utf-8"))
        return {entry["title"]: sheets(home, entry["frames"]) for entry in entries if "frames" in entry}
    except Exception:  # its reader says what is wrong; here it is written anew
        return {}


def _plain(panel: Grid | Sound, without: str) -> dict[str, Any]:
    return {name: value for name, value in vars(panel).items() if name != without}


def _load(index: Path) -> list[Panel]:
    try:
        return [_panel(index.parent, entry) for entry in json.loads(index.read_text(encoding="utf-8"))]
    except Exception as error:  # of an index that we did not write, its readers make anything
        raise CheckpointError(f"{index}: damaged ({brief(str(error), 40)}). Delete its folder") from error


def _panel(home: Path, entry: dict[str, Any]) -> Panel:
    kind = KINDS[entry.pop("kind")]
    name = entry.pop("file", None)
    file = None if name is None else member(home, name)
    for field in fields(kind):
        if field.name in entry and (fault := mistyped(entry[field.name], field.type)):
            raise ValueError(f"{field.name}: {fault}")
    if kind is Curve or kind is Matrix:
        _need_numbers(entry)
    if kind is Grid:
        count, channels, height, width = entry.pop("size")
        if count * channels * height * width > MOST_VALUES:
            raise ValueError("larger than any sheet of pictures")
        images = torch.zeros(count, channels, height, width, dtype=torch.uint8)
        if file:
            pixels = torch.from_numpy(np.array(read_sheet(file)))  # (rows * H, columns * W, 3)
            tiles = pixels.view(pixels.shape[0] // height, height, pixels.shape[1] // width, width, channels)
            images = tiles.permute(0, 2, 4, 1, 3).reshape(-1, channels, height, width)[:count]
        entry["images"] = images
        if frames := entry.pop("frames", None):
            return Reel(**entry, sheets=sheets(home, frames))
    elif kind is Sound:
        with wave.open(str(file)) as sound:
            samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        entry["waveform"] = torch.from_numpy(samples.astype(np.float32) / FULL_SCALE)
    return kind(**entry)


def _need_numbers(entry: dict[str, Any]) -> None:
    """ValueError for a Curve or Matrix that cannot be drawn: a text for a number, a row that is too short."""
    full = entry["values"] if "values" in entry else [entry["x"]]
    lines = [*entry.get("lines", {}).values()]  # with gaps
    width = len(entry["columns"] if "values" in entry else entry["x"])
    if any(len(row) != width for row in [*full, *lines]) or len(full) != len(entry.get("rows", full)):
        raise ValueError("its rows are not of one length")
    numbers = [value for row in [*full, entry.get("levels", {}).values()] for value in row]
    gapped = [value for line in lines for value in line]
    if any(mistyped(value, float) for value in numbers) or any(mistyped(v, float | None) for v in gapped):
        raise ValueError("a value is no number")
