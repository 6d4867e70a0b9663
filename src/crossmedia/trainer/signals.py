"""Ctrl-C and SIGTERM: while it trains, a run ends at a step from which it can go on; else at once."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from crossmedia.errors import Interrupted

HEARD = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 8.0  # seconds that a validation may take to its end: a checkpoint is due within ten


class Signals:
    """What was asked for, and since when. The second signal of a run ends it at once."""

    def __init__(self) -> None:
        self.asked = 0  # the signal, or none
        self.patient = False  # whether someone looks at `asked` soon
        self._since = 0.0

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Listen, where this is the main thread, and leave the handlers as they were."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in HEARD}
        self.listen()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def listen(self) -> None:
        """Lightning puts a handler of its own before ours, which talks to the other ranks: ours alone."""
        if threading.current_thread() is threading.main_thread():
            for number in HEARD:
                signal.signal(number, self._hear)

    @property
    def overdue(self) -> int:
        """The signal that has been waiting for as long as it may, or 0."""
        return self.asked if time.monotonic() - self._since > PATIENCE else 0

    def _hear(self, number: int, frame: Any) -> None:
        if not self.patient or self.asked:
            raise Interrupted(number)
        self.asked, self._since = number, time.monotonic()
