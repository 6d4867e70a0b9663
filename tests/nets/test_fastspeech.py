import pytest
import torch

from crossmedia.nets.fastspeech import FastSpeech2, Style, spread, windows

MOST = torch.tensor([9999, 9999])


@pytest.fixture
def net():
    torch.manual_seed(0)
    return FastSpeech2(11, 4, dim=8, depth=2, heads=2, hidden=12, kernel=3)


@pytest.fixture
def texts():
    return torch.tensor([[4, 5, 6, 7, 8, 2], [9, 4, 2, 0, 0, 0]]), torch.tensor([6, 3])


@pytest.fixture
def style():
    durations = torch.tensor([[1, 2, 0, 3, 1, 1], [2, 0, 3, 9, 9, 9]])
    return Style(durations, torch.randn(2, 6), torch.randn(2, 6))


def test_characters_are_spread_over_as_many_frames_as_they_last():
    x = torch.arange(1.0, 7.0).view(2, 3, 1)
    out, frames = spread(x, torch.tensor([[2, 0, 1], [1, 1, 3]]))
    assert frames.tolist() == [3, 5]
    assert out[..., 0].tolist() == [[1, 1, 3, 3, 3], [4, 5, 6, 6, 6]]


def test_mels_are_as_long_as_the_durations_of_the_text_itself(net, texts, style):
    mels, foreseen = net(*texts, style)
    assert mels.shape == (2, 8, 4)
    assert (mels[1, 5:] == 0).all() and mels[1, 4].any()
    assert all(part.shape == (2, 6) and (part[1, 3:] == 0).all() for part in foreseen)


def test_gradients_reach_every_weight(net, texts, style):
    mels, foreseen = net(*texts, style)
    (mels.square().mean() + sum(part.square().mean() for part in foreseen)).backward()
    still = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not still


def test_a_clip_is_the_same_alone_and_in_a_batch(net, texts, style):
    net.eval()
    tokens, lens = texts
    mels, foreseen = net(tokens, lens, style)
    alone, own = net(tokens[1:, :3], lens[1:], Style(*(part[1:, :3] for part in style)))
    assert torch.allclose(mels[1, :5], alone[0], atol=1e-5)
    for both, single in zip(foreseen, own, strict=True):
        assert torch.allclose(both[1, :3], single[0], atol=1e-5)


def test_twice_the_speed_halves_what_is_foreseen(net, texts):
    net.eval()
    torch.nn.init.zeros_(net.predictors.out_weight)
    torch.nn.init.constant_(net.predictors.out_bias, torch.tensor(9.0).log())  # 8 frames a character
    assert net.speak(*texts, MOST)[1].tolist() == [48, 24]
    assert net.speak(*texts, MOST, speed=2.0)[1].tolist() == [24, 12]


@pytest.mark.parametrize("speed", [0.7, 1.0, 1.2, 2.5, 4.0])
def test_a_speed_holds_for_the_whole_not_for_each_rounded_character(net, texts, speed):
    net.eval()
    torch.nn.init.zeros_(net.predictors.out_weight)
    torch.nn.init.constant_(net.predictors.out_bias, torch.tensor(3.9).log())  # 2.9 frames a character
    frames = net.speak(*texts, MOST, speed=speed)[1]
    assert frames.tolist() == pytest.approx([6 * 2.9 / speed, 3 * 2.9 / speed], abs=0.51)


def test_pitch_and_energy_change_the_mels(net, texts, style):
    net.eval()
    plain = net.speak(*texts, MOST)[0]
    assert not torch.allclose(net.speak(*texts, MOST, pitch=1.0)[0], plain)
    louder = style._replace(energy=style.energy + 1)
    assert not torch.allclose(net(*texts, louder)[0], net(*texts, style)[0])


def test_a_text_has_a_frame_at_least_and_a_character_at_most_e_to_the_5(net, texts):
    net.eval()
    torch.nn.init.zeros_(net.predictors.out_weight)
    torch.nn.init.constant_(net.predictors.out_bias, -5.0)
    assert net.speak(*texts, MOST)[1].tolist() == [1, 1]
    torch.nn.init.constant_(net.predictors.out_bias, 50.0)
    assert net.speak(*texts, MOST)[1].tolist() == [884, 442]  # of 147.4 each


def test_a_text_is_cut_at_its_limit_and_it_is_said(net, texts):
    net.eval()
    torch.nn.init.zeros_(net.predictors.out_weight)
    torch.nn.init.constant_(net.predictors.out_bias, torch.tensor(9.0).log())  # 8 frames a character
    mels, frames, enough = net.speak(*texts, torch.tensor([20, 24]))
    assert frames.tolist() == [20, 24] and enough.tolist() == [False, True]
    assert mels.shape == (2, 24, 4)


def test_speakers_are_told_apart_and_bad_sizes_refused(texts, style):
    torch.manual_seed(0)
    net = FastSpeech2(11, 4, dim=8, depth=1, heads=2, hidden=12, kernel=3, speakers=2).eval()
    one, other = (net(*texts, style, torch.tensor([k, k]))[0] for k in (0, 1))
    assert not torch.allclose(one, other)
    for sizes, fault in (({"dim": 6, "heads": 4}, "multiple of heads"), ({"kernel": 4}, "must be odd")):
        with pytest.raises(ValueError, match=fault):
            FastSpeech2(11, 4, **sizes)


def test_a_linear_layer_of_windows_is_a_convolution():
    conv = torch.nn.Conv1d(4, 6, 5, padding=2)
    x = torch.randn(2, 3, 7, 4)
    found = torch.nn.functional.linear(windows(x, 5), conv.weight.flatten(1), conv.bias)
    plain = conv(x.flatten(0, 1).transpose(1, 2)).transpose(1, 2).unflatten(0, (2, 3))
    assert torch.allclose(found, plain, atol=1e-6)
