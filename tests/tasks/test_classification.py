from functools import partial
from math import log

import pytest
import torch
from PIL import Image
from scoring import scored, stepped
from torch import nn

from crossmedia.data.batches import ClassBatch, Meta
from crossmedia.images.transforms import ImageTransform
from crossmedia.report.panels import Grid, Matrix, Table
from crossmedia.tasks.classification import Classification

SGD = partial(torch.optim.SGD, lr=0.1)


def names(count):
    return tuple("abcdefghijklm"[:count])


def made(count=3, net=None, **more):
    """A task whose inputs are its logits."""
    meta = Meta(names(count), image=ImageTransform(2, 1))
    return Classification(net or nn.Flatten(), meta, SGD, **more).eval()


def batch(logits, labels, valid=None):
    logits, labels = torch.as_tensor(logits), torch.as_tensor(labels)
    valid = torch.ones(len(labels), dtype=torch.bool) if valid is None else torch.tensor(valid)
    ids = [f"{row.tolist()}" for row in logits]
    return ClassBatch(logits[:, None, None], labels, valid, ids)  # (B, 1, 1, K): pictures one pixel high


LOGITS = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 2, 1, 0, 0])


def test_batches_with_filler_score_as_samples_one_by_one():
    task = made()
    alone = scored(task, *(batch(LOGITS[k : k + 1], LABELS[k : k + 1]) for k in range(5)))
    records = task.records
    filler = torch.tensor([[9.0, 0.0, 0.0]])
    first = batch(
        torch.cat((LOGITS[:1], filler, LOGITS[1:4])), [0, 1, *LABELS[1:4]], [True, False, True, True, True]
    )
    second = batch(torch.cat((LOGITS[4:], filler)), [0, 1], [True, False])
    together = scored(task, first, second)
    assert together == pytest.approx(alone, abs=1e-6) and "test/accuracy_chance" in alone
    assert task.records == records and len(records) == 5


def test_a_rank_s_last_batch_may_be_all_filler():
    whole, filler = batch(LOGITS, LABELS), batch(LOGITS[:1], [1], [False])
    assert scored(made(), whole, filler) == pytest.approx(scored(made(), whole))


def test_scores_of_a_split_are_those_worked_out_by_hand():
    logits = [[log(8), 0, 0], [0, log(2), 0], [log(8), 0, 0], [0, 0, log(6)]]  # a .8, b .5, a .8, c .75
    found = scored(made(), batch(logits, [0, 1, 1, 2]), split="val")
    assert found == pytest.approx(
        {
            "val/loss": -(log(0.8) + log(0.5) + log(0.1) + log(0.75)) / 4,
            "val/accuracy": 3 / 4,
            "val/accuracy_macro": (1 + 1 / 2 + 1) / 3,
        }
    )


def test_the_mean_over_classes_leaves_out_a_class_without_samples():
    found = scored(made(), batch([[0.0, 0, 1], [0, 1, 0]], [0, 1]))
    assert found["test/accuracy_macro"] == pytest.approx(1 / 2)


def test_chance_is_the_share_of_the_most_frequent_class_of_the_split():
    task, guess = made(), torch.eye(3)[[0] * 8]
    labels, valid = [0, 2, 2, 1, 2, 1, 1, 1], [True] * 5 + [False] * 3
    assert scored(task, batch(guess, labels, valid))["test/accuracy_chance"] == pytest.approx(3 / 5)
    assert scored(task, batch(guess[:2], [1, 1]), split="test_other")["test_other/accuracy_chance"] == 1
    assert not [name for name in scored(task, batch(guess, labels), split="val") if "chance" in name]


def test_top_5_is_scored_where_there_are_more_than_ten_classes():
    ranked = -torch.arange(11.0).repeat(3, 1)  # the first class is the likeliest
    found = scored(made(11), batch(ranked, [0, 4, 5]))
    assert found["test/accuracy_top5"] == pytest.approx(2 / 3)
    assert found["test/accuracy"] == pytest.approx(1 / 3)
    assert "test/accuracy_top5" not in scored(made(10), batch(ranked[:, :10], [0, 4, 5]))


def test_label_smoothing_spreads_its_share_over_all_classes():
    sample = batch([[log(8), 0.0, 0.0]], [0])  # 0.8, 0.1, 0.1
    spread = -(0.7 + 0.1) * log(0.8) - 2 * 0.1 * log(0.1)
    task = made(label_smoothing=0.3)
    loss, logged = stepped(task, sample)
    assert loss == logged["train/loss"] == pytest.approx(spread)
    assert scored(task, sample)["test/loss"] == pytest.approx(-log(0.8))


def test_mixup_mixes_inputs_and_losses_by_the_same_share(monkeypatch):
    monkeypatch.setattr(torch.distributions.Beta, "sample", lambda self: torch.tensor(0.25))
    monkeypatch.setattr(torch, "randperm", lambda count, **more: torch.arange(count).flip(0))
    loss, logged = stepped(made(2, mixup=0.2), batch([[4 * log(3), 0.0], [0.0, 0.0]], [0, 1]))
    # of the first a quarter: logit log 3, 3/4 and 1/4; three quarters into the other: 27/28 and 1/28
    first = -0.25 * log(3 / 4) - 0.75 * log(1 / 4)
    second = -0.25 * log(1 / 28) - 0.75 * log(27 / 28)
    assert loss == logged["train/loss"] == pytest.approx((first + second) / 2)


def test_a_mixed_step_is_drawn_anew_each_time():
    task, sample = made(mixup=1.0), batch(LOGITS, LABELS)
    assert len({stepped(task, sample)[0] for _ in range(4)}) == 4


def test_a_row_of_the_confusion_sums_to_one_and_a_class_without_samples_has_no_accuracy():
    task = made()
    scored(task, batch(torch.eye(3)[[0, 1, 2, 1]], [0, 0, 0, 1]), batch(torch.eye(3)[[1]], [0]))
    confusion, table = task.panels("test")[-2:]
    assert isinstance(confusion, Matrix) and isinstance(table, Table)
    assert confusion.values[0] == pytest.approx([1 / 4, 2 / 4, 1 / 4])
    assert [sum(row) for row in confusion.values] == pytest.approx([1, 1, 0])
    assert table.rows == [["a", 4, 0.25], ["b", 1, 1.0], ["c", 0, None]]


def test_the_most_wrong_come_first_from_whatever_batch_and_no_more_than_a_page_shows():
    task = made(2)
    task.shown = 3
    sure = [[log(odds), 0.0] for odds in (2, 9, 3, 99, 4)]  # label b has 1 / (1 + odds)
    scored(task, batch(sure[:3], [1, 1, 1]), batch(sure[3:] + [[9.0, 0.0]], [1, 1, 0]))
    grid = task.panels("test")[0]
    assert isinstance(grid, Grid) and len(grid.images) == 3
    assert grid.captions == ["a 0.99\nb 0.01", "a 0.90\nb 0.10", "a 0.80\nb 0.20"]


def test_a_split_without_a_mistake_shows_no_mistakes():
    task = made()
    scored(task, batch(torch.eye(3), [0, 1, 2]))
    assert [type(panel) for panel in task.panels("test")] == [Matrix, Table]


class Brightness(nn.Module):
    """Four classes of grey: the brighter, the later."""

    def forward(self, images):
        light = (images.mean((1, 2, 3)) + 1) / 2  # 0 to 1
        return -10 * (light[:, None] - torch.linspace(0, 1, 4)).abs()


def test_generate_names_the_class_of_each_picture_one_or_many(tmp_path):
    task = made(4, Brightness())
    black, white = torch.zeros(1, 5, 5).byte(), torch.full((1, 5, 5), 255).byte()
    Image.new("L", (5, 5), 0).save(tmp_path / "black.png")
    assert task.generate(image=tmp_path / "black.png") == ["a"]
    assert task.generate(image=[black, white, tmp_path / "black.png"]) == ["a", "d", "a"]


def test_generate_gives_the_likeliest_classes_with_their_probabilities():
    task, black = made(4, Brightness()), torch.zeros(1, 5, 5).byte()
    weights = torch.tensor([0.0, -10 / 3, -20 / 3, -10.0]).softmax(0).tolist()
    top = ", ".join(f"{name} {p:.3f}" for name, p in zip("abc", weights, strict=False))
    assert task.generate(image=[black, black], top=3) == [top, top]
    assert len(task.generate(image=black, top=9)[0].split(", ")) == 4  # there are no more
    with pytest.raises(ValueError, match="top 0: must be at least 1"):
        task.generate(image=black, top=0)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"count": 1}, "net.num_classes 1: must be at least 2 classes"),
        ({"mixup": -0.1}, "mixup -0.1: must be at least 0"),
        ({"label_smoothing": 1.0}, "label_smoothing 1.0: must be at least 0 and below 1"),
    ],
)
def test_a_value_that_cannot_be_is_refused(given, fault):
    with pytest.raises(ValueError, match=fault):
        made(**given)
