import math

import pytest
import torch

from crossmedia.nets.waveglow import WaveGlow

SIZES = {"n_mels": 5, "hop_length": 16, "group": 8, "flows": 5, "early_every": 2, "early_size": 2}
SIZES |= {"channels": 6, "layers": 2, "condition": 7}


def waveglow(**changes):
    """A net whose couplings do something, as they do not at the start."""
    torch.manual_seed(0)
    net = WaveGlow(**{**SIZES, **changes})
    for coupling in net.couplings:
        torch.nn.init.normal_(coupling.last.weight, std=0.1)
        torch.nn.init.normal_(coupling.last.bias, std=0.1)
    return net.eval()


def given(frames, batch=2):
    draw = torch.Generator().manual_seed(1)
    mels = torch.randn(batch, frames, 5, generator=draw)
    return torch.randn(batch, 16 * frames, generator=draw), mels, torch.full((batch,), frames)


@pytest.mark.parametrize("changes", [{}, {"hop_length": 24}, {"flows": 1}, {"group": 4, "early_every": 5}])
def test_the_inverse_gives_the_waveform_back(changes):
    net = waveglow(**changes)
    _, mels, frames = given(9)
    waveforms = torch.randn(2, 9 * net.hop_length)
    with torch.no_grad():
        noise, _ = net(waveforms, mels, frames)
        again = net.inverse(noise, mels, frames)
    assert noise.shape == (2, net.group, 9 * net.hop_length // net.group)
    assert (again - waveforms).abs().max() < 1e-4 and (
        noise.transpose(1, 2).flatten(1) - waveforms
    ).abs().max() > 1


def test_the_inverse_of_the_paper_s_size_is_exact_to_1e_4():
    torch.manual_seed(0)
    net = WaveGlow(channels=4)
    for coupling in net.couplings:
        torch.nn.init.normal_(coupling.last.weight, std=0.02)
    waveforms, mels = 0.1 * torch.randn(1, 2048), torch.randn(1, 8, 80)
    with torch.no_grad():
        noise, _ = net(waveforms, mels, torch.tensor([8]))
        assert (net.inverse(noise, mels, torch.tensor([8])) - waveforms).abs().max() < 1e-4


def test_the_log_determinant_is_that_of_the_jacobian():
    net = waveglow().double()
    waveforms, mels, frames = (part.double() if part.is_floating_point() else part for part in given(2, 1))
    _, log_det = net(waveforms, mels, frames)
    jacobian = torch.autograd.functional.jacobian(lambda x: net(x, mels, frames)[0].flatten(), waveforms)
    assert log_det.item() == pytest.approx(torch.linalg.slogdet(jacobian[:, 0]).logabsdet.item(), rel=1e-9)
    assert abs(log_det.item()) > 0.1


def test_a_new_net_only_turns_the_samples():
    net = WaveGlow(**SIZES)
    waveforms, mels, frames = given(3)
    noise, log_det = net(waveforms, mels, frames)
    assert noise.square().sum((1, 2)).tolist() == pytest.approx(waveforms.square().sum(1).tolist(), rel=1e-5)
    assert log_det.tolist() == pytest.approx([0, 0], abs=1e-4)


def test_a_clip_is_the_same_alone_and_in_a_longer_batch():
    net = waveglow()
    waveforms, mels, _ = given(12)
    frames = torch.tensor([12, 7])
    mels[1, 7:] = 0
    with torch.no_grad():
        noise, log_det = net(waveforms, mels, frames)
        alone, log_det_alone = net(waveforms[1:, : 7 * 16], mels[1:, :7], frames[1:])
        again = net.inverse(noise, mels, frames)
    assert (noise[1, :, :14] - alone[0]).abs().max() < 1e-5 and not noise[1, :, 14:].any()
    assert log_det[1].item() == pytest.approx(log_det_alone.item(), abs=1e-4)
    assert (again[1, : 7 * 16] - waveforms[1, : 7 * 16]).abs().max() < 1e-4 and not again[1, 7 * 16 :].any()


@pytest.mark.parametrize("hop_length", [16, 24])
def test_a_frame_tells_of_its_own_samples(hop_length):
    net = waveglow(hop_length=hop_length)
    mels = torch.zeros(1, 9, 5)
    other = mels.clone()
    other[:, 4] = 5
    with torch.no_grad():
        change = (net.condition(other.mT) - net.condition(mels.mT)).abs().sum((0, 1)).nonzero().flatten()
    middle = (change[0] + change[-1] + 1) / 2 * net.group
    assert abs(middle - (4 + 0.5) * hop_length) <= net.group / 2
    assert net.condition(mels.mT).shape[2] * net.group == 9 * hop_length


def test_gradients_reach_every_weight():
    net = waveglow().train()
    noise, log_det = net(*given(3))
    (noise.square().sum() - log_det.sum()).backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in net.parameters())


def test_it_learns_how_loud_a_frame_is():
    torch.manual_seed(0)
    net, draw = WaveGlow(**{**SIZES, "flows": 2, "layers": 1}), torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(net.parameters(), 2e-2)
    loudness = 3 * torch.rand(16, 6, generator=draw) - 3
    waveforms = torch.randn(16, 6, 16, generator=draw) * loudness[..., None].exp()
    mels, frames = loudness[..., None].expand(-1, -1, 5), torch.full((16,), 6)
    for _ in range(60):
        optimizer.zero_grad()
        noise, log_det = net(waveforms.flatten(1), mels, frames)
        loss = (noise.square().sum((1, 2)) / 2 - log_det).mean() / 96 + math.log(2 * math.pi) / 2
        loss.backward()
        optimizer.step()
    best = loudness.mean().item() + math.log(2 * math.pi * math.e) / 2
    assert loss.item() < best + 0.1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"group": 5}, "group 5: must be even, as early_size, and hop_length 16 a multiple"),
        ({"hop_length": 20}, "group 8: must be even, as early_size, and hop_length 20 a multiple"),
        ({"flows": 9}, "early_size 2: must leave channels of group 8 to 9 flows"),
        ({"layers": 0}, "layers 0: must be at least 1"),
    ],
)
def test_sizes_that_do_not_fit_are_named(changes, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        WaveGlow(**{**SIZES, **changes})
