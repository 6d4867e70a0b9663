"""A checkpoint's file: plain values and tensors, sealed by a checksum over its bytes."""

import hashlib
import io
import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from crossmedia.errors import CheckpointError, SecurityError, brief
from crossmedia.folder import write_whole

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
    _check_members(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a pickle that is not as torch writes it
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"asks for {brief(asked[1])}" if asked else "holds more than plain values and tensors"
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


def _check_members(path: Path) -> None:
    """Refuse what torch reads but never writes: packed members, which unfold to any size; two of one name;
    a pickle without an archive around it."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except Exception as error:  # as above
        raise CheckpointError(
            f"{path}: cannot be read ({type(error).__name__}). Use another checkpoint"
        ) from None
    bare = min((member.header_offset for member in members), default=1) > 0
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    repeated = len({member.filename for member in members}) < len(members)
    if bare or packed or repeated or sum(member.file_size for member in members) > path.stat().st_size:
        raise CheckpointError(f"{path}: its archive is not one that torch writes. Use another checkpoint")
