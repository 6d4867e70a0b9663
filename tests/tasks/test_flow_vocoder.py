"""WaveGlow's likelihood on a few hums."""

import math

import pytest
import torch
from scoring import overfitted, scored
from vocoders import ADAM, batch_of, crops, flow, sound

from crossmedia.tasks.copy_synthesis import whole


def test_it_learns_one_batch():
    task = flow().train()
    losses = overfitted(task, crops(2), ADAM(task.parameters(), lr=1e-2), 20)
    assert losses[-1] < losses[0] - 0.3


def test_the_loss_is_the_density_of_the_noisy_samples():
    task, batch = flow(noise=0.01), batch_of(sound(100))
    pairs = whole(batch.inputs, task.mel)
    draws = torch.randn(pairs.waveforms.shape, generator=torch.Generator().manual_seed(0))
    noisy = pairs.waveforms + 0.01 * draws
    jacobian = torch.autograd.functional.jacobian(
        lambda x: task.net(x, pairs.mels, pairs.frames)[0].flatten(), noisy
    )[:, 0]
    noise, _ = task.net(noisy, pairs.mels, pairs.frames)
    density = (
        torch.distributions.Normal(0, 1).log_prob(noise).sum() + torch.linalg.slogdet(jacobian).logabsdet
    )
    assert task._nll(pairs, draws).item() == pytest.approx(-density.item() / noisy.numel(), rel=1e-3)


def test_a_new_net_is_scored_as_the_samples_themselves():
    task, batch = flow(noise=0.0), batch_of(torch.zeros(1_000), sound(900))
    for coupling in task.net.couplings:
        torch.nn.init.zeros_(coupling.last.weight)
    found = scored(task, batch)
    power = batch.inputs.waveforms.square().sum(1) / torch.tensor([1024, 960])
    assert found["test/nll"] == pytest.approx(((math.log(2 * math.pi) + power) / 2).mean().item(), abs=1e-4)
    assert found["test/loss"] == found["test/nll"]


def test_silent_crops_have_finite_losses_and_gradients():
    task, batch = flow().train(), batch_of(*torch.zeros(2, 1024))
    losses = overfitted(task, batch, ADAM(task.parameters(), lr=1e-2), 10)
    assert all(map(math.isfinite, losses)) and losses[-1] < losses[0]
    assert all(weight.isfinite().all() for weight in task.parameters())
    (made,) = task.eval().generate(audio=torch.zeros(1_000))
    assert made.isfinite().all()


def test_without_noise_a_sound_is_what_the_net_is_surest_of():
    task = flow(sigma=0.0)
    task.net.inverse = lambda noise, mels, frames: noise.transpose(1, 2).flatten(1)
    assert not task.generate(audio=sound(1_000))[0].any()
    task.sigma = 0.5
    assert task.generate(audio=sound(1_000))[0].std().item() == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"noise": -1.0}, "noise -1.0: must be at least 0"),
        ({"sigma": -1.0}, "sigma -1.0: must be at least 0"),
    ],
)
def test_a_wrong_argument_is_named(more, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        flow(**more)
