"""How long speech takes to make."""

import contextlib
import time
from collections.abc import Iterator

import torch


class Pace:
    """The real-time factor: seconds of work for a second of sound."""

    def __init__(self) -> None:
        self.work, self.sound = 0.0, 0.0  # seconds

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """What is done within it is work, on a GPU too."""
        began = _now()
        yield
        self.work += _now() - began

    def told(self, device: str) -> str:
        return f"{self.work / max(self.sound, 1e-9):.3g} seconds of work for a second of sound, {device}"


def _now() -> float:
    """When the work that was given so far is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
