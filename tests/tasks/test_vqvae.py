"""A VQ-VAE of four greys: its loss and scores worked out by hand, tokens, what it shows."""

from functools import partial
from math import exp, log

import pytest
import torch
from PIL import Image
from scoring import overfitted, scored, stepped
from torch import nn
from vaes import Stub

from crossmedia.data.batches import ImageBatch, Meta
from crossmedia.images.transforms import ImageTransform
from crossmedia.nets.codebook import Codebook, VQAutoencoder
from crossmedia.report.panels import Curve
from crossmedia.tasks.vqvae import VQVAE

ADAM = partial(torch.optim.Adam, lr=1e-2)


class Greys(nn.Module):
    """Four codes, which are greys: a picture becomes the nearest one to each of its pixels."""

    def __init__(self):
        super().__init__()
        self.codebook = Codebook(4, 1)
        self.codebook.codes.copy_(torch.tensor([[-1.0], [0.0], [0.5], [1.0]]))

    def forward(self, images):
        codes, tokens = self.codebook(images)
        return codes, images, codes, tokens

    def encode(self, images):
        return self.codebook(images)[1]

    def decode(self, tokens):
        return self.codebook.look_up(tokens)


def made(net=None, **more):
    return VQVAE(net or Greys(), Meta(image=ImageTransform(2, 1)), ADAM, **more).eval()


def batch(*rows, valid=None, names="abcdef"):
    """Pictures of 2 x 2 pixels."""
    images = torch.tensor(rows, dtype=torch.float32).view(-1, 1, 2, 2)
    valid = torch.ones(len(rows), dtype=torch.bool) if valid is None else torch.tensor(valid)
    return ImageBatch(images, valid, list(names[: len(rows)]))


ROWS = ([-1.0, 0, 0, 0.6], [-0.8, -1, -1, 0.1], [0.0, 0, 0, 0.5])


def test_the_loss_has_the_parts_that_are_asked_for():
    error, square = (0.1 + 0.2 + 0.1) / 12, (0.01 + 0.04 + 0.01) / 12
    for given, reconstruction in (
        ({}, square),
        ({"l1": 1.0, "l2": 0.0}, error),
        ({"l1": 2.0, "l2": 4.0}, 2 * error + 4 * square),
    ):
        loss, logged = stepped(made(commitment=0.5, **given), batch(*ROWS))
        assert loss == logged["train/loss"] == pytest.approx(reconstruction + 0.5 * square)
        assert logged["train/reconstruction"] == pytest.approx(reconstruction)
        assert logged["train/commitment"] == pytest.approx(square)


def test_scores_are_those_worked_out_by_hand():
    found = scored(made(commitment=0.0), batch(*ROWS), split="val")
    shares = [4 / 12, 6 / 12, 2 / 12]  # of three of the four codes
    assert found == pytest.approx(
        {
            "val/reconstruction_l1": 0.4 / 12,
            "val/loss": 0.06 / 12,
            "val/codebook_usage": 3 / 4,
            "val/perplexity": exp(-sum(share * log(share) for share in shares)),
        }
    )


def test_batches_with_filler_score_as_pictures_one_by_one():
    task = made(features=Stub())
    alone = scored(task, *(batch(row, names="abc"[k]) for k, row in enumerate(ROWS)))
    records = task.records
    filler = [1.0, 1, 1, 1]
    first = batch(ROWS[0], filler, ROWS[1], valid=[True, False, True], names="axb")
    together = scored(task, first, batch(ROWS[2], filler, valid=[True, False], names="cx"))
    assert together == pytest.approx(alone) and "test/attributes_stub" in alone
    assert task.records == records and [record["id"] for record in records] == list("abc")


def test_a_rank_s_last_batch_may_be_all_filler():
    whole, filler = batch(*ROWS), batch(ROWS[0], valid=[False])
    assert scored(made(), whole, filler) == pytest.approx(scored(made(), whole))


def test_scoring_moves_no_code():
    task = made()
    before = task.net.codebook.codes.clone()
    scored(task, batch(*ROWS))
    assert torch.equal(task.net.codebook.codes, before)


def test_a_split_s_usage_is_its_own():
    task = made()
    scored(task, batch(*ROWS), split="val")
    assert scored(task, batch([0.0, 0, 0, 0]), split="val")["val/codebook_usage"] == 1 / 4


def test_tokens_are_the_codes_of_a_picture_and_decode_to_it():
    task, images = made(), batch(*ROWS).inputs
    tokens = task.encode(images)
    assert tokens.dtype == torch.int64 and tokens.tolist()[0] == [[0, 1], [1, 2]]
    torch.testing.assert_close(task.decode(tokens)[0, 0], torch.tensor([[-1.0, 0], [0, 0.5]]))
    torch.testing.assert_close(task.reconstruct(images), task.decode(tokens))


def test_generate_rebuilds_each_picture(tmp_path):
    task = made()
    Image.new("L", (5, 5), 130).save(tmp_path / "a.png")
    one = task.generate(image=tmp_path / "a.png")
    assert one.shape == (1, 3, 2, 2) and one.dtype == torch.uint8 and one.unique().tolist() == [128]
    white = torch.full((1, 5, 5), 250).byte()
    assert task.generate(image=[white, tmp_path / "a.png"]).amax((1, 2, 3)).tolist() == [255, 128]


def test_panels_show_pairs_and_the_codes_by_their_share():
    task = made()
    scored(task, batch(*ROWS))
    pairs, usage = task.panels("test")
    assert pairs.images.shape == (6, 3, 2, 2) and pairs.columns == 3
    assert pairs.images[3, 0].tolist() == [[0, 128], [128, 191]]
    assert isinstance(usage, Curve)
    assert usage.lines["share"] == pytest.approx([6 / 12, 4 / 12, 2 / 12, 0])
    assert usage.note == "3 of 4 codes are used."


def test_a_row_of_pairs_that_is_not_full_is_left_out():
    task = made()
    scored(task, batch(*[ROWS[0]] * 11, names="abcdefghijk"))
    assert len(task.panels("test")[0].images) == 16


def test_a_collapsed_codebook_is_told():
    task = made()
    scored(task, batch([0.0, 0, 0, 0]))
    assert task.notes("test") == ["test: the codebook collapsed: 1 of 4 codes are used"]
    scored(task, batch(*ROWS))
    assert task.notes("test") == []


def test_a_config_says_which_scores_it_has():
    assert VQVAE.scored({"features": {"_target_": f"{Stub.__module__}.Stub"}})["attributes_stub"] == "max"
    assert "attributes_stub" not in VQVAE.scored({"features": None})


def test_it_learns_one_batch_by_heart():
    torch.manual_seed(0)
    net = VQAutoencoder(8, Codebook(16, 4), channels=1, widths=(16,), blocks=1)
    task = made(net)
    images = torch.rand(4, 1, 2, 2).mul(2).sub(1).repeat_interleave(4, 2).repeat_interleave(4, 3)
    sample = ImageBatch(images, torch.ones(4, dtype=torch.bool), list("abcd"))
    losses = overfitted(task, sample, torch.optim.Adam(net.parameters(), 1e-2), 80)
    assert sum(losses[-5:]) / 5 < 0.1 * losses[0]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"l1": -1.0}, "l1 -1.0: must be at least 0"),
        ({"l2": 0.0}, "l2 0.0: must be above 0 where l1 is 0"),
        ({"commitment": -0.1}, "commitment -0.1: must be at least 0"),
    ],
)
def test_a_value_that_cannot_be_is_refused(given, fault):
    with pytest.raises(ValueError, match=fault):
        made(**given)
