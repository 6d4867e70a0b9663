"""Parts that one rank gets wrong, as their config says: what the tests of many ranks train."""

import os
import signal
import time
from pathlib import Path

import torch
from torchmetrics import MeanMetric

from crossmedia.data.batches import ClassBatch, ImageBatch
from crossmedia.data.views import LabelView
from crossmedia.errors import DataError
from crossmedia.tasks.classification import Classification
from crossmedia.tasks.gan import GAN


def fail(fault: str, rank: int) -> None:
    """Note the moment, and do what the fault says, where this is the rank: once, so that a run can go on."""
    moment = Path(os.environ["MOMENT"])
    if int(os.environ["RANK"]) != rank or moment.exists():
        return
    moment.touch()
    if fault == "raise":
        raise ValueError("boom")
    if fault == "data":
        raise DataError("a.png: cut short after 3 bytes")
    if fault == "hang":
        time.sleep(1000)
    if fault.startswith("exit"):
        os._exit(int(fault.removeprefix("exit")))
    if fault.startswith("SIG"):
        os.kill(os.getpid(), signal.Signals[fault])


class Faulty(Classification):
    """Does it in the second step after the first epoch, in a validation, or in a save after that."""

    def __init__(self, fault: str, place: str, rank: int = 1, **more):
        super().__init__(**more)
        self.fault, self.place, self.rank = fault, place, rank
        self.lonely = MeanMetric()

    def training_step(self, batch: ClassBatch, batch_idx: int):
        loss = super().training_step(batch, batch_idx)
        if batch_idx == 1 and self._reached("training_step", epoch=1):
            return loss * torch.nan if self.fault == "diverge" else loss
        return loss

    def validation_step(self, batch: ClassBatch, batch_idx: int):
        super().validation_step(batch, batch_idx)
        if self._reached("validation_step", epoch=1) and self.fault == "metric":
            self.lonely.update(1.0)
            self.log("val/lonely", self.lonely)

    def on_save_checkpoint(self, checkpoint):
        self._reached("on_save_checkpoint", epoch=2)

    def _reached(self, place: str, epoch: int) -> bool:
        """Whether it is the rank's turn, and no fault that ends it."""
        if self.place != place or self.trainer.current_epoch < epoch:
            return False
        fail(self.fault, self.rank)
        return self.trainer.global_rank == self.rank


class FaultyView(LabelView):
    """Does it in one of the training batches that it makes, counted from 1."""

    def __init__(self, fault: str, at: int, rank: int = 1, augment=None):
        super().__init__(augment)
        self.fault, self.at, self.rank, self.made = fault, at, rank, 0

    def __call__(self, samples, draws, meta) -> ClassBatch:
        self.made += draws is not None
        if self.made == self.at:
            fail(self.fault, self.rank)
        return super().__call__(samples, draws, meta)


class FaultyGAN(GAN):
    """Rank 1 is killed between the two players' moves."""

    def _g_loss(self, batch: ImageBatch):
        if self.trainer.current_epoch == 1:
            fail("SIGKILL", 1)
        return super()._g_loss(batch)
