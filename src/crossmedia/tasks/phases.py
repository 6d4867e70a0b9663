"""The training step of every task with more than one optimizer: an ordered list of phases."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from crossmedia.data.batches import Meta
from crossmedia.tasks.base import Task, scheduled, whole
from crossmedia.trainer.ddp import kept_buffers


class Phase(NamedTuple):
    """One move of the game: these modules step on this loss, the others stand still."""

    name: str
    modules: list[nn.Module]
    loss: Callable[[Any], Tensor]  # of a batch
    optimizer: Callable[..., Optimizer]
    every: int = 1  # windows between two moves; n_critic is the generator's


class PhasedTask(Task):
    """Runs `phases()` in order on each batch; owns what Lightning leaves to manual optimisation: clipping,
    accumulation, schedules, and the mean of the ranks' gradients.

    `accumulate` batches make a window: each phase in turn takes the gradients of all of them, then moves. So
    a window is one large batch. Each phase logs `train/<name>_loss`.
    """

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
    ):
        super().__init__(net, meta, optimizer, schedule)
        self.automatic_optimization = False
        self.accumulate = 1
        self.most = 0  # windows of training; 0 where its epochs alone end it
        self.clip: float | None = None
        self.clip_algorithm = "norm"
        self.moving = "loss"  # the name of the loss whose gradients are being taken
        self.number = 0  # of the window, from 1, over all epochs
        self._window: list[Any] = []

    def phases(self) -> list[Phase]:
        """Each weight that is to move is in one of them."""
        raise NotImplementedError

    def nets(self) -> list[nn.Module]:
        return [module for phase in self.phases() for module in phase.modules]

    def take(self, trainer: dict[str, Any]) -> dict[str, Any]:
        """The arguments of the Trainer without those that the phases see to."""
        rest = dict(trainer)
        self.most = max(0, rest.get("max_steps") or 0)
        if self.most:  # Lightning counts the moves of every phase
            rest["max_steps"] = sum(self.most // phase.every for phase in self.phases())
        self.accumulate = rest.pop("accumulate_grad_batches", None) or 1
        self.clip = rest.pop("gradient_clip_val", None)
        self.clip_algorithm = rest.pop("gradient_clip_algorithm", None) or "norm"
        return rest

    def setup(self, stage: str) -> None:
        self._phases = self.phases()
        self._weights = [_weights(phase.modules) for phase in self._phases]

    def training_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        """Returns the losses of the phases that moved."""
        self._window.append(batch)
        if len(self._window) < self.accumulate and batch_idx + 1 < self.trainer.num_training_batches:
            return {}
        window, self._window = self._window, []
        self._buffers_alike()
        self.number = self.trainer.current_epoch * self._windows + batch_idx // self.accumulate + 1
        return {
            f"{phase.name}_loss": self._move(place, window, self.number // phase.every)
            for place, phase in enumerate(self._phases)
            if self.number % phase.every == 0
        }

    def _move(self, place: int, window: list[Any], number: int) -> Tensor:
        """The phase's `number`th move, from 1; returns its loss, the mean over the window."""
        phase, weights = self._phases[place], self._weights[place]
        optimizer: Any = self._each(self.optimizers())[place]
        schedulers = self._each(self.lr_schedulers())
        optimizer.zero_grad()
        self.moving = f"{phase.name}_loss"
        total = torch.zeros((), device=self.device)
        with self._others_still(place), self._gradients_kept():
            for batch in window:
                loss = phase.loss(batch) / len(window)
                self.manual_backward(loss)
                total += loss.detach()
        self._share([weight.grad for weight in weights if weight.grad is not None])
        optimizer.step()
        if schedulers and self.trainer.lr_scheduler_configs[place].interval == "step":
            schedulers[place].step()
        self._tell(number, phase.every, total)
        return total

    def _tell(self, number: int, every: int, loss: Tensor) -> None:
        """Log the loss of some moves; self.log would repeat it until a restart forgets it."""
        trainer: Any = self.trainer
        if number % max(1, trainer.log_every_n_steps // every) == 0:
            facts = {f"train/{self.moving}": float(loss), "epoch": trainer.current_epoch}
            for logger in self.loggers:
                logger.log_metrics(facts, trainer.fit_loop.epoch_loop._batches_that_stepped)

    def on_train_epoch_end(self) -> None:
        for config in self.trainer.lr_scheduler_configs:
            if config.interval == "epoch":
                schedule: Any = config.scheduler
                schedule.step()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        if self.clip is not None:
            self.clip_gradients(optimizer, self.clip, self.clip_algorithm)

    def _optimizers(self) -> Any:
        if getattr(self._schedule, "func", None) is ReduceLROnPlateau:
            raise ValueError("ReduceLROnPlateau needs val/loss, which a game does not have. Use another")
        return [
            scheduled(phase.optimizer(weights), self._schedule, lambda phase=phase: self._moves(phase))
            for phase, weights in zip(self._phases, self._weights, strict=True)
        ]

    def _moves(self, phase: Phase) -> int:
        """How often it moves in the whole of training."""
        return max(1, self._all_windows() // phase.every)

    @property
    def progress(self) -> float:
        """The part of training that this window ends, in (0, 1]."""
        return min(1.0, self.number / max(1, self._all_windows()))

    def _all_windows(self) -> int:
        batches = self.trainer.estimated_stepping_batches  # which also makes the loader
        epochs = max(0, self.trainer.max_epochs or 0)
        if not epochs:
            return self.most or whole(batches)
        return min(self._windows * epochs, self.most) if self.most else self._windows * epochs

    @property
    def _windows(self) -> int:
        """Of an epoch."""
        return -(-int(self.trainer.num_training_batches) // self.accumulate)

    @staticmethod
    def _each(found: Any) -> list[Any]:
        """Lightning gives one thing as itself, several as a list."""
        return found if isinstance(found, list) else [] if found is None else [found]

    @contextlib.contextmanager
    def _others_still(self, place: int) -> Iterator[None]:
        """Gradients pass through the weights of the other phases, and end in none of them."""
        mine = {id(weight) for weight in self._weights[place]}
        still = [w for weights in self._weights for w in weights if id(w) not in mine and w.requires_grad]
        for weight in still:
            weight.requires_grad_(False)
        try:
            yield
        finally:
            for weight in still:
                weight.requires_grad_(True)

    def _gradients_kept(self) -> contextlib.AbstractContextManager[Any]:
        """On several ranks DDP would wait for gradients of every weight, but a phase has its own alone."""
        strategy: Any = self.trainer.strategy
        wait = getattr(strategy, "block_backward_sync", None)
        return wait() if wait else contextlib.nullcontext()

    def _buffers_alike(self) -> None:
        """Rank 0's on every rank, as DDP has it where it shares gradients: a checkpoint holds no others."""
        if self.trainer.world_size == 1:
            return
        modules = [module for phase in self._phases for module in phase.modules]
        buffers = [b for module in modules for b in kept_buffers(module) if b.is_floating_point()]
        if buffers:
            flat = torch.cat([buffer.flatten() for buffer in buffers])
            torch.distributed.broadcast(flat, 0)
            for buffer, part in zip(buffers, flat.split([b.numel() for b in buffers]), strict=True):
                buffer.copy_(part.view_as(buffer))

    def _share(self, grads: list[Tensor]) -> None:
        """The mean over the ranks, by one message."""
        if self.trainer.world_size == 1 or not grads:
            return
        flat: Any = self.trainer.strategy.reduce(
            torch.cat([grad.flatten() for grad in grads]), reduce_op="mean"
        )
        for grad, part in zip(grads, flat.split([grad.numel() for grad in grads]), strict=True):
            grad.copy_(part.view_as(grad))


def _weights(modules: Iterable[nn.Module]) -> list[Parameter]:
    return [weight for module in modules for weight in module.parameters() if weight.requires_grad]
