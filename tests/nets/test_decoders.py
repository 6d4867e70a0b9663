"""What every decoder of text keeps to; each test runs for each of them."""

import pytest
import torch

from crossmedia.nets.lstm_attention import LSTMAttentionDecoder
from crossmedia.nets.transformer import TransformerDecoder
from crossmedia.text.decoding import beam_search

VOCAB, MEMORY = 11, 6


def lstm(**more):
    return LSTMAttentionDecoder(VOCAB, MEMORY, dim=8, embedding_dim=5, attention_dim=7, **more)


def transformer(**more):
    return TransformerDecoder(VOCAB, MEMORY, dim=8, depth=2, heads=2, **more)


@pytest.fixture(params=[lstm, transformer], ids=["lstm", "transformer"])
def decoder(request):
    torch.manual_seed(0)
    return request.param().eval()


def batch(rows=3, cells=4, length=5):
    draw = torch.Generator().manual_seed(1)
    memory = torch.randn(rows, cells, MEMORY, generator=draw)
    return memory, torch.randint(4, VOCAB, (rows, length), generator=draw)


def test_forward_gives_scores_and_attention_that_sums_to_one(decoder):
    logits, attention = decoder(*batch())
    assert logits.shape == (3, 5, VOCAB) and attention.shape == (3, 5, 4)
    torch.testing.assert_close(attention.sum(-1), torch.ones(3, 5))


def test_stepping_with_a_cached_state_equals_forward(decoder):
    memory, tokens = batch()
    mask = torch.tensor([[True] * 4, [True] * 3 + [False], [True] * 2 + [False] * 2])
    state = decoder.start(memory, mask)
    stepped = []
    for column in tokens.unbind(1):
        logits, state = decoder.step(column, state)
        stepped.append(logits)
    torch.testing.assert_close(torch.stack(stepped, 1), decoder(memory, tokens, mask)[0], atol=1e-5, rtol=0)


def test_a_token_has_no_say_in_the_scores_before_it(decoder):
    memory, tokens = batch()
    other = tokens.clone()
    other[:, 3:] = 4 + (other[:, 3:] - 3) % (VOCAB - 4)
    before, after = decoder(memory, tokens)[0], decoder(memory, other)[0]
    torch.testing.assert_close(before[:, :3], after[:, :3], atol=1e-6, rtol=0)
    assert (before[:, 3:] - after[:, 3:]).abs().amax() > 1e-3


def test_padding_changes_no_score_of_a_real_position(decoder):
    memory, tokens = batch()
    alone = decoder(memory[:1], tokens[:1, :3])[0]
    padded = torch.cat((tokens[:, :3], torch.zeros(3, 2, dtype=torch.long)), 1)
    torch.testing.assert_close(decoder(memory, padded)[0][:1, :3], alone, atol=1e-5, rtol=0)


def test_cells_outside_the_mask_change_nothing(decoder):
    memory, tokens = batch()
    sizes = (4, 3, 1)
    mask = torch.arange(4) < torch.tensor(sizes)[:, None]
    filled = memory.masked_fill(~mask[..., None], 9.0)
    logits, attention = decoder(filled, tokens, mask)
    for row, size in enumerate(sizes):
        alone, looks = decoder(memory[row : row + 1, :size], tokens[row : row + 1])
        torch.testing.assert_close(logits[row : row + 1], alone, atol=1e-5, rtol=0)
        torch.testing.assert_close(attention[row : row + 1, :, :size], looks, atol=1e-5, rtol=0)
        assert not attention[row, :, size:].any()


def test_the_memory_decides_the_scores(decoder):
    memory, tokens = batch()
    assert (decoder(memory, tokens)[0] - decoder(memory.flip(1) + 1, tokens)[0]).abs().amax() > 1e-3


def test_every_parameter_gets_a_gradient(decoder):
    decoder.train()
    memory, tokens = batch()
    memory.requires_grad_()
    decoder(memory, tokens)[0].square().sum().backward()
    silent = [name for name, p in decoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent and memory.grad.any()


def select(part, rows):
    return part[rows] if isinstance(part, torch.Tensor) else tuple(select(each, rows) for each in part)


def test_hypotheses_that_part_go_on_as_if_each_had_been_read_alone(decoder):
    """Two of a sample share the memory, whatever they grew from; steps enough for a cache to grow twice."""
    memory, tokens = batch(rows=6, length=9)
    mask = torch.tensor([[True] * 4, [True] * 3 + [False], [True] * 2 + [False] * 2])
    (own, common), memory = decoder.start(memory[:3], mask), memory[:3]
    read = torch.zeros(3, 0, dtype=torch.long)
    for place, parents in enumerate(
        [[0, 1, 2], [0, 0, 1, 1, 2, 2], *[[1, 0, 2, 2, 5, 4], [1, 1, 3, 2, 4, 5]] * 3]
    ):
        own, read = select(own, torch.tensor(parents)), read[parents]
        column = tokens[: len(parents), place]
        logits, (own, common) = decoder.step(column, (own, common))
        read = torch.cat((read, column[:, None]), 1)
        rows = torch.arange(3).repeat_interleave(len(parents) // 3)
        alone = decoder(memory[rows], read, mask[rows])[0][:, -1]
        torch.testing.assert_close(logits, alone, atol=1e-5, rtol=0)


def test_a_step_hands_the_memory_back_as_it_is(decoder):
    memory, tokens = batch()
    own, common = decoder.start(memory)
    _, (_, after) = decoder.step(tokens[:, 0], (own, common))
    kept = [tensor for tensor in leaves(common) if tensor.numel()]
    assert kept and all(any(tensor is other for other in leaves(after)) for tensor in kept)


def leaves(part):
    if isinstance(part, tuple):
        return [leaf for each in part for leaf in leaves(each)]
    return [part] if isinstance(part, torch.Tensor) else []


def test_beam_search_of_a_batch_equals_one_by_one(decoder):
    memory, _ = batch()
    together = beam_search(decoder.step, decoder.start(memory), 3, beam=2, max_len=6)
    for row, hypothesis in enumerate(together):
        (alone,) = beam_search(decoder.step, decoder.start(memory[row : row + 1]), 1, beam=2, max_len=6)
        assert hypothesis.tokens == alone.tokens and abs(hypothesis.score - alone.score) < 1e-5


@pytest.mark.parametrize("build", [lstm, transformer])
def test_dropout_acts_in_training_only(build):
    torch.manual_seed(0)
    decoder = build(dropout=0.5)
    memory, tokens = batch()
    assert not torch.equal(decoder(memory, tokens)[0], decoder(memory, tokens)[0])
    decoder.eval()
    assert torch.equal(decoder(memory, tokens)[0], decoder(memory, tokens)[0])


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (LSTMAttentionDecoder, {"vocab_size": 0}, "vocab_size 0: must be at least 5"),
        (LSTMAttentionDecoder, {"vocab_size": 9, "attention_dim": 0}, "attention_dim 0: must be at least 1"),
        (
            LSTMAttentionDecoder,
            {"vocab_size": 9, "dropout": -0.1},
            "dropout -0.1: must be at least 0 and below 1",
        ),
        (TransformerDecoder, {"vocab_size": 9, "depth": 0}, "depth 0: must be at least 1"),
        (
            TransformerDecoder,
            {"vocab_size": 9, "dim": 12, "heads": 5},
            "dim 12: must be even and a multiple of heads, 5",
        ),
        (
            TransformerDecoder,
            {"vocab_size": 9, "dim": 9, "heads": 3},
            "dim 9: must be even and a multiple of heads, 3",
        ),
        (
            TransformerDecoder,
            {"vocab_size": 9, "dropout": 1.0},
            "dropout 1.0: must be at least 0 and below 1",
        ),
    ],
)
def test_a_value_out_of_range_is_refused(build, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)
