import itertools

import torch

from crossmedia.audio.durations import durations_of


def test_durations_are_those_of_the_likeliest_way_of_all():
    torch.manual_seed(0)
    for steps, length in ((6, 3), (7, 5), (4, 4), (5, 1)):
        attention = torch.rand(steps, length).softmax(-1)
        ways = []
        for cuts in itertools.combinations(range(1, steps), length - 1):
            edges = torch.tensor([0, *cuts, steps])
            durations = edges.diff()
            path = torch.repeat_interleave(torch.arange(length), durations)
            ways.append((float(attention[torch.arange(steps), path].log().sum()), durations.tolist()))
        assert durations_of(attention).tolist() == max(ways)[1]


def test_a_clear_attention_gives_its_own_durations():
    path = torch.tensor([0, 0, 1, 2, 2, 2, 3])
    assert durations_of(torch.nn.functional.one_hot(path).float()).tolist() == [2, 1, 3, 1]


def test_fewer_steps_than_characters_are_shared_out_and_lose_none():
    assert durations_of(torch.rand(3, 5)).tolist() == [0, 1, 0, 1, 1]


def test_an_attention_that_sees_nothing_still_sums_up():
    assert int(durations_of(torch.zeros(9, 4)).sum()) == 9
