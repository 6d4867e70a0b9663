"""The ranks of one machine: starts them, passes signals on, ends them together, names the one at fault."""

import contextlib
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from omegaconf import DictConfig, OmegaConf

from crossmedia.build import trusted
from crossmedia.errors import Interrupted, RankError, UserError, first_line
from crossmedia.folder import RunFolder, read_json
from crossmedia.saved import saved_facts

GRACE = 5.0  # seconds for the other ranks to end by themselves when one has failed
POLL = 0.05
TIMEOUT = 1800.0  # torch's own, where the strategy sets none
SIGNALS = (signal.SIGINT, signal.SIGTERM)  # that ask to stop
FELT = ("stopped", "left", "silent", "lost")  # blamed in this order, where no rank failed by itself
SHOWN = 100  # characters of what a rank says
AREAS = {error.area: error for error in UserError.__subclasses__()}


def launch(
    count: int, cfg: DictConfig, folder: RunFolder, overrides: list[str], resume: bool
) -> dict[str, float]:
    """Train on `count` ranks of this machine; returns the scores that rank 0 writes.

    Not by torch's elastic agent: it waits 30 s for a rank that hangs, and cannot tell it from one that waits.
    """
    # The ranks meet at this store. It has its port before they start, so that no one can take it.
    distributed: Any = torch.distributed  # its types leave the store out
    store = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    told = {"config": OmegaConf.to_yaml(cfg), "folder": str(folder.path), "overrides": overrides}
    told |= {"resume": resume, "trust": trusted()}
    strategy = cfg.trainer.get("strategy")
    timeout = strategy.get("timeout", TIMEOUT) if OmegaConf.is_dict(strategy) else TIMEOUT
    ranks: list[Rank] = []
    with tempfile.TemporaryDirectory() as reports, _forwarded(ranks) as asked:
        try:
            for number in range(count):
                if not asked:
                    ranks.append(Rank(number, count, store.port, Path(reports), told))
            _wait(ranks, timeout)
        finally:
            for rank in ranks:
                rank.end()
        fates = sorted((rank.fate(timeout) for rank in ranks), key=_blame)
    status = saved_facts(folder.path, "status")
    if status.get("state") == "finished" and not any(rank.code for rank in ranks):
        return saved_facts(folder.path, "scores")
    if not asked and all(rank.ended_by() in SIGNALS for rank in ranks):
        asked = [rank.ended_by() for rank in ranks]
    error = _error(fates[0], asked, folder)
    state = "interrupted" if isinstance(error, Interrupted) else "failed"
    folder.status(**{**status, "state": state, "reason": first_line(error)})
    if fates[0].kind == "bug" or (cfg.debug and fates[0].traceback):
        print(fates[0].traceback, file=sys.stderr)
    raise error


class Fate(NamedTuple):
    """How a rank ended. `kind` is the area of an error of its own, "bug", "died", or a word of FELT."""

    rank: int
    kind: str
    lines: list[str]
    time: float
    traceback: str = ""


class Rank:
    """A process that trains as one of many."""

    def __init__(self, number: int, count: int, port: int, reports: Path, told: dict[str, Any]):
        self.number, self.silent = number, False
        self.code: int | None = None
        self._report, self._ended = reports / f"{number}.json", math.inf
        own = {
            "RANK": number,
            "LOCAL_RANK": number,
            "WORLD_SIZE": count,
            "LOCAL_WORLD_SIZE": count,
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
            "TORCHELASTIC_RUN_ID": reports.name,  # Lightning sees that the ranks are there
            "TORCHELASTIC_USE_AGENT_STORE": True,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONIOENCODING": ":backslashreplace",  # as in terminal.py
        }
        threads = {"OMP_NUM_THREADS": max(1, torch.get_num_threads() // count)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "crossmedia.trainer.rank", str(self._report)],
            env={name: str(value) for name, value in {**threads, **os.environ, **own}.items()},
            stdin=subprocess.PIPE,  # its end tells the rank that this process is gone
            start_new_session=True,  # a Ctrl-C at the terminal comes once, through us
        )
        self._stdin: Any = self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(json.dumps(told).encode() + b"\n")
            self._stdin.flush()

    def running(self) -> bool:
        if self.code is None:
            self.code, self._ended = self._process.poll(), time.time()
        return self.code is None

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it where it does not end by itself."""
        self.silent = self.silent or self.running()
        self.end()

    def end(self) -> None:
        """Leave nothing of it, nor of what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):  # one that waits for a disk outlives the signal
            self.code = self._process.wait(1)
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()

    def fate(self, timeout: float) -> Fate:
        report = read_json(self._report)
        if report and not self.silent:
            return Fate(self.number, **report)
        kind, words = "died", f"exit code {self.code}"
        if self.silent:
            kind, words = "silent", f"silent for {timeout:g} s"
        elif number := self.ended_by():
            kind = "stopped" if number in SIGNALS else "died"
            words = f"signal {number} ({(signal.strsignal(number) or 'unknown').lower()})"
        elif not self.code:
            kind, words = "left", "ended before the others, with exit code 0"
        return Fate(self.number, kind, [words], self._ended)

    def ended_by(self) -> int:
        """The signal that ended it, or 0. One that heard it and stopped says 128 + n, as a shell does."""
        code = self.code or 0
        return -code if code < 0 else code - 128 if code - 128 in SIGNALS else 0


def _wait(ranks: list[Rank], timeout: float) -> None:
    """Until all have ended; they have GRACE once one has failed, `timeout` once one was stopped."""
    stopped = {128 + number for number in SIGNALS}
    deadline = math.inf
    while any([rank.running() for rank in ranks]):
        codes = {rank.code for rank in ranks} - {None, 0}
        if codes:
            deadline = min(deadline, time.monotonic() + (timeout if codes <= stopped else GRACE))
        if time.monotonic() > deadline:
            for rank in ranks:
                rank.kill()
            return
        time.sleep(POLL)


@contextlib.contextmanager
def _forwarded(ranks: list[Rank]) -> Iterator[list[int]]:
    """Pass Ctrl-C and SIGTERM on to every rank, once; the next kills them. Yields the signals that came."""
    asked: list[int] = []

    def forward(number: int, frame: Any) -> None:
        for rank in ranks:
            rank.kill() if asked else rank.send(number)
        asked.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.signal(number, forward) for number in SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _blame(fate: Fate) -> tuple[int, float]:
    """What a rank did by itself comes before what it felt of the others."""
    return (1 + FELT.index(fate.kind) if fate.kind in FELT else 0), fate.time


def _error(fate: Fate, asked: list[int], folder: RunFolder) -> BaseException:
    """What ended the run, if `fate` is the first that did."""
    if fate.kind in AREAS:
        return AREAS[fate.kind](*fate.lines)
    if asked and fate.kind != "bug":
        return Interrupted(asked[0])
    words = re.sub(r"\[\S+:\d+\] ", "", fate.lines[0])[:SHOWN].strip().rstrip(".")  # gloo's source line
    saved = (folder.path / "checkpoints" / "last.ckpt").exists()
    advice = f"To go on: resume={folder.path}" if saved else "Nothing was saved yet"
    return RankError(f"rank {fate.rank}: {words}. {advice}")
