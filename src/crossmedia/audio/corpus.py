"""A corpus of spoken texts: spoken once, then read from files of the cache, each whole or not there.

A file holds a shard: SHA-256 of the rest, the places where its sounds begin and end, the sounds.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import torch
from torch import Tensor

from crossmedia.audio.speak import Utterance, engine, speak
from crossmedia.errors import SystemFault
from crossmedia.folder import write_whole
from crossmedia.limits import within

SHARD = 250  # utterances of one process and one file: a second or two of work
FORMAT = 1  # of the files
MOST = 16  # processes at a time
_DIGEST = 32  # bytes of SHA-256
_PLACE, _SAMPLE = np.dtype("<i8"), np.dtype("<i2")
_FULL_SCALE = 2**15


class Shard(NamedTuple):
    path: Path
    places: np.ndarray  # (N + 1,) int64: sound n is the samples from places[n] up to places[n + 1]
    digest: bytes


class Corpus:
    """The sounds of utterances at `sample_rate` Hz.

    The first use checks what the cache holds of it, byte by byte, and speaks what is not there or damaged;
    another process that wants the same waits for it. Files are named by what is said: a corpus that grows
    keeps its whole shards. Raises `SystemFault` where espeak-ng, or a place for the files, is missing.
    """

    def __init__(self, utterances: Sequence[Utterance], sample_rate: int = 16_000):
        within(sample_rate=sample_rate)
        self.utterances, self.sample_rate = utterances, sample_rate
        self._opened: list[Shard] = []

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, index: int) -> Tensor:
        """(samples,) float32 in [-1, 1]."""
        number, row = divmod(range(len(self))[index], SHARD)
        shard = self._shards()[number]
        start, end = shard.places[row : row + 2].tolist()
        offset = _DIGEST + shard.places.nbytes + start * _SAMPLE.itemsize
        try:  # a memory map would be a file kept open, and the end of the process where the file goes
            sound = np.fromfile(shard.path, _SAMPLE, end - start, offset=offset)
        except OSError as error:
            raise SystemFault(f"{shard.path}: {error.strerror}. Start again: it is made anew") from error
        if len(sound) < end - start:
            raise SystemFault(f"{shard.path}: cut short. Start again: it is made anew")
        return torch.from_numpy(sound.astype(np.float32) / _FULL_SCALE)

    def lengths(self) -> list[float]:
        """The seconds of each sound."""
        counts = [count for shard in self._shards() for count in np.diff(shard.places).tolist()]
        return [count / self.sample_rate for count in counts]

    def fingerprint(self) -> str:
        """A hash of the rate and of every sound."""
        digest = hashlib.sha256(str(self.sample_rate).encode())
        for shard in self._shards():
            digest.update(shard.digest)
        return digest.hexdigest()

    def _shards(self) -> list[Shard]:
        if not self._opened:
            self._opened = self._open()
        return self._opened

    def _open(self) -> list[Shard]:
        folder = cache_folder() / "speech"
        common, parts = [FORMAT, engine(), self.sample_rate], {}
        for start in range(0, len(self), SHARD):
            part = self.utterances[start : start + SHARD]
            facts = json.dumps([*common, part])
            parts[folder / f"{hashlib.sha256(facts.encode()).hexdigest()[:32]}.sounds"] = part
        with _refusal(folder):
            folder.mkdir(parents=True, exist_ok=True)
            shards = _whole(parts)
            if len(shards) < len(parts):
                with _locked(folder):
                    shards |= _whole(_without(parts, shards))  # by another process, until it let this one in
                    shards |= _spoken(_without(parts, shards), self.sample_rate)
        return [shards[path] for path in parts]


def cache_folder() -> Path:
    """Where crossmedia keeps what it can make again: CROSSMEDIA_CACHE, or one in the user's cache."""
    usual = os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "crossmedia")
    return Path(os.path.abspath(os.path.expanduser(os.environ.get("CROSSMEDIA_CACHE") or usual)))


def _without(
    parts: Mapping[Path, Sequence[Utterance]], shards: Mapping[Path, Shard]
) -> dict[Path, Sequence[Utterance]]:
    return {path: part for path, part in parts.items() if path not in shards}


def _whole(parts: Mapping[Path, Sequence[Utterance]]) -> dict[Path, Shard]:
    """The shards whose files are there and as they were written."""
    found = {}
    for path, part in parts.items():
        data = path.read_bytes() if path.exists() else b""
        digest = hashlib.sha256(memoryview(data)[_DIGEST:]).digest()
        if data[:_DIGEST] == digest:
            found[path] = Shard(path, np.frombuffer(data, _PLACE, len(part) + 1, _DIGEST).copy(), digest)
    return found


def _spoken(parts: Mapping[Path, Sequence[Utterance]], sample_rate: int) -> dict[Path, Shard]:
    """The shards, spoken now and written; several at a time."""

    def make(path: Path) -> Shard:
        sounds = speak(parts[path], sample_rate)
        places = np.cumsum([0, *map(len, sounds)])
        rest = places.astype(_PLACE).tobytes() + np.concatenate(sounds).astype(_SAMPLE).tobytes()
        digest = hashlib.sha256(rest).digest()
        write_whole(path, digest + rest)
        return Shard(path, places, digest)

    for path in parts:
        if path.exists():
            print(f"{path}: damaged, it is made anew", file=sys.stderr)
    if parts:
        number = f"{sum(map(len, parts.values())):,}".replace(",", " ")
        print(f"speaking {number} texts, once: {next(iter(parts)).parent}", file=sys.stderr)
    with ThreadPoolExecutor(min(MOST, os.cpu_count() or 1)) as pool:
        return dict(zip(parts, pool.map(make, parts), strict=True))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Alone among the processes that speak into this folder, where its file system knows locks."""
    with open(folder / ".lock", "a") as lock:
        try:
            _wait_for(lock, folder)
        except OSError:  # then two may make the same file: each a whole one
            pass
        else:
            for scrap in folder.glob(".*.tmp"):  # of a process that was killed as it wrote
                with contextlib.suppress(OSError):
                    scrap.unlink()
        yield


def _wait_for(lock: IO[str], folder: Path) -> None:
    """Take the lock, and say so where another process has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"waiting for another process that speaks: {folder}", file=sys.stderr)
        fcntl.flock(lock, fcntl.LOCK_EX)


@contextlib.contextmanager
def _refusal(folder: Path) -> Iterator[None]:
    """An OSError in here as one line."""
    try:
        yield
    except OSError as error:
        reason = f"{error.filename or folder}: {error.strerror}"
        raise SystemFault(f"{reason}. Name another place with CROSSMEDIA_CACHE") from error
