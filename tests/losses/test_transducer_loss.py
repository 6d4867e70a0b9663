"""The transducer's loss against the sum over every alignment."""

import itertools

import torch

from crossmedia.losses.transducer import transducer_loss


def brute(log_probs, text):
    """log_probs (T, U + 1, V): -log of the sum over all ways to spread the tokens over the frames."""
    frames, totals = len(log_probs), []
    for places in itertools.combinations_with_replacement(range(frames), len(text)):
        logp, written = torch.tensor(0.0), 0
        for frame in range(frames):
            while written < len(text) and places[written] == frame:
                logp = logp + log_probs[frame, written, text[written]]
                written += 1
            logp = logp + log_probs[frame, written, 0]
        totals.append(logp)
    return -torch.stack(totals).logsumexp(0)


def made():
    logits = torch.randn(3, 4, 4, 5)
    tokens = torch.tensor([[1, 2, 3], [4, 4, 0], [0, 0, 0]])
    return logits, tokens, torch.tensor([4, 3, 2]), torch.tensor([3, 2, 0])


def test_the_loss_is_the_sum_over_all_alignments():
    logits, tokens, frames, lens = made()
    found = transducer_loss(logits, tokens, frames, lens)
    for row in range(3):
        log_probs = logits[row, : frames[row], : lens[row] + 1].log_softmax(-1)
        torch.testing.assert_close(found[row], brute(log_probs, tokens[row, : lens[row]].tolist()))


def test_its_gradient_is_that_of_the_sum():
    logits, tokens, frames, lens = made()
    logits.requires_grad_()
    transducer_loss(logits, tokens, frames, lens).sum().backward()
    found, logits.grad = logits.grad, None
    total = sum(
        brute(logits[row, : frames[row], : lens[row] + 1].log_softmax(-1), tokens[row, : lens[row]].tolist())
        for row in range(3)
    )
    total.backward()
    torch.testing.assert_close(found, logits.grad)


def test_padding_changes_no_loss():
    logits, tokens, frames, lens = made()
    wide = torch.nn.functional.pad(logits, (0, 0, 0, 2, 0, 3), value=7.0)
    found = transducer_loss(wide, torch.nn.functional.pad(tokens, (0, 2), value=3), frames, lens)
    torch.testing.assert_close(found, transducer_loss(logits, tokens, frames, lens))


def test_long_texts_and_sure_logits_stay_finite():
    logits = 50 * torch.randn(1, 200, 81, 30)
    tokens = torch.randint(1, 30, (1, 80))
    logits.requires_grad_()
    loss = transducer_loss(logits, tokens, torch.tensor([200]), torch.tensor([80]))
    loss.sum().backward()
    assert torch.isfinite(loss).all() and torch.isfinite(logits.grad).all()
