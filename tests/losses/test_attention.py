import torch

from crossmedia.losses.attention import doubly_stochastic


def test_looking_once_at_every_cell_costs_nothing():
    attention = torch.eye(3)[None]  # token t looks at cell t
    assert doubly_stochastic(attention, torch.ones(1, 3, dtype=torch.bool)) == 0


def test_value_of_a_case_worked_out_by_hand():
    attention = torch.tensor([[[0.75, 0.25], [0.75, 0.25]]])  # sums 1.5 and 0.5
    loss = doubly_stochastic(attention, torch.ones(1, 2, dtype=torch.bool))
    torch.testing.assert_close(loss, torch.tensor(0.5))


def test_padding_tokens_do_not_count_as_looks():
    attention = torch.tensor([[[0.75, 0.25], [0.75, 0.25], [1.0, 0.0]]])
    loss = doubly_stochastic(attention, torch.tensor([[True, True, False]]))
    torch.testing.assert_close(loss, torch.tensor(0.5))


def test_the_loss_is_the_mean_over_the_batch():
    once, twice = torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])  # 0, and 1 + 1
    loss = doubly_stochastic(torch.stack((once, twice)), torch.ones(2, 2, dtype=torch.bool))
    torch.testing.assert_close(loss, torch.tensor(1.0))
