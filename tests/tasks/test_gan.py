"""A GAN of a few weights: what it is scored on, which pictures a seed names, that it learns a colour."""

import functools
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from crossmedia.data.batches import ImageBatch, Meta
from crossmedia.errors import DataError, SystemFault
from crossmedia.losses.adversarial import LOSSES, r1_penalty
from crossmedia.metrics.features import Features, InceptionFeatures
from crossmedia.metrics.quality import frechet, kernel
from crossmedia.nets.dcgan import Discriminator, Generator
from crossmedia.report.panels import Grid
from crossmedia.tasks.gan import GAN


class Colours(nn.Module):
    """The mean of each channel, and whether a picture is light."""

    name = "colours"

    def forward(self, images: Tensor) -> Features:
        mean = images.expand(-1, 3, -1, -1).mean((2, 3))
        light = torch.sigmoid(20 * mean.mean(1, keepdim=True))
        return Features(mean, torch.cat((light, 1 - light), 1))


class Data:
    """Sixty pictures in each split that are all light, others in each."""

    def split(self, name):
        return range(60)

    def pictures(self, split, places):
        number = ("train", "val", "test").index(split)
        noise = torch.randn(60, 1, 8, 8, generator=torch.Generator().manual_seed(number))
        yield 0.5 + 0.01 * (number + 1) * noise[[*places]]


def gan(**more: Any) -> GAN:
    torch.manual_seed(0)
    optimizer = functools.partial(torch.optim.Adam, lr=2e-3, betas=(0.5, 0.9))
    norm = more.pop("norm", "none")
    model = GAN(
        Generator(8, 1, 4, [8, 8]),
        Discriminator(8, 1, [8, 8], norm),
        Meta(),
        optimizer,
        optimizer,
        more.pop("features", Colours()),
        **more,
    )
    model.data = Data()
    return model.eval()


def batch_of(count, valid=None, first=0):
    pictures = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(first)) * 0.1 + 0.4
    valid = torch.ones(count, dtype=torch.bool) if valid is None else torch.tensor(valid)
    return ImageBatch(pictures, valid, [f"test-{first + row}" for row in range(count)])


def scored(model, *batches, split="test"):
    logged = {}
    model.log = lambda name, value: logged.update({name: float(value)})
    model.forget()
    with torch.no_grad():
        for batch in batches:
            model.score(batch, split)
        model._log_quality(split)
    return logged


def parts(batch, size):
    rows = range(0, len(batch.ids), size)
    return [ImageBatch(*(part[start : start + size] for part in batch)) for start in rows]


def test_scores_carry_the_name_of_the_features_and_have_the_floor_beside_them():
    logged = scored(gan(), batch_of(12))
    assert {*logged} >= {f"test/{name}" for name in gan().scores}
    real, other = (Colours()(next(Data().pictures(split, range(12)))).features for split in ("test", "train"))
    assert logged["test/fid_colours_floor"] == pytest.approx(frechet(real, other).item(), rel=1e-5)
    assert logged["test/kid_colours_floor"] == pytest.approx(kernel(real, other).item(), rel=1e-5)
    assert logged["test/fid_colours_floor"] > 0
    assert (
        GAN.scored({"features": {"_target_": "crossmedia.metrics.embedded.DigitFeatures"}})["fid_digits"]
        == "min"
    )


def test_the_training_split_has_no_floor_and_no_copy_of_itself_is_usual():
    model = gan()
    logged = scored(model, batch_of(12), split="train")
    assert "train/fid_colours" in logged and not [name for name in logged if name.endswith("_floor")]
    assert model.notes("train")[0] == "train: 12 made and 12 real pictures, features of colours"
    assert "usual" not in model.panels("train")[1].note


@pytest.mark.parametrize("size", [1, 5, 12])
def test_scores_are_the_same_in_batches_of_any_size(size):
    whole = batch_of(12)
    assert scored(gan(), *parts(whole, size)) == pytest.approx(scored(gan(), whole), rel=1e-4, abs=1e-6)


def test_what_only_fills_a_batch_is_not_scored():
    filled = batch_of(6, [True, True, False, True, False, True])
    kept = ImageBatch(
        filled.inputs[filled.valid], torch.ones(4, dtype=torch.bool), ["test-0", "test-1", "test-3", "test-5"]
    )
    model = gan()
    assert scored(model, filled) == scored(gan(), kept) and model.quality.n == 4
    assert [record["id"] for record in model.records] == kept.ids


def test_a_picture_of_a_seed_is_the_same_however_many_are_made():
    model = gan()
    many = model.generate(n=9, seed=3)
    assert many.shape == (9, 3, 8, 8) and many.dtype == torch.uint8
    assert torch.equal(many[4:6], model.generate(n=2, seed=3, first=4))
    assert not torch.equal(many, model.generate(n=9, seed=4))


@pytest.mark.parametrize(("loss", "norm"), [*zip(LOSSES, ["batch", "spectral", "layer"], strict=True)])
def test_it_learns_a_colour(loss, norm):
    model = gan(loss=loss, norm=norm, r1=0.1).train()
    model.setup("fit")
    pictures = next(iter(Data().pictures("train", range(32))))
    batch = ImageBatch(pictures, torch.ones(32, dtype=torch.bool), [""] * 32)
    d, g = (torch.optim.Adam(weights, lr=5e-3, betas=(0.5, 0.9)) for weights in model._weights)

    def away():
        with torch.no_grad():
            return (model.net(model._noise(64)) - 0.5).abs().mean().item()

    before = away()
    for _ in range(90):
        for phase, optimizer in zip(model._phases, (d, g), strict=True):
            optimizer.zero_grad()
            phase.loss(batch).backward()
            optimizer.step()
    assert away() < before / 2


def test_a_collapse_is_told():
    model = gan()
    scored(model, batch_of(40))
    assert any("a collapse, or unlike any" in line for line in model.notes("test"))
    assert model.notes("test")[0].startswith("test: 40 made and 40 real pictures, features of colours")


def test_panels_show_the_same_latents_each_time_and_ways_between_them():
    model = gan()
    scored(model, batch_of(4))
    one, two = (model.panels("test") for _ in range(2))
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
        ({"loss": "hinje"}, "^loss hinje: must be non_saturating, hinge, wgan_gp"),
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


def start(monkeypatch, split, size, batches, lengths):
    """Begin to score so many batches of a split; splits are of sixty where `lengths` says no other."""
    model = gan()
    trainer = SimpleNamespace(num_val_batches=[batches], num_test_batches=[batches], world_size=1)
    monkeypatch.setattr(GAN, "trainer", trainer)
    monkeypatch.setattr(Data, "eval_batch_size", size, raising=False)
    monkeypatch.setattr(Data, "split", lambda self, name: range(lengths.get(name, 60)))
    (model.on_validation_epoch_start if split == "val" else model.on_test_epoch_start)()


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize(
    ("size", "batches", "lengths", "fault"),
    [
        (8, 1, {"val": 1, "test": 1}, "SPLIT: 1 to score"),
        (1, 1, {}, "SPLIT: 1 to score"),  # what limit_…_batches leaves of sixty
        (8, 8, {"train": 1}, "train: 1 to score"),
    ],
)
def test_too_few_pictures_are_refused_before_any_is_made(monkeypatch, split, size, batches, lengths, fault):
    fault = fault.replace("SPLIT", split)
    with pytest.raises(DataError, match=f"^{fault}, but FID and KID compare sets of at least 2"):
        start(monkeypatch, split, size, batches, lengths)


def test_two_pictures_are_enough(monkeypatch):
    start(monkeypatch, "test", 1, 2, {"train": 2})
    start(monkeypatch, "val", 8, 1, {"val": 2})


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
