"""What leaves the training loop to be looked at: panels into the run folder, the trackers asked for."""

import contextlib
import http.client
import importlib.util
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers.logger import Logger
from rich.console import Console

from crossmedia.build import build
from crossmedia.errors import SystemFault, first_line
from crossmedia.report.panels import Panel
from crossmedia.report.store import save_panels
from crossmedia.report.trackers import log_panels

EVERY = 30.0  # seconds between two pages
WAIT = 3.0  # seconds for the wandb server to answer
START, FINISH = 4.0, 3.0  # seconds that wandb may take to open a run, and to send the rest of it
TOLD: set[str] = set()  # what failed and was said

T = TypeVar("T")


@contextlib.contextmanager
def spared(what: Any, *faults: type[Exception]) -> Iterator[None]:
    """For what no training depends on: where it fails, that is said once, and the training goes on."""
    try:
        yield
    except faults as error:
        if str(what) not in TOLD:
            TOLD.add(str(what))
            print(f"environment: {what}: {_reason(error)}. The training goes on without it", file=sys.stderr)


def _reason(error: BaseException) -> str:
    """Its first line; of a file's error what the system says, as the file is named already."""
    cause = error.__cause__ if isinstance(error, SystemFault) and error.__cause__ else error
    return (getattr(cause, "strerror", None) or first_line(cause))[:120].removesuffix(".")


class Pictures(Callback):
    """Saves panels and calls `then` with the notes: at the first and last validation, else each 30 s."""

    def __init__(self, folder: Path, then: Callable[[Trainer, list[str]], None]):
        self.folder, self.then = folder, then
        self._last = -EVERY

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        last = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        due = not trainer.sanity_checking and (last or time.monotonic() - self._last >= EVERY)
        if not trainer.strategy.broadcast(due):  # rank 0's clock counts: drawing takes every rank
            return
        self._last = time.monotonic()
        task: Any = pl_module
        self.draw(trainer, task, self.folder, "val")
        notes = task.notes("val")  # of every rank, as its metrics gather
        if trainer.is_global_zero:
            self.then(trainer, notes)

    @staticmethod
    def draw(trainer: Trainer, task: Any, folder: Path, split: str) -> None:
        """Save the panels of the split scored last, and show them to the trackers."""
        training = task.training  # Lightning puts the mode back after a test: dropout, moving statistics
        panels = task.eval().panels(split)  # its metrics gather from every rank
        task.train(training)
        if not trainer.is_global_zero:
            return
        step = trainer.fit_loop.epoch_loop._batches_that_stepped  # of the curves; GANs step twice a batch
        with spared(folder / "samples", OSError, SystemFault):
            save_panels(folder, split, panels, step if split == "val" else None)
        for logger in trainer.loggers:
            if isinstance(logger, Tracker):
                logger.draw(split, panels, step)


class Tracker(Logger):
    """A logger that no training depends on: where a call of it fails, that is said, and was its last."""

    def __init__(self, logger: Logger, folder: Path):
        super().__init__()
        self.logger: Logger | None = logger
        self._what = f"{folder}: {type(logger).__name__}"

    @property
    def name(self) -> str | None:
        return self._ask(lambda logger: logger.name)

    @property
    def version(self) -> int | str | None:
        return self._ask(lambda logger: logger.version)

    @property
    def experiment(self) -> Any:
        return self._ask(lambda logger: getattr(logger, "experiment", None))

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self._ask(lambda logger: logger.log_metrics(metrics, step))

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        self._ask(lambda logger: logger.log_hyperparams(params, *args, **kwargs))

    def log_graph(self, model: Any, input_array: Any = None) -> None:
        self._ask(lambda logger: logger.log_graph(model, input_array))

    def draw(self, split: str, panels: list[Panel], step: int) -> None:
        self._ask(lambda logger: log_panels(logger, split, panels, step))

    def save(self) -> None:
        self._ask(lambda logger: logger.save())

    def finalize(self, status: str) -> None:
        self._ask(lambda logger: logger.finalize(status))

    def _ask(self, call: Callable[[Logger], T]) -> T | None:
        logger, self.logger = self.logger, None
        if logger is not None:
            with spared(self._what, Exception):
                answer = call(logger)
                self.logger = logger
                return answer
        return None


def trackers(node: dict[str, Any], folder: Path, name: str, console: Console) -> list[Tracker]:
    """The loggers of the config; Weights & Biases goes offline where its server does not take the run."""
    found = []
    for place, part in enumerate(node["trackers"]):
        kind, key = part["_target_"].rpartition(".")[2], f"logger.trackers[{place}]"
        given: dict[str, Any] = {"save_dir": str(folder)}
        if kind == "TensorBoardLogger" and not importlib.util.find_spec("tensorboard"):
            raise SystemFault('logger=tensorboard needs tensorboard: pip install "crossmedia[tensorboard]"')
        if kind == "WandbLogger":
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # its exit would wait for a slow server
            limits = {"init_timeout": START, "finish_timeout": FINISH}
            given |= {"name": f"{name}/{folder.name}", "settings": limits | (part.get("settings") or {})}
        logger = build(part, key)(**given)
        if kind == "WandbLogger" and not part.get("offline") and (reason := _refused(logger)):
            said = f"wandb: {reason}, so this run is kept offline; wandb sync uploads it"
            console.print(said, markup=False, soft_wrap=True)
            logger = build({**part, "mode": "offline"}, key)(**given)
        found.append(Tracker(logger, folder))
    return found


@contextlib.contextmanager
def ending(folder: Path) -> Iterator[None]:
    """Ends wandb's run at last, or the next job of a sweep goes on in its record, or offline as it did."""
    mode = os.environ.get("WANDB_MODE")  # Lightning writes it down for a run that is kept offline
    try:
        yield
    finally:
        record = sys.modules["wandb"].run if "wandb" in sys.modules else None
        if record:
            limit = record.settings.finish_timeout
            with spared(f"{folder}: wandb", Exception):
                waited(limit + 1 if limit else None, record.finish)
        os.environ.pop("WANDB_MODE", None)
        os.environ.update({} if mode is None else {"WANDB_MODE": mode})


def waited(seconds: float | None, call: Callable[[], T]) -> T:
    """What a call returns or raises; after so long a TimeoutError, and the call is left to itself."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future.result(seconds)


def _refused(logger: Any) -> str:
    """Why wandb's server does not take the run, or nothing where it does."""
    if not _answers(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")):
        return "no answer from its server"
    try:
        _ = logger.experiment  # opens the run
    except Exception as error:
        return _reason(error)
    return ""


def _answers(url: str) -> bool:
    """Whether a server there answers, in order, within WAIT in all: finding it has no limit of its own."""

    def ask() -> None:
        question = urllib.request.Request(  # ValueError where the address is none
            f"{url}/graphql", b'{"query": "{viewer {id}}"}', {"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(question, timeout=WAIT).close()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code >= 500:  # any other word is for wandb to understand
                raise

    try:
        waited(WAIT, ask)
    except (OSError, http.client.HTTPException, ValueError):
        return False
    return True
