"""HiFi-GAN's game on a few hums."""

import math

import pytest
import torch
from torch import nn
from vocoders import batch_of, crops, gan

from crossmedia.tasks.copy_synthesis import inner, mel_distances


@pytest.fixture(autouse=True)
def at_the_end(monkeypatch):
    """Tasks without a trainer are at the end of training."""
    from crossmedia.tasks.gan_vocoder import GANVocoder

    monkeypatch.setattr(GANVocoder, "progress", 1.0)


def test_it_learns_one_batch():
    task, batch = gan().train(), crops(2, 512)
    phases = task.phases()
    optimizers = [phase.optimizer(phase.modules[0].parameters()) for phase in phases]

    def away():
        pairs = inner(batch.inputs, task.mel)
        with torch.no_grad():
            made = task.net(pairs.mels)
        again, real = (task.mel(x, pairs.frames * 64)[0] for x in (made, pairs.waveforms))
        return mel_distances(task.mel, again, real).mean().item()

    before = away()
    for _ in range(30):
        for phase, optimizer in zip(phases, optimizers, strict=True):
            optimizer.zero_grad()
            phase.loss(batch).backward()
            optimizer.step()
    assert away() < before / 2


def test_a_source_learns_the_pitch_of_the_frames_that_are_seen(monkeypatch):
    time = torch.arange(2048) / 8_000
    glide = torch.sin(2 * torch.pi * (200 * time + 200 * time**2))  # from 200 Hz on, 400 Hz a second
    task, batch = gan(harmonics=3), batch_of(glide)
    pairs = inner(batch.inputs, task.mel)
    middles = 64 * (2 + torch.arange(pairs.mels.shape[1])) / 8_000  # two frames see what is before the crop
    found = 1.1 * (200 + 400 * middles)[None]
    monkeypatch.setattr(task.net.source, "pitch", lambda mels: (found.log(), torch.zeros_like(found)))
    loss = task._pitch_loss(batch, pairs)  # all are voiced, and the net is in doubt
    assert loss.item() == pytest.approx(math.log(2) + math.log(1.1), abs=5e-3)
    assert gan()._pitch_loss(batch, pairs).item() == 0


def test_gradients_reach_a_source_too():
    task = gan(harmonics=3)
    task._g_loss(crops(2)).backward()
    still = [name for name, weight in task.net.named_parameters() if weight.grad is None]
    assert not still


class Judge(nn.Module):
    """Scores and features that are known: the loudest sample, twice and four times it."""

    def forward(self, waveforms):
        score = waveforms.amax(1, keepdim=True)
        return [score, 2 * score], [4 * score]


def test_the_losses_are_the_papers(monkeypatch):
    task, batch = gan(mel_weight=0.0), crops(2)
    task.discriminator = Judge()
    monkeypatch.setattr(task.net, "forward", lambda mels: torch.full((2, 13 * 64), 0.1))
    real = inner(batch.inputs, task.mel).waveforms.amax(1)
    fake = torch.tensor([0.1, 0.1])
    expected = ((1 - real) ** 2 + fake**2 + (1 - 2 * real) ** 2 + (2 * fake) ** 2).mean()
    assert task._d_loss(batch).item() == pytest.approx(expected.item(), rel=1e-5)
    expected = 0.9**2 + 0.8**2 + 2.0 * (4 * real - 4 * fake).abs().mean()
    assert task._g_loss(batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_perfect_copy_costs_no_mels(monkeypatch):
    task, batch = gan(feature_weight=0.0), crops(2)
    task.discriminator = Judge()
    real = inner(batch.inputs, task.mel).waveforms
    monkeypatch.setattr(task.net, "forward", lambda mels: real)
    score = real.amax(1)
    expected = ((1 - score) ** 2 + (1 - 2 * score) ** 2).mean()
    assert task._g_loss(batch).item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_discriminators_wait_for_their_start(monkeypatch):
    task, batch = gan(start=0.5), crops(2)
    for progress, playing in ((0.25, False), (0.5, False), (0.51, True)):
        monkeypatch.setattr(type(task), "progress", progress)
        task.zero_grad()
        d_loss, g_loss = (phase.loss(batch) for phase in task.phases())
        d_loss.backward()
        moved = [weight.grad.any().item() for weight in task.discriminator.parameters()]
        assert any(moved) == playing and bool(d_loss) == playing
        monkeypatch.setattr(task, "mel_weight", 0.0)
        assert bool(task._g_loss(batch)) == playing and g_loss > 0
        monkeypatch.undo()
        monkeypatch.setattr(type(task), "progress", 1.0)


def test_silent_crops_have_finite_losses_and_gradients():
    task, batch = gan().train(), batch_of(*torch.zeros(4, 1024))
    for phase in task.phases():
        loss = phase.loss(batch)
        loss.backward()
        grads = [weight.grad for weight in phase.modules[0].parameters()]
        assert loss.isfinite() and all(grad.isfinite().all() for grad in grads if grad is not None)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"mel_weight": -1.0}, "mel_weight -1.0: must be at least 0"),
        ({"feature_weight": -1.0}, "feature_weight -1.0: must be at least 0"),
        ({"start": 1.5}, "start 1.5: must be between 0 and 1"),
    ],
)
def test_a_wrong_argument_is_named(more, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        gan(**more)
