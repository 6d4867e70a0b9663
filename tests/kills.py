"""A process that has everything imported, and forks one that trains, or goes on, and is killed at a point.

Reads a job a line from stdin, as JSON: `do` (train, resume, or command: what a shell would call), `words`,
`at` (where to kill, or nothing) and `every` (seconds between two checkpoints: at 0 there is one before each
step). Answers each with a line: the exit status as the shell tells it, and what the job printed.
"""

import json
import os
import runpy
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any


def kill(number: int = signal.SIGKILL) -> None:
    os.kill(os.getpid(), number)


def after(times: int, act: Callable[[], None]) -> Callable[[], None]:
    """Act at this call, counted from 0."""
    calls = iter(range(10**9))

    def count() -> None:
        if next(calls) == times:
            act()

    return count


def before(cls: Any, method: str, count: Callable[[], None]) -> None:
    """Count each call of a method before it runs."""
    original = getattr(cls, method)

    def counted(*args: Any, **more: Any) -> Any:
        count()
        return original(*args, **more)

    setattr(cls, method, counted)


def arm(at: list[Any]) -> None:
    """`at`: the point, how often it is passed by before, and the signal."""
    point, times, *number = at
    count = after(times, lambda: kill(*number))
    from crossmedia.sealed import _Sealed
    from crossmedia.tasks.base import Task
    from crossmedia.trainer.checkpoints import Checkpoints
    from crossmedia.trainer.ema import EMA
    from crossmedia.trainer.log import CSVLog
    from crossmedia.trainer.steps import Steps

    if point == "step":
        before(Steps, "on_train_batch_start", count)
    elif point == "backward":
        before(Steps, "on_before_backward", count)
    elif point == "validation":
        before(Task, "validation_step", count)
    elif point == "test":
        before(Task, "test_step", count)
    elif point == "bytes":  # inside the checkpoint's own write
        before(_Sealed, "write", count)
    elif point == "average":
        before(EMA, "on_validation_end", count)
    elif point == "rename":  # of any file: the new one is whole, and not yet in place
        before(os, "replace", count)
    elif point == "saved":
        original = Checkpoints._save

        def saved(*args: Any) -> None:
            original(*args)
            count()

        Checkpoints._save = saved
    elif point == "log":  # in the middle of a line
        original_log = CSVLog.log_metrics

        def half(self: CSVLog, metrics: dict[str, float], step: int | None = None) -> None:
            with open(self.path, "a") as file:
                file.write("17,")
            count()
            self.cut(self.path.stat().st_size - 3)
            original_log(self, metrics, step)

        CSVLog.log_metrics = half
    else:
        raise ValueError(point)


def command(words: list[str]) -> int:
    """`train.py …`, or `crossmedia …`: its exit code."""
    sys.argv = words
    try:
        if words[0] == "train.py":
            runpy.run_path(words[0], run_name="__main__")
        else:
            runpy.run_module("crossmedia.cli", run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def work(job: dict[str, Any]) -> int:
    from crossmedia import run, terminal
    from crossmedia.trainer import checkpoints

    if job["do"] == "command":
        return command(job["words"])
    checkpoints.EVERY = job.get("every", checkpoints.EVERY)
    if job.get("at"):
        arm(job["at"])
    verb = {"train": run.train, "resume": lambda words: run.resume(words[0], words[1:])}[job["do"]]
    return terminal.explained(lambda: verb(job["words"]))


def main() -> None:
    import crossmedia.run
    import crossmedia.session  # noqa: F401

    for line in sys.stdin:
        with tempfile.TemporaryFile("w+") as told:
            child = os.fork()
            if not child:
                os.dup2(told.fileno(), 1)
                os.dup2(told.fileno(), 2)
                code = 1
                try:
                    code = work(json.loads(line))
                except BaseException:
                    traceback.print_exc()
                finally:
                    sys.stdout.flush()
                    sys.stderr.flush()
                    os._exit(code)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            told.seek(0)
            print(json.dumps([status, told.read()]), flush=True)


if __name__ == "__main__":
    main()
