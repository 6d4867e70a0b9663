"""Nets of sound: a clip's output is its own, alone and in a batch; every parameter learns."""

import copy
import math
from functools import partial

import pytest
import torch

from crossmedia.audio.augment import SpecAugment
from crossmedia.audio.mels import LogMel
from crossmedia.data.batches import Clips
from crossmedia.nets.conformer import Conformer, _distances, _shifted
from crossmedia.nets.conv_gru import ConvGRU
from crossmedia.nets.ctc_net import CTCNet
from crossmedia.nets.encoder_decoder import EncoderDecoder
from crossmedia.nets.frontend import MelFrontEnd, floored
from crossmedia.nets.joint_net import JointNet
from crossmedia.nets.lstm_attention import LSTMAttentionDecoder
from crossmedia.nets.masks import MaskedBatchNorm, mask_of
from crossmedia.nets.sound_classifiers import FrameDNN, MelCNN, MelTransformer
from crossmedia.nets.transducer import TransducerNet
from crossmedia.nets.transformer import TransformerDecoder

TOKENS = torch.tensor([[1, 4, 5], [1, 5, 0], [1, 0, 0]])


def frontend(**more):
    return MelFrontEnd(LogMel(8000, 128, 128, 80, 16), **more)


def gru(**more):
    return ConvGRU(frontend(), 16, 2, (2, 1), dropout=0.0, **more)


def conformer():
    return Conformer(frontend(), 16, 2, 2, 7, dropout=0.0)


def joint(encoder, decoder):
    return JointNet(encoder, decoder, 6)


NETS = {
    "FrameDNN": lambda: FrameDNN(frontend(), 4, (16,), 2, dropout=0.0),
    "MelCNN": lambda: MelCNN(frontend(), 4, (4, 8, 8), dropout=0.0),
    "MelTransformer": lambda: MelTransformer(frontend(), 4, 16, 2, 2, dropout=0.0),
    "CTC ConvGRU": lambda: CTCNet(gru(), 6),
    "floored": lambda: CTCNet(ConvGRU(frontend(top_db=40), 16, 1, (2,), dropout=0.0), 6),
    "CTC Conformer": lambda: CTCNet(conformer(), 6),
    "LAS": lambda: joint(gru(), LSTMAttentionDecoder(6, 16, 16, 8, 8, 0.0)),
    "Transformer": lambda: joint(conformer(), TransformerDecoder(6, 16, 16, 1, 2, 0.0)),
    "Transducer": lambda: TransducerNet(gru(), 6, 16, 8, dropout=0.0),
    "Captioner": lambda: EncoderDecoder(gru(), LSTMAttentionDecoder(6, 16, 16, 8, 8, 0.0)),
}


def clips():
    """Three sounds, the shortest one less than a window."""
    waveforms = 0.3 * torch.randn(3, 4000)
    lens = torch.tensor([4000, 1730, 60])
    for row, length in enumerate(lens.tolist()):
        waveforms[row, length:] = 0
    return Clips(waveforms, lens)


def outputs(net, sounds, tokens):
    """The tensors of an output, those that do not depend on a length first."""
    writes = isinstance(net, JointNet | TransducerNet | EncoderDecoder)
    found = net(sounds, tokens) if writes else net(sounds)
    return [found] if isinstance(found, torch.Tensor) else list(found)


@pytest.mark.parametrize("name", NETS)
def test_a_clip_s_output_is_the_same_alone_and_in_a_batch(name):
    net, sounds = NETS[name]().eval(), clips()
    together = outputs(net, sounds, TOKENS)
    for row, length in enumerate(sounds.lens.tolist()):
        alone = outputs(
            net,
            Clips(sounds.waveforms[row : row + 1, :length], sounds.lens[row : row + 1]),
            TOKENS[row : row + 1],
        )
        for one, many in zip(alone, together, strict=True):
            part = many[row][tuple(slice(0, size) for size in one.shape[1:])]
            torch.testing.assert_close(one[0], part, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", NETS)
def test_padding_changes_no_output_in_training_and_nothing_that_is_kept_of_it(name):
    net, sounds = NETS[name]().train(), clips()
    other = copy.deepcopy(net)
    padded = sounds._replace(waveforms=torch.nn.functional.pad(sounds.waveforms, (0, 16_000)))
    for plain, more in zip(outputs(net, sounds, TOKENS), outputs(other, padded, TOKENS), strict=True):
        part = more[tuple(slice(0, size) for size in plain.shape)]
        torch.testing.assert_close(part, plain, atol=2e-5, rtol=1e-4)
    for plain, more in zip(net.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(more, plain)


def test_a_norm_over_the_clips_own_frames_is_a_batch_norm_over_them_alone():
    norm, plain = MaskedBatchNorm(4), torch.nn.BatchNorm1d(4)
    x, lens = torch.randn(3, 7, 5, 4) + 2, torch.tensor([7, 4, 1])
    own = mask_of(lens, 7)
    for training in (True, False):
        for part in (norm, plain):
            part.train(training)
        found = norm(x, lens)
        torch.testing.assert_close(found[own].flatten(0, 1), plain(x[own].flatten(0, 1)))
        assert not found[~own].any()
    torch.testing.assert_close(norm.running_mean, plain.running_mean)
    torch.testing.assert_close(norm.running_var, plain.running_var)


def test_no_cell_counts_as_further_below_its_clip_s_loudest_than_the_floor():
    mels = torch.tensor(
        [[[0.0, -1.0], [-30.0, -9.0], [90.0, 90.0]], [[-50.0, -51.0], [-52.0, -99.0], [-49.0, -60.0]]]
    )
    found = floored(mels, torch.tensor([2, 3]), 20)  # of a loudest cell 0, and -49: 2 ln 10 below
    assert torch.allclose(found[0, :2], torch.tensor([[0.0, -1.0], [-4.605, -4.605]]), atol=1e-3)
    assert torch.allclose(
        found[1], torch.tensor([[-50.0, -51.0], [-52.0, -53.605], [-49.0, -53.605]]), atol=1e-3
    )


def test_silence_round_a_clip_hardly_changes_what_is_heard_of_it():
    torch.manual_seed(0)
    sound = torch.sin(torch.arange(4000) * 0.4) * torch.linspace(0.1, 1, 4000) + 0.01 * torch.randn(4000)
    quiet = torch.nn.functional.pad(sound, (1600, 1600))

    def heard(**more):
        net = frontend(**more)
        alone, _ = net(Clips(sound[None], torch.tensor([4000])))
        around, _ = net(Clips(quiet[None], torch.tensor([7200])))
        return (around[0, 22:68] - alone[0, 2:48]).abs().mean()  # frames of 80 samples

    assert heard(top_db=40) < 0.7 * heard()


@pytest.mark.parametrize("name", NETS)
def test_every_parameter_gets_a_gradient(name):
    net = NETS[name]()
    total = sum(part.float().square().sum() for part in outputs(net, clips(), TOKENS))
    total.backward()
    without = [n for n, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not without


@pytest.mark.parametrize("name", NETS)
def test_silence_has_a_finite_output(name):
    net = NETS[name]().eval()
    sounds = Clips(torch.zeros(3, 2000), torch.tensor([2000, 900, 1]))
    assert all(torch.isfinite(part.float()).all() for part in outputs(net, sounds, TOKENS))


@pytest.mark.parametrize("encoder, stride", [(gru, 2), (conformer, 4)])
def test_frames_are_the_samples_over_hop_and_strides(encoder, stride):
    features, lens = encoder()(clips())
    frames = torch.tensor([1 + 4000 // 80, 1 + 1730 // 80, 1])
    assert lens.tolist() == (-(-frames // stride)).tolist() and features.shape[1] == lens[0]
    assert not features[1, lens[1] :].any()


def test_attention_sees_the_distance_of_two_frames():
    frames = 5
    scores = torch.arange(frames - 1, -frames, -1.0).expand(1, 1, frames, 2 * frames - 1)
    distance = torch.arange(frames)[:, None] - torch.arange(frames)
    assert torch.equal(_shifted(scores)[0, 0], distance.float())
    assert torch.equal(_distances(torch.zeros(1, frames, 4))[frames - 1], torch.tensor([0.0, 0, 1, 1]))


def test_mels_have_mean_0_and_deviation_1_over_the_clip_s_own_frames():
    mels, lens = frontend()(clips())
    own = mels[1, : lens[1]]
    torch.testing.assert_close(own.mean(0), torch.zeros(16), atol=1e-5, rtol=0)
    torch.testing.assert_close(own.std(0, correction=0), torch.ones(16), atol=0.05, rtol=0)
    assert not mels[1, lens[1] :].any()


def test_given_a_mean_and_deviation_a_louder_clip_has_greater_mels():
    sounds, net = clips(), frontend(mean=-5.0, deviation=2.0)
    louder = net(sounds._replace(waveforms=10 * sounds.waveforms))[0]
    mels, lens = net(sounds)
    torch.testing.assert_close(mels[1, : lens[1]], (net.mel(sounds.waveforms)[1, : lens[1]] + 5) / 2)
    torch.testing.assert_close(louder[0] - mels[0], torch.full_like(mels[0], math.log(100) / 2))
    assert not mels[1, lens[1] :].any()


@pytest.mark.parametrize(("name", "value"), [("mean", 1000.0), ("deviation", 0.0)])
def test_a_scale_of_mels_that_cannot_be_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} {value}: must be"):
        frontend(**{name: value})


def test_spec_augment_hides_spans_in_training_alone():
    augment = SpecAugment(1, 4, 1, 100, 0.2)
    sounds, net = clips(), frontend(augment=augment)
    plain = frontend()(sounds)[0]
    assert torch.equal(net.eval()(sounds)[0], plain) and not torch.equal(net.train()(sounds)[0], plain)
    mels, lens = torch.ones(8, 50, 16), torch.tensor([50] * 7 + [10])
    hidden = augment(mels, lens) == 0
    frames, bands = hidden.all(2), hidden.all(1)
    assert 0 < frames.sum() and frames.sum(1).max() <= 10 and bands.sum(1).max() <= 4
    assert frames[7].sum() <= 2 and not frames[7, 10:].any()
    for row in frames.long():
        assert row.diff().abs().sum() <= 2  # one span


@pytest.mark.parametrize("kind", [ConvGRU, Conformer, partial(MelTransformer, num_classes=4)])
def test_no_strides_are_refused(kind):
    with pytest.raises(ValueError, match=r"strides \[\]: must be one or more"):
        kind(frontend(), strides=[])
