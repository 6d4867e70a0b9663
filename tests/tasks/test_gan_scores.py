"""What a GAN is scored on, what its scores rest on, and what they warn of."""

from types import SimpleNamespace

import pytest
import torch
from colours import Colours, Data, batch_of, gan, scored

from crossmedia.data.batches import ImageBatch
from crossmedia.data.order import generator
from crossmedia.errors import DataError
from crossmedia.metrics.quality import frechet, kernel
from crossmedia.tasks.gan import GAN


def parts(batch, size):
    rows = range(0, len(batch.ids), size)
    return [ImageBatch(*(part[start : start + size] for part in batch)) for start in rows]


def test_scores_carry_the_name_of_the_features_and_have_the_floor_beside_them():
    model = gan()
    logged = scored(model, batch_of(12))
    assert {*logged} >= {f"test/{name}" for name in gan().scores}
    order = [torch.randperm(60, generator=generator("drawn", split)).tolist() for split in ("test", "train")]
    real, other = (
        Colours()(next(Data().pictures(split, places))).features
        for split, places in zip(("test", "train"), order, strict=True)
    )
    for name, distance in (("fid", frechet), ("kid", kernel)):
        draws = [distance(real[:12], draw).item() for draw in other.split(12)]
        assert logged[f"test/{name}_colours_floor"] == pytest.approx(sum(draws) / 5, rel=1e-5)
    assert "the floor is that of 12 training pictures, the mean of 5 draws" in model.notes("test")[0]
    assert logged["test/fid_colours_floor"] > 0
    assert (
        GAN.scored({"features": {"_target_": "crossmedia.metrics.embedded.DigitFeatures"}})["fid_digits"]
        == "min"
    )


class Sorted(Data):
    """Dark pictures before light ones, as files lie that are sorted by class; of training twice as many."""

    def split(self, name):
        return range(120 if name == "train" else 60)

    def pictures(self, split, places):
        noise = next(super().pictures(split, [place % 60 for place in places]))
        dark = torch.tensor([place < len(self.split(split)) // 2 for place in places])
        yield torch.where(dark[:, None, None, None], -noise, noise)


def test_the_floor_does_not_depend_on_the_order_of_the_files():
    model = gan()
    model.data = Sorted()
    floor = scored(model, batch_of(60))["test/fid_colours_floor"]
    test, dark = (
        Colours()(next(Sorted().pictures(split, range(60)))).features for split in ("test", "train")
    )
    assert floor < 0.1 * frechet(test, dark).item()


def test_the_training_split_has_no_floor_and_no_copy_of_itself_is_usual():
    model = gan()
    logged = scored(model, batch_of(12), split="train")
    assert "train/fid_colours" in logged and not [name for name in logged if name.endswith("_floor")]
    assert model.notes("train")[0] == "train: 12 made and 12 real pictures, features of colours"
    assert "usual" not in model.panels("train")[1].note


@pytest.mark.parametrize("size", [1, 5, 12])
def test_scores_are_the_same_in_batches_of_any_size(size):
    whole = batch_of(12)
    assert scored(gan(), *parts(whole, size)) == pytest.approx(scored(gan(), whole), rel=1e-6, abs=1e-9)


class Few(Data):
    def split(self, name):
        return range(8 if name == "train" else 60)


def test_a_floor_of_fewer_pictures_than_were_scored_is_told_as_too_high():
    model = gan()
    model.data = Few()
    scored(model, batch_of(12))
    line = (
        "12 made and 12 real pictures, features of colours; the floor is that of 8 training pictures, too few"
    )
    assert model.notes("test")[0] == f"test: {line}: that of FID lies too high"


def test_what_only_fills_a_batch_is_not_scored():
    filled = batch_of(6, [True, True, False, True, False, True])
    kept = ImageBatch(
        filled.inputs[filled.valid], torch.ones(4, dtype=torch.bool), ["test-0", "test-1", "test-3", "test-5"]
    )
    model = gan()
    assert scored(model, filled) == scored(gan(), kept) and model.quality.n == 4
    assert [record["id"] for record in model.records] == kept.ids


def test_a_collapse_is_told():
    model = gan()
    scored(model, batch_of(40))
    assert any("a collapse, or unlike any" in line for line in model.notes("test"))
    assert model.notes("test")[0].startswith("test: 40 made and 40 real pictures, features of colours")


def painted(model, pictures):
    """Let the generator give these pictures, each in turn."""
    model.net.forward = lambda latents: pictures[torch.arange(len(latents)) % len(pictures)]
    return model


def test_few_kinds_of_pictures_are_told_as_a_collapse():
    model = painted(gan(), batch_of(40).inputs[:1])
    scored(model, batch_of(40))
    assert any("; 0% of the real ones lie among them: a collapse" in line for line in model.notes("test"))


def test_pictures_as_the_real_ones_are_no_collapse_and_no_copies():
    others = 0.5 + 0.03 * torch.randn(60, 1, 8, 8, generator=torch.Generator().manual_seed(7))
    model = painted(gan(), others)
    logged = scored(model, ImageBatch(next(Data().pictures("test", range(60))), *batch_of(60)[1:]))
    assert logged["test/recall_colours"] > 0.1 and len(model.notes("test")) == 1


def test_copies_of_training_pictures_are_told():
    model = painted(gan(), next(Data().pictures("train", range(60))))
    scored(model, ImageBatch(next(Data().pictures("test", range(60))), *batch_of(60)[1:]))
    assert [line for line in model.notes("test") if line.endswith(": copies")]


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
