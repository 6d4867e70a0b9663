import pytest
import torch

from crossmedia.nets.hifigan import Discriminators, HiFiGAN

SIZES = {
    "n_mels": 5,
    "hop_length": 16,
    "channels": 16,
    "rates": (4, 4),
    "kernels": (3, 5),
    "dilations": (1, 3),
}


def generator(**changes):
    torch.manual_seed(0)
    return HiFiGAN(**{**SIZES, **changes}).eval()


def loud(net):
    """The same net with weights that let a change be seen from end to end."""
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if name.endswith("original0"):
                weight.fill_(1)
    return net


@pytest.mark.parametrize("harmonics", [0, 3])
@pytest.mark.parametrize("rates", [(4, 4), (8, 2), (2, 2, 2, 2), (4,), (2, 2), (2,)])
def test_a_frame_makes_as_many_samples_as_a_hop(rates, harmonics):
    made = generator(rates=rates, harmonics=harmonics)(torch.randn(2, 6, 5))
    assert made.shape == (2, 96) and made.abs().max() <= 1 and made.any()


@pytest.mark.parametrize("harmonics", [0, 3])
def test_odd_rates_make_as_many_samples_too(harmonics):
    net = generator(hop_length=15, rates=(5, 3), harmonics=harmonics)
    assert net(torch.randn(1, 6, 5)).shape == (1, 90)


@pytest.mark.parametrize("rates", [(4, 4), (4,)])
def test_a_frame_tells_of_its_own_samples_and_no_further_than_its_context(rates):
    net = loud(generator(rates=rates))
    mels = torch.randn(1, 60, 5, generator=torch.Generator().manual_seed(0))
    other = mels.clone()
    other[:, 30] += 1
    with torch.no_grad():
        change = (net(other) - net(mels))[0].abs()
    where = (change > 0).nonzero().flatten() / 16
    assert 30 - net.context <= where.min() and where.max() < 31 + net.context
    assert where.max() - where.min() > net.context  # no frames are kept for nothing
    middle = (change * torch.arange(960)).sum() / change.sum()
    assert abs(middle - 30.5 * 16) < 16


@pytest.mark.parametrize("rates", [(4, 4), (4,), (2, 2)])
def test_a_source_makes_no_sample_look_further_ahead_than_the_context(rates):
    net = loud(generator(rates=rates, harmonics=3))
    for weight in [*net.source.parameters(), *net.enter.parameters()]:
        torch.nn.init.normal_(weight)
    mels = torch.randn(1, 60, 5, generator=torch.Generator().manual_seed(0))
    other = mels.clone()
    other[:, 30] += 1
    with torch.no_grad():
        first = (net(other) - net(mels))[0].nonzero().min() / 16
    assert 30.5 - net.context <= first < 30.5  # half a frame is left for where a clip's end is put


def test_gradients_reach_every_weight():
    net, judges = generator(), Discriminators((2, 3), 2, 2, 16)
    scores, _ = judges(net(torch.randn(2, 20, 5)))
    torch.stack([score.mean() for score in scores]).sum().backward()
    weights = [*net.parameters(), *judges.parameters()]
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in weights)


def test_every_judge_scores_and_tells_what_its_layers_saw():
    scores, features = Discriminators((2, 3, 5), 2, 2, 16)(torch.randn(4, 300))
    assert len(scores) == 5 and all(score.shape[0] == 4 and score.dim() == 2 for score in scores)
    assert len(features) == 3 * 5 + 2 * 7


def test_a_judge_of_a_period_sees_its_columns_apart():
    judge = Discriminators((3,), 1, 2, 16).periods[0]
    waveforms = torch.randn(1, 90)
    other = waveforms.clone()
    other[:, 1::3] += 1  # the samples of one column
    one, two = (judge(x)[-1] for x in (waveforms, other))
    changed = (one - two).abs().sum((0, 1, 2)) > 0
    assert changed.tolist() == [False, True, False]


def test_the_papers_sizes_have_the_papers_weights():
    with torch.device("meta"):
        net = HiFiGAN()
        small = HiFiGAN(channels=128)
    millions = [sum(weight.numel() for weight in one.parameters()) / 1e6 for one in (net, small)]
    assert millions == pytest.approx([13.92, 0.92], rel=0.02)  # table 1: V1, V2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rates": (3, 4)}, r"rates \[3, 4\]: must divide hop_length 16 by their product"),
        ({"channels": 10}, "channels 10: must be a multiple of 4"),
        ({"kernels": (3, 4)}, r"kernels \[3, 4\]: must be odd, 4 is not"),
        ({"dilations": (0,)}, r"dilations \[0\]: must be at least 1 each"),
    ],
)
def test_sizes_that_do_not_fit_are_named(changes, words):
    with pytest.raises(ValueError, match=f"^{words}$"):
        HiFiGAN(**{**SIZES, **changes})


def test_a_width_that_its_groups_do_not_divide_is_named():
    with pytest.raises(ValueError, match="^scale_width 20: must be a multiple of 16$"):
        Discriminators(scale_width=20)
