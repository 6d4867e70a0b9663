"""One rank of those that ranks.py starts. `python -m crossmedia.trainer.rank REPORT`, told on stdin."""

import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from crossmedia.errors import UserError


def main(report: Path) -> None:
    """Train; what ends it before the end goes into the report, for one process alone to tell it."""
    try:
        with open(0, "rb", closefd=False) as stdin:
            told = json.loads(stdin.readline())
        threading.Thread(target=_end_with_parent, daemon=True).start()
        from omegaconf import OmegaConf

        from crossmedia.build import trusting
        from crossmedia.folder import RunFolder
        from crossmedia.session import Session

        cfg: Any = OmegaConf.create(told["config"])
        with trusting(told["trust"]):
            Session(cfg, RunFolder(Path(told["folder"])), told["overrides"], told["resume"]).run()
    except BaseException as error:
        sys.stdout.flush()
        if isinstance(error, Exception):
            beside = report.with_suffix(".tmp")
            beside.write_text(json.dumps(_facts(error)))
            beside.replace(report)
        os._exit(_code(error))  # at once: the other ranks notice, and nothing waits for them any more


def _end_with_parent() -> None:
    os.read(0, 1)  # returns when the process at the other end is gone
    os.killpg(0, signal.SIGKILL)


def _facts(error: Exception) -> dict[str, Any]:
    kind, lines = "bug", [f"{type(error).__name__}: {error}".partition("\n")[0]]
    if isinstance(error, UserError):
        kind, lines = error.area, error.lines
    elif _lost(error):
        kind = "lost"
    return {"kind": kind, "lines": lines, "traceback": traceback.format_exc(), "time": time.time()}


def _lost(error: Exception) -> bool:
    """Whether it only says that another rank is gone or silent."""
    from torch.distributed import DistError

    return isinstance(error, DistError) or isinstance(error, RuntimeError) and "gloo" in str(error)


def _code(error: BaseException) -> int:
    from pytorch_lightning.utilities.exceptions import SIGTERMException

    if isinstance(error, SIGTERMException):
        return 128 + signal.SIGTERM
    code = getattr(error, "code", 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1)
    return code if isinstance(code, int) else int(code is not None)  # as sys.exit has it


if __name__ == "__main__":
    main(Path(sys.argv[1]))
