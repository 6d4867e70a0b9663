"""How long speech takes to make."""

import contextlib
import time
from collections.abc import Iterator


class Pace:
    """The real-time factor: seconds of work for a second of sound."""

    def __init__(self) -> None:
        self.work, self.sound = 0.0, 0.0  # seconds

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """What is done within it is work; it must end by waiting for the device."""
        began = time.perf_counter()
        yield
        self.work += time.perf_counter() - began

    def told(self, device: str) -> str:
        return f"{self.work / max(self.sound, 1e-9):.3g} seconds of work for a second of sound, {device}"
