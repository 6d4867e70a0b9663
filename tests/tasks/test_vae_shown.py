"""What a VAE makes and shows: latents, samples, panels, a collapse."""

import pytest
import torch
from scoring import scored
from vaes import IMAGES, Fixed, batch, conv, made

from crossmedia.report.panels import Curve


def test_latents_have_the_shape_of_the_net_s_grid_and_decode_to_pictures():
    task = made(conv(bottleneck="grid", latents=3))
    latents = task.encode(IMAGES)
    assert latents.shape == (5, 3, 2, 2)
    torch.testing.assert_close(task.decode(latents), task.reconstruct(IMAGES))
    assert not torch.equal(task.decode(-latents), task.decode(latents))


def test_samples_of_a_seed_do_not_depend_on_how_many_there_are():
    task = made(conv())
    few, many = task.generate(n=3, seed=5), task.generate(n=20, seed=5)
    assert few.shape == (3, 3, 4, 4) and few.dtype == torch.uint8 and len(many) == 20
    assert torch.equal(many[:3], few)
    assert torch.equal(task.generate(n=4, seed=5, first=16), many[16:])
    assert not torch.equal(task.generate(n=3, seed=6), few)
    assert len({tuple(picture.flatten().tolist()) for picture in many}) > 15


def test_panels_show_pairs_samples_and_the_latents_that_tell_most():
    task = made()
    scored(task, batch())
    pairs, prior, rows, curve = task.panels("test")
    assert pairs.images.shape == (10, 3, 4, 4) and pairs.columns == 5
    assert torch.equal(
        pairs.images[5:], torch.stack([p[:1, :1].expand(4, 4).expand(3, 4, 4) for p in pairs.images[:5, 0]])
    )
    assert len(prior.images) == 32
    mean = IMAGES.flatten(1)[:, :2]
    kl = 0.5 * mean.square().mean(0)
    assert isinstance(curve, Curve)
    assert curve.lines["nats"] == pytest.approx(sorted(kl.tolist(), reverse=True), abs=1e-4)
    first = kl.argmax().item()
    changes = [len(row.unique()) for row in rows.images.reshape(2, 8, -1)]
    assert changes == ([6, 1] if first == 0 else [1, 6])  # only the first latent draws; beyond 1 is white
    assert rows.note.startswith("Each row moves one latent") and f"{first} ({kl.max():.2f})" in rows.note


@pytest.mark.parametrize(
    ("latents", "rows", "title"),
    [(16, 16, "Traversals by KL"), (33, 32, "Traversals by KL, 32 of 33 latents")],
)
def test_every_latent_is_traversed_up_to_a_number_and_the_title_says_how_many_are_left_out(
    latents, rows, title
):
    task = made(conv(latents=latents))
    scored(task, batch())
    grid = task.panels("test")[2]
    assert len(grid.images) == 8 * rows and grid.columns == 8 and grid.title == title
    assert grid.note.count("(") == rows


def test_a_collapsed_posterior_is_told():
    class Idle(Fixed):
        def encode(self, images):
            return torch.zeros(len(images), 2), torch.zeros(len(images), 2)

    task = made(Idle())
    scored(task, batch())
    assert task.notes("test")[1:] == ["test: the posterior collapsed: no latent carries 0.01 nats"]
    task = made()
    scored(task, batch())
    assert not task.notes("test")[1:]


@pytest.mark.parametrize(("samples", "draws"), [(1, "1 draw"), (3, "3 draws")])
def test_the_number_of_draws_of_a_bound_is_told_where_it_is_scored(samples, draws):
    task = made(importance_samples=samples)
    scored(task, batch())
    assert task.notes("test") == [f"test: bits_per_dim_iw is the importance-weighted bound of {draws}"]
    scored(task, batch(), split="val")
    assert task.notes("val") == []


def test_no_samples_at_all_are_refused():
    with pytest.raises(ValueError, match="n 0: must be between 1 and 1000000"):
        made().generate(n=0)
