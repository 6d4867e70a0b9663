"""metrics.csv: one line a value, appended; a run that goes on drops what it will write again."""

import os
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from crossmedia.errors import SystemFault

HEADER = "step,epoch,key,value\n"


class CSVLog(Logger):
    """Appends `step,epoch,key,value`; holds no time, so that equal runs give equal bytes."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        self._begin()

    @rank_zero_only
    def _begin(self) -> None:
        if not self.path.exists():
            self.path.write_text(HEADER)

    def mark(self) -> int:
        """How long the file is, once all of it is safe on the disk."""
        with open(self.path, "rb") as file:
            os.fsync(file.fileno())
        return self.path.stat().st_size

    def cut(self, length: int) -> None:
        """Drop what was written after a mark: it will be written again."""
        os.truncate(self.path, min(length, self.path.stat().st_size))

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """The run folder's config.yaml has them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        epoch = int(metrics.get("epoch", 0))
        lines = [f"{step},{epoch},{key},{value!r}\n" for key, value in metrics.items() if key != "epoch"]
        try:
            with open(self.path, "a") as file:
                file.write("".join(lines))
        except OSError as error:
            raise SystemFault(f"{self.path}: {error.strerror}") from error
