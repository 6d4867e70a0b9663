"""Sorting of sounds: what mixing does to them, and that the most wrong are played."""

from functools import partial
from math import log

import pytest
import torch
from scoring import scored, stepped
from torch import nn

from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.batches import ClassBatch, Clips, Meta
from crossmedia.report.panels import Sound
from crossmedia.tasks.classification import HEARD, Classification

RATE = 8000


class FirstSamples(nn.Module):
    """Takes the first two samples of a clip for its logits."""

    def forward(self, clips):
        self.heard = clips
        return clips.waveforms[:, :2]


def made(**more):
    meta = Meta(("a", "b"), audio=AudioTransform(RATE))
    return Classification(FirstSamples(), meta, partial(torch.optim.SGD, lr=0.1), **more).eval()


def batch(labels, *sounds):
    clips = Clips(
        nn.utils.rnn.pad_sequence([torch.tensor(sound) for sound in sounds], batch_first=True),
        torch.tensor([len(sound) for sound in sounds]),
    )
    valid = torch.ones(len(labels), dtype=torch.bool)
    return ClassBatch(clips, torch.tensor(labels), valid, [f"{place}" for place in range(len(labels))])


def test_two_sounds_are_mixed_as_their_losses_are_and_the_mix_is_as_long_as_the_longer(monkeypatch):
    monkeypatch.setattr(torch.distributions.Beta, "sample", lambda self: torch.tensor(0.25))
    monkeypatch.setattr(torch, "randperm", lambda count, **more: torch.arange(count).flip(0))
    task = made(mixup=0.2)
    loss, logged = stepped(task, batch([0, 1], [4 * log(3), 0.0], [0.0, 0.0, 1.0, 1.0]))
    # of the first a quarter: logit log 3, 3/4 and 1/4; three quarters into the other: 27/28 and 1/28
    first = -0.25 * log(3 / 4) - 0.75 * log(1 / 4)
    second = -0.25 * log(1 / 28) - 0.75 * log(27 / 28)
    assert loss == logged["train/loss"] == pytest.approx((first + second) / 2)
    assert task.net.heard.lens.tolist() == [4, 4]
    assert task.net.heard.waveforms[:, 2].tolist() == [0.75, 0.25]


def test_the_most_wrong_sounds_are_played_without_their_padding_and_no_more_than_a_page_has():
    task = made()
    sure = (2, 9, 99, 3)  # label b has 1 / (1 + odds)
    sounds = [[log(odds), *[0.0] * (1 + place)] for place, odds in enumerate(sure)]
    scored(task, batch([1, 1, 1, 1, 0], *sounds, [1.0, 0.0]))
    players = task.panels("test")[:4]
    assert all(isinstance(player, Sound) and player.sample_rate == RATE for player in players)
    assert [player.title for player in players] == ["Wrong 1", "Wrong 2", "Wrong 3", "Wrong 4"]
    assert players[0].note == "taken for a 0.99, is b 0.01"
    assert [player.waveform.tolist() for player in players] == [
        pytest.approx(sounds[place]) for place in (2, 1, 3, 0)
    ]
    scored(task, batch([1] * 20, *[[1.0, 0.0]] * 20))
    found = task.panels("test")
    assert sum(isinstance(panel, Sound) for panel in found) == HEARD
    (table,) = [panel for panel in found if panel.title == "The most wrong"]
    assert len(table.rows) == 16 and table.rows[0] == ["Wrong 1", "a 0.73", "b 0.27"]
