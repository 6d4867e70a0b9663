"""What every task shares: how it is optimised, that validation and test score alike, what it keeps."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, PolynomialLR

from crossmedia.audio.read import MAX_SECONDS
from crossmedia.data.batches import Clips, Meta
from crossmedia.errors import ConfigError, UserError
from crossmedia.report.panels import Panel


class Task(LightningModule):
    """A net, an objective and a score. A subclass writes `training_step`, `score`, `generate` and `panels`.

    `records` holds one dict a sample of the split that was scored last: id, reference, output, its own score.
    """

    scores: dict[
        str, str
    ] = {}  # metric name -> "min" or "max", the better direction; the first is the monitored one
    shown = 16  # samples that a page shows
    counters: tuple[str, ...] = ()  # buffers that count this run's steps: `init=` leaves them alone

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
    ):
        super().__init__()
        self.net = net
        self.meta = meta
        self._optimizer, self._schedule = optimizer, schedule
        self.test_split = "test"  # run.py tests once per split
        self.data: Any = None  # the DataModule, where there is one: other pictures to compare with
        self.records: list[dict[str, Any]] = []
        self.pictures: list[Tensor] = []  # (C, H, W) in [-1, 1] of the first records

    @classmethod
    def scored(cls, model: dict[str, Any]) -> dict[str, str]:
        """`scores` for a config of the model; a task whose scores depend on its parts says which it has."""
        return cls.scores

    def score(self, batch: Any, split: str) -> None:
        """Log the loss and the metrics of one batch under `<split>/`, and add its records."""
        raise NotImplementedError

    def nets(self) -> list[nn.Module]:
        """What `compile` compiles."""
        return [self.net]

    def ready(self) -> None:
        """Read the files that scoring needs and `generate` does not; UserError before the first step."""

    def ready_to_learn(self) -> None:
        """Read the files that training needs, and neither scoring nor `generate` does."""

    def unscored(self) -> dict[str, str]:
        """The scores that will not be logged, each with what is missing for it."""
        return {}

    def panels(self, split: str) -> list[Panel]:
        """What there is to see of the split that was scored last."""
        return []

    def notes(self, split: str) -> list[str]:
        """What a reader of the scores of the split that was scored last has to know."""
        return []

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        if isinstance(
            batch, UserError
        ):  # handed over by the loader: raised there, it would arrive as a traceback
            raise batch
        return batch

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """The tensors alone: Lightning would look into every caption for more of them."""
        if not hasattr(batch, "_asdict"):
            return super().transfer_batch_to_device(batch, device, dataloader_idx)
        moved = {
            name: part.to(device, non_blocking=True)
            if isinstance(part, Tensor)
            else self.transfer_batch_to_device(part, device, dataloader_idx)
            for name, part in batch._asdict().items()
            if isinstance(part, Tensor) or hasattr(part, "_asdict")
        }
        return batch._replace(**moved)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.score(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.score(batch, self.test_split)

    def on_validation_epoch_start(self) -> None:
        self.forget()

    def on_test_epoch_start(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Drop the records of the split that was scored before."""
        self.records, self.pictures = [], []

    def configure_optimizers(self) -> Any:
        """The optimizer over what may move, and the schedule.

        The schedule is told its number of steps, and stepped after each of them.
        """
        try:
            return self._optimizers()
        except ValueError as error:
            raise ConfigError(f"model.optimizer or model.schedule: {error}") from error

    def _optimizers(self) -> Any:
        optimizer = self._optimizer([p for p in self.parameters() if p.requires_grad])
        return scheduled(optimizer, self._schedule, lambda: whole(self.trainer.estimated_stepping_batches))

    def log_score(self, split: str, name: str, value: Any, size: int) -> None:
        """Log a metric object or a mean over the `size` samples of this batch under `<split>/<name>`."""
        weight = size * self.trainer.world_size  # Lightning takes the ranks' mean of sizes as a whole number
        self.log(f"{split}/{name}", value, on_epoch=True, on_step=False, batch_size=weight, sync_dist=True)

    def log_mean(self, split: str, name: str, each: Tensor, kept: Tensor) -> None:
        """Log the mean of `each` (B,) over the samples that are `kept` (B,)."""
        size = int(kept.sum())
        self.log_score(split, name, (each * kept).sum() / max(size, 1), size)

    def read(self, image: Any) -> Tensor:
        """A path, PIL picture or uint8 tensor (C, H, W), or a list, as the net's input (B, C, S, S)."""
        many = image if isinstance(image, list | tuple) else [image]
        prepare = self.meta.image
        pictures = [prepare.prepare(one) if isinstance(one, Tensor) else prepare.read(one) for one in many]
        return prepare.normalise(torch.stack(pictures)).to(self.device)

    def hear(self, audio: Any, max_seconds: float = MAX_SECONDS) -> list[Tensor]:
        """A path, or a waveform (samples,) at the model's rate, or a list of them, as waveforms."""
        many = audio if isinstance(audio, list | tuple) else [audio]
        read = self.meta.audio.read
        found = [(one if isinstance(one, Tensor) else read(one, max_seconds)).to(self.device) for one in many]
        if not all(map(len, found)):
            raise ValueError("audio: a waveform without samples")
        return found

    def given(self, image: Any, audio: Any) -> Tensor | Clips:
        """The one that the model takes, as the net's input; ValueError where the other is given."""
        takes, other = ("audio", image) if self.meta.audio else ("image", audio)
        if other is not None or (image is None and audio is None):
            raise ValueError(f"this model takes {takes}")
        if not self.meta.audio:
            return self.read(image)
        return Clips.of(self.hear(audio))


def whole(steps: float) -> int:
    """The length of training; ValueError where nothing but a clock ends it."""
    if math.isinf(steps):
        raise ValueError("needs the length of training. Give trainer.max_epochs or trainer.max_steps")
    return int(steps)


def scheduled(optimizer: Optimizer, schedule: Any, steps: Callable[[], int]) -> dict[str, Any]:
    """An optimizer and its schedule as Lightning takes them; its length is `steps()` where none is chosen."""
    if schedule is None:
        return {"optimizer": optimizer}
    kind, chosen = getattr(schedule, "func", schedule), getattr(schedule, "keywords", {})
    names = ["total_steps", "T_max", *["total_iters"] * (kind is PolynomialLR)]
    length = [name for name in names if name in inspect.signature(kind).parameters]
    made = schedule(optimizer, **{name: steps() for name in length if name not in chosen})
    scheduler = {"scheduler": made, "interval": "step" if length else "epoch", "monitor": "val/loss"}
    return {"optimizer": optimizer, "lr_scheduler": scheduler}


def to_uint8(images: Tensor) -> Tensor:
    """(N, C, H, W) in [-1, 1] to (N, 3, H, W) uint8."""
    pixels = ((images.detach().float().cpu() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return pixels.expand(-1, 3, -1, -1) if pixels.shape[1] == 1 else pixels
