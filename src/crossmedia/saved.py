"""What a run leaves to be read again: checkpoint, config, `meta`. It is data, and never becomes code."""

import hashlib
import io
import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO

from crossmedia.build import build, refuse_foreign
from crossmedia.errors import CheckpointError, SecurityError
from crossmedia.folder import write_whole

FORMAT = 1  # of checkpoints
SEAL = b"\ncrossmedia sha256 "  # then the checksum of all before it, and a line end; torch's reader skips it
SEAL_SIZE = len(SEAL) + 64 + 1
CHUNK = 1 << 20


def write_checkpoint(path: Path, values: dict[str, Any]) -> None:
    """Write plain values and tensors, sealed by a checksum; a kill leaves the old file or the new."""
    import torch

    def write(file: BinaryIO) -> None:
        sealed: Any = _Sealed(file)
        try:
            torch.save(values, sealed)
        except RuntimeError:  # what torch's writer makes of a disk's error
            if sealed.error:
                raise sealed.error from None
            raise
        file.write(SEAL + sealed.digest.hexdigest().encode() + b"\n")

    write_whole(path, write)


class _Sealed(io.RawIOBase):
    """Writes on to a file what it digests."""

    def __init__(self, file: BinaryIO):
        self._file, self.digest = file, hashlib.sha256()
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise


def read_values(path: Path) -> dict[str, Any]:
    """The values of a checkpoint whose bytes are those that were written.

    Raises CheckpointError where it is missing or damaged, SecurityError where it asks for more than values.
    """
    import torch

    _verify(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"asks for {asked[1]}" if asked else "holds more than plain values and tensors"
        raise SecurityError(f"{path}: {what}; not loaded") from None
    except Exception as error:  # over bytes that torch did not write, its reader raises whatever it meets
        raise CheckpointError(
            f"{path}: cannot be read ({type(error).__name__}). Use another checkpoint"
        ) from None
    if not isinstance(found, dict) or not isinstance(found.get("crossmedia"), dict):
        raise CheckpointError(f"{path}: is not a checkpoint of crossmedia")
    return found


def _verify(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            left = max(0, file.seek(0, io.SEEK_END) - SEAL_SIZE)
            file.seek(left)
            seal = file.read()
            file.seek(0)
            digest = hashlib.sha256()
            while left and (part := file.read(min(left, CHUNK))):
                digest.update(part)
                left -= len(part)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    if not seal:
        raise CheckpointError(f"{path}: empty. Use another checkpoint")
    if not seal.startswith(SEAL):
        raise CheckpointError(f"{path}: cut short, or not crossmedia's: no checksum at its end")
    if seal != SEAL + digest.hexdigest().encode() + b"\n":
        raise CheckpointError(f"{path}: damaged, its checksum differs. Use another checkpoint")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What it takes to load a task, whole and finite: `format`, `model`, `meta`, `state_dict`."""
    import torch

    saved = read_values(path)
    contents = saved["crossmedia"]
    lacking = [name for name in ("format", "model", "meta") if name not in contents]
    weights = saved.get("state_dict")
    if lacking or not isinstance(weights, dict):
        raise CheckpointError(f"{path}: lacks {', '.join(lacking or ['weights'])}. Use another checkpoint")
    if not isinstance(contents["format"], int) or contents["format"] > FORMAT:
        raise CheckpointError(f"{path}: format {contents['format']}, newer than this crossmedia's {FORMAT}")
    for name, tensor in weights.items():
        if not isinstance(tensor, torch.Tensor) or not torch.isfinite(tensor).all():
            raise CheckpointError(f"{path}: {name} holds what is no finite number. Use another checkpoint")
    return {**contents, "state_dict": weights}


def saved_config(folder: Path) -> dict[str, Any]:
    """The resolved config of a run folder."""
    found = _yaml(folder / "config.yaml")
    if not isinstance(found, dict) or not {"data", "model", "trainer", "seed"} <= set(found):
        raise CheckpointError(f"{folder / 'config.yaml'}: is not the config of a run")
    return found


def saved_overrides(folder: Path) -> list[str]:
    """The overrides that a run was started with."""
    found = _yaml(folder / "overrides.yaml")
    if not isinstance(found, list) or not all(isinstance(override, str) for override in found):
        raise CheckpointError(f"{folder / 'overrides.yaml'}: is not a list of overrides")
    return found


def _yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file; this is not a run folder") from None
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise CheckpointError(f"{path}: cannot be read ({type(error).__name__})") from None


def pack_meta(meta: Any) -> dict[str, Any]:
    """`meta` as plain values."""
    parts = {
        name: part.config() for name, part in meta._asdict().items() if name != "classes" and part is not None
    }
    return {"classes": list(meta.classes), **parts}


def unpack_meta(plain: dict[str, Any], trust: tuple[str, ...] = ()) -> Any:
    """What `pack_meta` gave, built again."""
    from crossmedia.data.batches import Meta

    refuse_foreign(plain, "meta", trust)
    parts = {name: build(node, f"meta.{name}") for name, node in plain.items() if name != "classes"}
    return Meta(tuple(plain["classes"]), **parts)
