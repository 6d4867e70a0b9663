"""The run folder: its name, its lock, and files that are old or new but never half."""

import contextlib
import fcntl
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self

from crossmedia.errors import CheckpointError, SystemFault


def write_whole(path: Path, content: str | bytes | Callable[[BinaryIO], object]) -> None:
    """Replace a file, by what `content` is or writes: a kill at any moment leaves the old file or the new."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            if not path.parent.is_dir():
                raise SystemFault(
                    f"{path.parent}: {reason}. It must be a folder, to hold {path.name}"
                ) from error
            raise SystemFault(f"{path}: {reason}. The file is as it was") from error
        raise
    with contextlib.suppress(OSError):  # not every file system can
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """Let the names in a folder outlast a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    write_whole(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """The value of a JSON file, or None where there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not valid JSON ({error}). Remove it, or build it anew") from None


class RunFolder:
    """`<out_dir>/<name>/<time>-<unique>/`, which one process at a time may write."""

    def __init__(self, path: Path):
        self.path = path

    @classmethod
    def create(cls, out_dir: str | Path, name: str) -> Self:
        """A new folder, distinct however many start at once."""
        parent = Path(out_dir) / name
        try:
            parent.mkdir(parents=True, exist_ok=True)
            while True:
                stamp = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}-{secrets.token_hex(2)}"
                try:
                    (parent / stamp).mkdir()
                    break
                except FileExistsError:
                    continue
            (parent / stamp / "checkpoints").mkdir()
        except OSError as error:
            raise SystemFault(f"{parent}: {error.strerror}. Choose another place with out_dir=…") from error
        return cls(parent / stamp)

    def link(self) -> None:
        """Let `latest` beside the folder point to it; a file system without links goes without."""
        link = self.path.with_name(f".latest.{self.path.name}")
        with contextlib.suppress(OSError):
            link.symlink_to(self.path.name)
            os.replace(link, self.path.with_name("latest"))

    @contextlib.contextmanager
    def locked(self) -> Iterator[Self]:
        """Hold the folder against a second writer, on this machine or, where the file system allows, any."""
        place = self.path / ".lock"
        try:
            lock = open(place, "a+", encoding="utf-8")  # noqa: SIM115 - closed below
        except OSError as error:
            raise SystemFault(f"{place}: {error.strerror}") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                raise SystemFault(
                    f"{self.path}: {holder} is writing this folder. Wait for it or stop it"
                ) from None
            with contextlib.suppress(OSError):  # a full disk: the lock holds, without its holder's name
                os.ftruncate(lock.fileno(), 0)
                os.write(lock.fileno(), f"{socket.gethostname()} process {os.getpid()}".encode())
            yield self

    def sweep(self) -> None:
        """Remove what a kill in the midst of a write left beside the files."""
        for scrap in (*self.path.glob(".*.tmp"), *(self.path / "checkpoints").glob(".*.tmp")):
            scrap.unlink(missing_ok=True)

    def status(self, state: str, **facts: Any) -> None:
        write_json(self.path / "status.json", {"state": state, **facts})


def find_run(name: str | Path, out_dir: str | Path = "outputs") -> tuple[Path, Path]:
    """The run folder and the checkpoint a name means: a checkpoint's path, or what `find_folder` takes."""
    path = Path(name)
    if path.is_file():
        return (path.parents[1] if path.parent.name == "checkpoints" else path.parent), path
    folder = find_folder(name, out_dir)
    for kind in ("best", "last"):
        checkpoint = folder / "checkpoints" / f"{kind}.ckpt"
        if checkpoint.is_file():
            return folder, checkpoint
    raise CheckpointError(f"{folder}: no checkpoint there; the run ended before its first validation")


def find_folder(name: str | Path, out_dir: str | Path = "outputs") -> Path:
    """The run folder a name means: its path, `latest`, an experiment (newest run), `<experiment>@best`."""
    text, out = str(name), Path(out_dir)
    if not text:
        raise CheckpointError("no run named. Give a folder, latest, or an experiment; crossmedia list runs")
    path = Path(text)
    if not path.is_dir():
        if text == "latest":
            path = out
        elif text.endswith("@best"):
            return _best(out / text.removesuffix("@best"), text)
        else:
            path = out / text
    if not path.is_dir():
        from crossmedia.config import nearest

        known = [entry.name for entry in out.iterdir() if entry.is_dir()] if out.is_dir() else []
        near = nearest(text, known)
        fault = f"no such run folder or checkpoint{near}"
        raise CheckpointError(f"{text}: {fault}. crossmedia list runs shows them")
    path = path.resolve()
    if (path / "config.yaml").exists() or (path / "checkpoints").is_dir():
        return path
    runs = [run for run in runs_of(path) if any((run / "checkpoints").glob("*.ckpt"))]
    if not runs:
        raise CheckpointError(f"{text}: no run with a checkpoint there yet")
    return runs[-1]


def runs_of(folder: Path) -> list[Path]:
    """Every run folder below a folder, oldest first."""
    found = [path.parent for path in folder.glob("**/checkpoints") if path.is_dir()]
    return sorted({path.resolve() for path in found}, key=lambda path: path.name)


def _best(folder: Path, asked: str) -> Path:
    """The run of an experiment whose monitored score is best."""
    scored = []
    from crossmedia.saved import saved_facts

    for run in runs_of(folder):
        status = saved_facts(run, "status")
        if status.get("best") is not None:
            sign = -1 if status.get("direction") == "min" else 1
            scored.append((sign * status["best"], run.name, run))
    if not scored:
        raise CheckpointError(f"{asked}: no run of this experiment has a score yet")
    return max(scored)[2]
