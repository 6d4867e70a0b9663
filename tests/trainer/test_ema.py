"""What the average of a net is made of."""

from types import SimpleNamespace

import torch
from torch import nn

from crossmedia.trainer.ddp import kept_buffers
from crossmedia.trainer.ema import EMA


class Growing(nn.Module):
    """A layer with moving statistics, and a table that grows as longer inputs come."""

    def __init__(self):
        super().__init__()
        self.net = nn.BatchNorm1d(2)
        self.register_buffer("table", torch.zeros(4), persistent=False)


def test_a_table_that_no_checkpoint_has_may_grow_while_the_average_stands_in():
    task = SimpleNamespace(net=Growing())
    trainer, ema = SimpleNamespace(sanity_checking=False), EMA()
    ema.on_train_start(trainer, task)
    ema.on_validation_start(trainer, task)
    task.net.table = torch.zeros(9)
    ema.on_validation_end(trainer, task)
    assert len(ema.average) == 4  # weight, bias, mean and variance


def test_what_ranks_share_is_what_a_checkpoint_has():
    net = Growing()
    names = {name for name, _ in net.named_buffers()} & net.state_dict().keys()
    assert len(kept_buffers(net)) == len(names) == 3
