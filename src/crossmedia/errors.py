"""Every fault that is the user's to mend: one line a fault, and the exit code of its area."""

import signal
from typing import Any

LONGEST = 240  # characters of a line


def brief(foreign: Any, most: int = 60) -> str:
    """Text from a file as a part of our line: its control characters spelt out, cut where it is long."""
    text = foreign if isinstance(foreign, str) else f"<{type(foreign).__name__}>"
    return repr(text[:most])[1:-1] + "…" * (len(text) > most)


def first_line(error: BaseException) -> str:
    """Of what an exception says; its name where it says nothing."""
    return str(error).partition("\n")[0] or type(error).__name__


class UserError(Exception):
    """Faults the user can mend, a line each.

    A line reads `<file or key>: <what was found, what is allowed>. <What to do>`.
    """

    area = "error"
    code = 1

    def __init__(self, *lines: str):
        super().__init__("\n".join(lines))
        self.lines = list(lines)

    def __reduce__(self):  # a worker process sends its errors to the main one
        return type(self), tuple(self.lines)

    def report(self, most: int = 20) -> str:
        """The lines as the terminal shows them, then their count where there are several."""
        shown = [_one_line(f"{self.area}: {line}") for line in self.lines[:most]]
        if len(self.lines) > 1:
            more = f", {most} shown" if len(self.lines) > most else ""
            shown.append(f"{self.area}: {len(self.lines)} faults{more}")
        return "\n".join(shown)


def _one_line(text: str) -> str:
    line = " ".join(text.split("\n"))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


class ConfigError(UserError):
    """A key or value of the config."""

    area, code = "config", 2


class DataError(UserError):
    """A file or entry of a data set."""

    area, code = "data", 3


class CheckpointError(UserError):
    """A run folder or checkpoint that is missing, damaged, or of another family."""

    area, code = "checkpoint", 4


class SecurityError(UserError):
    """A file asks for code that it has no right to."""

    area, code = "security", 5


class SystemFault(UserError):
    """Disk, port, permission or package of this machine."""

    area, code = "environment", 6


class NonFiniteError(UserError):
    """A loss, gradient or input that is not a finite number."""

    area, code = "non-finite", 7


class RankError(UserError):
    """A rank that died, hung, or raised what is not the user's to mend."""

    area, code = "rank", 8


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM; as Python's own it passes by every `except Exception`."""

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number  # as a shell tells of a process that a signal ended
