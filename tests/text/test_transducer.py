"""Transducer decoding on a made net whose joint network is a table."""

import itertools
import math

import pytest
import torch

from crossmedia.text.transducer import MOST, greedy_path, transducer_beam_search, transducer_greedy


class Table:
    """A net whose logits depend on the frame and the last token alone."""

    def __init__(self, frames=3, tokens=3, seed=0):
        draw = torch.Generator().manual_seed(seed)
        self.logits = torch.randn(frames, tokens, tokens, generator=draw)
        self.tokens = tokens

    def features(self, count=1):
        return torch.eye(len(self.logits))[None].repeat(count, 1, 1)  # a frame is its number

    def predict(self, tokens, state):
        text = torch.nn.functional.one_hot(tokens, self.tokens).float()
        return text, (torch.zeros(1, len(tokens), 1), torch.zeros(1, len(tokens), 1))

    def join(self, sound, text):
        return torch.einsum("...f,fut,...u->...t", sound, self.logits, text)


def likelihood(net, text):
    """The sum over all ways to spread the tokens over the frames."""
    log_probs = net.logits.log_softmax(-1)
    frames, total = len(log_probs), 0.0
    for places in itertools.combinations_with_replacement(range(frames), len(text)):
        logp, last, written = 0.0, 0, 0
        for frame in range(frames):
            while written < len(text) and places[written] == frame:
                logp += log_probs[frame, last, text[written]].item()
                last, written = text[written], written + 1
            logp += log_probs[frame, last, 0].item()
        total += math.exp(logp)
    return total


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_the_likeliest_text(seed):
    net = Table(seed=seed)
    net.logits[..., 0] += 1.5  # texts of a few tokens
    texts = [text for length in range(6) for text in itertools.product((1, 2), repeat=length)]
    best = max(texts, key=lambda text: likelihood(net, text))
    assert transducer_beam_search(net, net.features(), torch.tensor([3]), beam=60) == [list(best)]


def test_greedy_takes_the_best_token_until_it_is_blank():
    net = Table()
    net.logits.zero_()
    net.logits[0, 0, 1] = net.logits[0, 1, 2] = net.logits[0, 2, 0] = 5.0  # frame 0: 1, 2, blank
    net.logits[1, :, 0] = 5.0
    net.logits[2, 2, 1] = net.logits[2, 1, 0] = 5.0  # frame 2: 1, blank
    assert transducer_greedy(net, net.features(), torch.tensor([3])) == [[1, 2, 1]]
    assert transducer_greedy(net, net.features(), torch.tensor([2])) == [[1, 2]]


def test_a_net_that_never_says_blank_ends_all_the_same():
    net = Table()
    net.logits.zero_()
    net.logits[..., 1] = 5.0
    assert transducer_greedy(net, net.features(), torch.tensor([3])) == [[1] * 3 * MOST]
    assert len(transducer_beam_search(net, net.features(), torch.tensor([3]), beam=2)[0]) <= 3 * MOST


def test_a_clip_is_decoded_alone_as_in_a_batch():
    net = Table(frames=4, seed=3)
    lens = torch.tensor([4, 2])
    together = transducer_greedy(net, net.features(2), lens)
    alone = [transducer_greedy(net, net.features(), lens[k : k + 1])[0] for k in range(2)]
    assert together == alone


class Counting(Table):
    """A net whose state counts the tokens: an even number of them shifts the table by one token."""

    def predict(self, tokens, state):
        before = torch.zeros(1, len(tokens), 1) if state is None else state[0]
        count = before + (tokens != 0).sum(1)[None, :, None]
        text = torch.nn.functional.one_hot((tokens + count[0].long()) % self.tokens, self.tokens).float()
        return text, (count, count)


@pytest.mark.parametrize("seed", range(4))
def test_each_hypothesis_goes_on_from_its_own_state(seed):
    net = Counting(seed=seed)
    net.logits[..., 0] += 1.5

    def likelihood(text):
        log_probs, count = [], 0
        for written in range(len(text) + 1):
            last = text[written - 1] if written else 0
            count += last != 0
            log_probs.append(net.logits[:, (last + count) % net.tokens].log_softmax(-1))  # (T, V)
        frames, total = len(net.logits), 0.0
        for places in itertools.combinations_with_replacement(range(frames), len(text)):
            written, logp = 0, 0.0
            for frame in range(frames):
                while written < len(text) and places[written] == frame:
                    logp += log_probs[written][frame, text[written]].item()
                    written += 1
                logp += log_probs[written][frame, 0].item()
            total += math.exp(logp)
        return total

    texts = [text for length in range(6) for text in itertools.product((1, 2), repeat=length)]
    best = max(texts, key=likelihood)
    assert transducer_beam_search(net, net.features(), torch.tensor([3]), beam=60) == [list(best)]


def test_the_greedy_path_shows_of_each_frame_the_steps_that_greedy_takes():
    probs = torch.tensor(
        [
            [[0.1, 0.7, 0.2], [0.2, 0.1, 0.7], [0.9, 0.05, 0.05]],  # 1, 2, blank
            [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.8, 0.1, 0.1]],  # blank behind both
        ]
    )
    expected = torch.tensor([[0.9, 0.7, 0.7], [0.8, 0.1, 0.1]])
    assert torch.equal(greedy_path(probs), expected)
