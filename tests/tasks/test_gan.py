"""A GAN of a few weights: which pictures a seed names, that it learns a colour, its penalties."""

import pytest
import torch
from colours import Data, batch_of, gan, learnt, scored

from crossmedia.data.batches import ImageBatch
from crossmedia.errors import SystemFault
from crossmedia.losses.adversarial import LOSSES, r1_penalty
from crossmedia.metrics.features import InceptionFeatures
from crossmedia.report.panels import Grid


def test_a_picture_of_a_seed_is_the_same_however_many_are_made():
    model = gan()
    many = model.generate(n=40, seed=3)
    assert many.shape == (40, 3, 8, 8) and many.dtype == torch.uint8
    assert torch.equal(many[4:6], model.generate(n=2, seed=3, first=4))
    assert not torch.equal(many, model.generate(n=40, seed=4))


def test_a_picture_is_made_in_a_batch_of_one_size_whatever_is_asked_for():
    model, sizes = gan(), []
    model.net.register_forward_pre_hook(lambda net, given: sizes.append(len(given[0])))
    for n in (1, 16, 17):
        model.generate(n=n)
    assert sizes == [16] * 4


@pytest.mark.parametrize(("loss", "norm"), [*zip(LOSSES, ["batch", "spectral", "layer"], strict=True)])
def test_it_learns_a_colour(loss, norm):
    pictures = next(iter(Data().pictures("train", range(32))))
    batch = ImageBatch(pictures, torch.ones(32, dtype=torch.bool), [""] * 32)
    before, after = learnt(gan(loss=loss, norm=norm, r1=0.1), batch, 0.5, steps=120)
    assert after < before / 2


def test_panels_show_the_same_latents_each_time_and_ways_between_them():
    model = gan()
    one, two = [], []
    for panels in (one, two):
        scored(model, batch_of(4))  # the grid is made anew
        panels += model.panels("test")
    grids = [panel for panel in one if isinstance(panel, Grid)]
    assert all(torch.equal(a.images, b.images) for a, b in zip(one, two, strict=True) if isinstance(a, Grid))
    beside = next(grid for grid in grids if grid.title.startswith("Nearest"))
    assert "the nearest of 60 training pictures" in beside.note
    way = next(grid for grid in grids if grid.title.startswith("From one latent"))
    assert len(way.images) == way.columns * 4
    # each row ends where the next begins
    assert torch.equal(way.images[way.columns - 1], way.images[way.columns])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"loss": "hinje"}, "^loss hinje: must be one of non_saturating, hinge, wgan_gp"),
        ({"n_critic": 0}, "^n_critic 0: must be at least 1"),
        ({"r1": -1.0}, "^r1 -1.0: must be at least 0"),
        ({"r1": 1.0, "r1_end": 0.0}, "^r1_end 0.0: must be above 0"),
        ({"r1_end": 1.0}, "^r1_end 1.0: needs an r1 above 0"),
        (
            {"loss": "wgan_gp", "norm": "batch"},
            "^loss wgan_gp: must have a .*without batch norm, .*this one has BatchNorm2d. Set",
        ),
    ],
)
def test_a_wrong_argument_is_named(more, words):
    with pytest.raises(ValueError, match=words):
        gan(**more)


def test_r1_pays_for_the_steps_between():
    pictures = next(iter(Data().pictures("train", range(8))))
    batch = ImageBatch(pictures, torch.ones(8, dtype=torch.bool), [""] * 8)
    losses = []
    for number, more in [(1, {"r1": 0.0}), (1, {"r1": 2.0, "r1_every": 4}), (4, {"r1": 2.0, "r1_every": 4})]:
        model = gan(**more)
        model.number = number
        torch.manual_seed(0)
        losses.append(model._d_loss(batch).item())
    model.number = 4
    penalty = r1_penalty(model.discriminator, pictures).item()
    assert losses[1] == losses[0] and losses[2] == pytest.approx(losses[0] + 8 * penalty, rel=1e-5)


def test_r1_shrinks_to_its_end_by_the_same_part_each_step(monkeypatch):
    model = gan(r1=8.0, r1_end=0.5)
    weights = []
    for part in (0.25, 0.5, 0.75, 1.0):
        monkeypatch.setattr(type(model), "progress", property(lambda task, part=part: part))
        weights.append(model._r1_now())
    assert weights == pytest.approx([4.0, 2.0, 1.0, 0.5]) and gan(r1=8.0)._r1_now() == 8.0


@pytest.mark.parametrize("more", [{"r1": 1.0}, {"loss": "wgan_gp"}, {}])
def test_compiled_nets_can_take_a_step(more):
    model = gan(**more).train()
    for net in model.nets():
        net.compile(backend="aot_eager")
    model.number = 1
    model._d_loss(batch_of(4)).backward()
    assert all(weight.grad is not None for weight in model.discriminator.parameters())
    assert (model.discriminator in model.nets()) == (not more)


def test_pictures_are_made_without_the_file_that_scores_them():
    model = gan(features=InceptionFeatures("no such file"))
    assert model.generate(n=2).shape == (2, 3, 8, 8)
    with pytest.raises(SystemFault, match="^no such file: no such file. Download"):
        model.ready()
