import pytest
import torch

from crossmedia.nets.tacotron import LocationAttention, PreNet, Tacotron2

SIZES = {"dim": 8, "decoder_dim": 12, "prenet_dim": 6, "attention_dim": 5, "postnet_dim": 7}


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Tacotron2(11, 4, **SIZES, reduction=3)


@pytest.fixture
def texts():
    tokens = torch.tensor([[4, 5, 6, 7, 8, 2], [9, 4, 2, 0, 0, 0]])
    return tokens, torch.tensor([6, 3])


def test_each_step_gives_its_frames_and_one_logit_for_the_end(net, texts):
    spoken = net(*texts, torch.randn(2, 12, 4), torch.tensor([12, 9]))
    assert spoken.before.shape == spoken.mels.shape == (2, 12, 4)
    assert spoken.stops.shape == (2, 4) and spoken.attention.shape == (2, 4, 6)


def test_attention_is_over_a_text_and_not_its_padding(net, texts):
    attention = net(*texts, torch.randn(2, 12, 4), torch.tensor([12, 12])).attention
    assert torch.allclose(attention.sum(-1), torch.ones(2, 4))
    assert (attention[1, :, 3:] == 0).all() and (attention[1, :, :3] > 0).all()


def test_gradients_reach_every_weight(net, texts):
    spoken = net(*texts, torch.randn(2, 12, 4), torch.tensor([12, 9]))
    (spoken.before.square().mean() + spoken.mels.square().mean() + spoken.stops.square().mean()).backward()
    still = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not still


def test_a_step_sees_the_last_frame_of_the_step_before_and_no_later_one(net, texts):
    net.eval()
    mels, frames = torch.randn(2, 12, 4), torch.tensor([12, 12])
    plain = net(*texts, mels, frames).before
    changed = mels.clone()
    changed[:, 5] += 1  # the last of the second step
    moved = (net(*texts, changed, frames).before - plain).abs().amax((0, 2))
    assert (moved[:6] == 0).all() and (moved[6:] > 0).all()
    unseen = mels.clone()
    unseen[:, [0, 1, 3, 4, 11]] += 1  # inside steps, and at the end
    assert torch.equal(net(*texts, unseen, frames).before, plain)


def test_some_steps_of_training_read_the_mean_frame_in_place_of_the_one_before(net, texts, monkeypatch):
    read = []
    layers = net.prenet.forward
    monkeypatch.setattr(net.prenet, "forward", lambda frames, first=0: read.append(frames) or layers(frames))
    mels, frames = torch.randn(2, 300, 4), torch.tensor([300, 300])
    last = mels[:, 2:-1:3]
    for share, training, expected in ((0.0, True, 1.0), (0.25, True, 0.75), (0.25, False, 1.0)):
        net.frame_dropout = share
        net.train(training)(*texts, mels, frames)
        given = read.pop()[:, 1:]
        kept = (given == last).all(-1)
        assert (given[~kept] == 0).all() and kept.float().mean() == pytest.approx(expected, abs=0.1)


def test_a_clip_is_the_same_alone_and_in_a_batch_with_longer_ones(net, texts):
    net.eval()
    tokens, lens = texts
    mels, frames = torch.randn(2, 12, 4), torch.tensor([12, 6])
    both = net(tokens, lens, mels, frames)
    alone = net(tokens[1:, :3], lens[1:], mels[1:, :6], frames[1:])
    assert torch.allclose(both.mels[1, :6], alone.mels[0], atol=1e-6)
    assert torch.allclose(both.attention[1, :2, :3], alone.attention[0], atol=1e-6)


def test_padding_changes_nothing_of_training_either(texts):
    """Without dropout, whose masks differ with the shape; that of the pre-net is as when training is over."""
    net = Tacotron2(11, 4, **SIZES, reduction=3, dropout=0, conv_dropout=0)
    net.prenet.train(False)
    tokens, lens = texts
    mels, frames = torch.randn(2, 12, 4), torch.tensor([12, 6])
    plain = net(tokens, lens, mels, frames).mels
    tokens, mels = (
        torch.nn.functional.pad(tokens, (0, 4)),
        torch.nn.functional.pad(mels, (0, 0, 0, 6), value=9.0),
    )
    longer = net(tokens, lens, mels, frames).mels
    assert torch.allclose(plain[0], longer[0, :12], atol=1e-5)
    assert torch.allclose(plain[1, :6], longer[1, :6], atol=1e-5)


def test_what_is_spoken_by_itself_is_what_its_own_frames_would_give(net, texts):
    net.eval()
    # the decoder read its frames before the post-net: compare where that adds nothing
    for norm in net.postnet.norms:
        torch.nn.init.zeros_(norm.weight)
    said = net.speak(*texts, torch.tensor([4, 4]))
    again = net(*texts, said.mels, said.frames)
    assert torch.allclose(again.before, said.mels, atol=1e-5)
    assert torch.allclose(again.attention, said.attention, atol=1e-5)


def test_it_stops_where_the_net_says_so_and_at_the_limit(net, texts):
    net.eval()
    torch.nn.init.zeros_(net.stop.weight)
    torch.nn.init.constant_(net.stop.bias, 1.0)
    said = net.speak(*texts, torch.tensor([4, 4]))
    assert said.frames.tolist() == [3, 3] and said.finished.all()
    torch.nn.init.constant_(net.stop.bias, -1.0)
    said = net.speak(*texts, torch.tensor([2, 4]))
    assert said.frames.tolist() == [6, 12] and not said.finished.any()
    assert said.mels.shape == (2, 12, 4) and (said.mels[0, 6:] == 0).all()


def test_speaking_is_the_same_alone_and_in_a_batch(net, texts):
    net.eval()
    tokens, lens = texts
    both = net.speak(tokens, lens, torch.tensor([5, 3]))
    alone = net.speak(tokens[1:, :3], lens[1:], torch.tensor([3]))
    assert torch.allclose(both.mels[1, :9], alone.mels[0], atol=1e-6)


def test_the_pre_net_drops_half_of_its_units_in_training_and_later():
    torch.manual_seed(0)
    prenet = PreNet(3, 400)
    torch.nn.init.ones_(prenet.layers[1].bias)
    torch.nn.init.zeros_(prenet.layers[1].weight)
    for training in (True, False):
        out = prenet.train(training)(torch.randn(2, 5, 3))
        assert set(out.unique().tolist()) == {0.0, 2.0}
        assert 0.4 < (out == 0).float().mean() < 0.6
    assert torch.equal(out[0], out[1])  # the same ones of every clip
    assert not torch.equal(out[0, 0], out[0, 1])  # and others at each step
    assert torch.equal(out[:, 2:], prenet(torch.randn(2, 3, 3), first=2))


def test_attention_knows_where_it_has_been():
    torch.manual_seed(0)
    attend = LocationAttention(4, 6, 5)
    seen = attend.seen(torch.randn(1, 7, 6), torch.tensor([7]))
    query, before = torch.randn(1, 4), torch.zeros(1, 7)
    there = before.clone()
    there[0, 2] = 1.0
    plain = attend(query, seen, before, before)
    assert not torch.allclose(attend(query, seen, before, there), plain)
    assert not torch.allclose(attend(query, seen, there, before), plain)
    looked = attend.locations(torch.stack([before, there], 1)).transpose(1, 2)  # filters, then what they mean
    energy = attend.energy((attend.asked(query)[:, None] + seen.keys + attend.located(looked)).tanh())[..., 0]
    assert torch.allclose(attend(query, seen, before, there), energy.softmax(-1), atol=1e-6)


def test_speakers_are_told_apart_and_unequal_sizes_refused(texts):
    torch.manual_seed(0)
    net = Tacotron2(11, 4, **SIZES, speakers=3).eval()
    mels, frames = torch.randn(2, 4, 4), torch.tensor([4, 4])
    one, other = (net(*texts, mels, frames, torch.tensor([k, k])).mels for k in (0, 2))
    assert not torch.allclose(one, other)
    with pytest.raises(ValueError, match="dim 7: must be even"):
        Tacotron2(11, 4, dim=7)
