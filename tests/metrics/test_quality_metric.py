"""The metric over batches and ranks, and over a folder of pictures as people have them."""

import threading

import pytest
import torch
from PIL import Image
from torch import nn

from crossmedia.data.module import DataModule
from crossmedia.data.sources.image_folder import ImageFolder
from crossmedia.data.views import ImageView
from crossmedia.errors import DataError, NonFiniteError
from crossmedia.images.transforms import ImageTransform, resized
from crossmedia.metrics import quality
from crossmedia.metrics.features import Features, in_colour
from crossmedia.metrics.quality import (
    SCORES,
    Quality,
    frechet,
    inception_score,
    kernel,
    pairs,
)


class Toy(nn.Module):
    """A convolution of fixed weights, the mean and the maximum of each channel."""

    name = "toy"

    def __init__(self):
        super().__init__()
        self.convolution, self.dropout = nn.Conv2d(3, 6, 3), nn.Dropout(0.5)
        draw = torch.Generator().manual_seed(0)
        for weight in self.convolution.parameters():
            weight.data = torch.randn(weight.shape, generator=draw)

    def forward(self, images):
        assert len(images), "a net need not know what to make of none"
        x = self.convolution(in_colour(resized(images, (8, 8)))).relu()  # (B, 6, 6, 6)
        features = self.dropout(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))  # (B, 12)
        return Features(features, (3 * features[:, :4]).softmax(1))


def pictures(count=60, seed=0, scale=0.5):
    return (
        torch.randn(count, 3, 12, 12, generator=torch.Generator().manual_seed(seed)).mul(scale).clamp(-1, 1)
    )


REAL, FAKE = pictures(), pictures(seed=1, scale=0.7)


def whole(real=REAL, fake=FAKE, batch=60, keys=range(60)):
    metric = Quality(Toy())
    for start in range(0, len(real), batch):
        part = slice(start, start + batch)
        metric.update(real[part], fake[part], keys[part])
    return numbers(metric.compute())


def numbers(scores):
    return {name: score.item() for name, score in scores.items()}


def test_the_scores_are_those_of_the_features():
    metric = Quality(Toy())
    real, fake = metric.features_of(REAL), metric.features_of(FAKE)
    near = pairs(real.features, fake.features)
    told = {
        "fid": frechet(real.features, fake.features),
        "kid": kernel(real.features, fake.features),
        "inception_score": inception_score(fake.probabilities),
        "precision": near.precision,
        "recall": near.recall,
        "density": near.density,
        "coverage": near.coverage,
        "sure": torch.tensor(sum(max(row) >= 0.9 for row in fake.probabilities.tolist()) / 60),
    }
    assert whole() == pytest.approx(numbers(told), rel=1e-6)
    assert list(told) == list(SCORES) and 0 < told["sure"] < 1


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_the_size_of_a_batch_does_not_matter(batch):
    assert whole(batch=batch) == pytest.approx(whole(), rel=1e-6)


def test_the_order_does_not_matter_and_with_keys_not_even_to_the_last_bit():
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    assert whole(REAL[order], FAKE[order]) == pytest.approx(whole(), rel=1e-6)
    one = whole(batch=1, keys=range(60))
    assert whole(REAL[order], FAKE[order], batch=1, keys=order) == one
    assert whole(REAL[order], FAKE[order], batch=1, keys=order.tolist()) == one


def test_the_keys_are_the_order_in_which_the_scores_see_the_pairs(monkeypatch):
    metric, keys = Quality(Toy()), [5, 3, 1, 4, 2, 0]
    monkeypatch.setattr(quality, "frechet", lambda real, fake: real[:, 0] @ torch.arange(6.0) - fake[0, 0])
    metric.update(REAL[:4], FAKE[:4], keys[:4])
    metric.update(REAL[4:6], FAKE[4:6], torch.tensor(keys[4:]))
    real, fake = (metric.features_of(images[:6]).features[:, 0] for images in (REAL, FAKE))
    assert metric.compute()["fid"].item() == pytest.approx(
        (real @ torch.tensor(keys).float() - fake[5]).item()
    )


def test_three_ranks_compute_the_scores_of_the_whole_set_though_one_has_an_empty_batch():
    cuts = [slice(0, 24), slice(24, 60), slice(60, 60)]
    meeting, brought, scores, counts = threading.Barrier(3, timeout=10), [None] * 3, [{}] * 3, [0] * 3

    def rank(number):
        def gather(tensor, group=None):
            brought[number] = tensor
            meeting.wait()
            gathered = list(brought)
            meeting.wait()
            return gathered

        metric = Quality(Toy())
        metric.dist_sync_fn, metric.distributed_available_fn = gather, lambda: True
        metric.update(REAL[cuts[number]], FAKE[cuts[number]], range(60)[cuts[number]])
        scores[number], counts[number] = numbers(metric.compute()), metric.n
        assert {part.ndim for part in brought} == {1} and len({part.dtype for part in brought}) == 1

    threads = [threading.Thread(target=rank, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [60] * 3 and scores[0] == scores[1] == scores[2]
    assert scores[0] == pytest.approx(whole(), rel=1e-6)


def test_merged_halves_are_the_whole_and_reset_begins_anew():
    first, second = Quality(Toy()), Quality(Toy())
    first.update(REAL[:24], FAKE[:24], range(24))
    second.update(REAL[24:], FAKE[24:], range(24, 60))
    first.merge_state(second)
    assert numbers(first.compute()) == pytest.approx(whole(), rel=1e-6)
    first.reset()
    first.update(REAL[:5], FAKE[:5], range(5))
    assert numbers(first.compute()) == pytest.approx(whole(REAL[:5], FAKE[:5], keys=range(5)), rel=1e-6)


def test_the_net_stands_still_and_is_no_part_of_the_task():
    task = nn.Module()
    task.quality = Quality(Toy())
    task.train()
    assert not list(task.parameters()) and not task.state_dict() and len(list(task.modules())) == 2
    images = REAL.clone().requires_grad_()
    seen = task.quality.features_of(images)
    assert not seen.features.requires_grad
    assert torch.equal(seen.features, task.quality.features_of(images).features)  # no dropout


def test_features_are_float32_of_pictures_as_they_can_be_seen():
    metric = Quality(Toy())
    with torch.autocast("cpu", torch.bfloat16):
        half = metric.features_of(REAL)
    assert torch.equal(half.features, metric.features_of(REAL).features)
    assert half.features.dtype == half.probabilities.dtype == torch.float32
    assert torch.equal(
        metric.features_of(3 * REAL).features, metric.features_of((3 * REAL).clamp(-1, 1)).features
    )


@pytest.mark.parametrize(("share", "sure"), [(0.9, 1), (0.899, 0)])
def test_sure_begins_at_nine_tenths(share, sure):
    class Certain(Toy):
        def forward(self, images):
            return Features(images.flatten(1), torch.tensor([[share, 1 - share]]).expand(len(images), 2))

    metric = Quality(Certain())
    metric.update(REAL, FAKE, range(60))
    assert metric.compute()["sure"] == sure


def test_too_few_pictures_are_told_before_one_is_generated():
    Quality.need(2)
    with pytest.raises(DataError, match="^val: 1 to score, but FID and KID compare sets of at least 2. Give"):
        Quality.need(1, "val")
    metric = Quality(Toy())
    metric.update(REAL[:1], FAKE[:1], [0])
    with pytest.raises(DataError, match="1 to score"):
        metric.compute()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_no_numbers_stop_with_a_line(value):
    class Broken(Toy):
        def forward(self, images):
            seen = super().forward(images)
            return seen._replace(features=seen.features.where(images.mean() < 0.5, value))

    metric = Quality(Broken())
    metric.update(REAL, torch.ones_like(REAL), range(60))
    with pytest.raises(NonFiniteError, match="^toy features of the generated pictures: not finite"):
        metric.compute()


def test_a_score_s_name_says_by_which_features():
    assert Quality.scores_of(Toy) == {
        "fid_toy": "min",
        "kid_toy": "min",
        "inception_score_toy": "max",
        "precision_toy": "max",
        "recall_toy": "max",
        "density_toy": "max",
        "coverage_toy": "max",
        "sure_toy": "max",
    }


def test_pictures_without_a_partner_are_refused():
    with pytest.raises(ValueError, match="fake 59: must be as many pictures as real, 60"):
        Quality(Toy()).update(REAL, FAKE[:59], range(60))
    with pytest.raises(ValueError, match="keys 59: must be one for each of 60 pairs"):
        Quality(Toy()).update(REAL, FAKE, range(59))


KINDS = {"colour": ("RGB", 32, 32), "grey": ("L", 48, 20), "see-through": ("RGBA", 64, 64)}  # width, height


@pytest.fixture
def source(tmp_path):
    """A folder of 20 test pictures of each kind; the left half of RGBA is not to be seen."""
    draw = torch.Generator().manual_seed(0)
    for kind, (mode, width, height) in KINDS.items():
        for split in ("train", "val", "test"):
            (tmp_path / split / kind).mkdir(parents=True)
        for split in ("train", "val"):
            Image.new(mode, (8, 8)).save(tmp_path / split / kind / "0.png")
        for number in range(20):
            pixels = torch.randint(0, 256, (height, width, len(mode)), dtype=torch.uint8, generator=draw)
            if mode == "RGBA":
                pixels[..., 3] = torch.where(torch.arange(width) < width // 2, 0, 255)
            Image.fromarray(pixels.squeeze(-1).numpy()).save(tmp_path / "test" / kind / f"{number}.png")
    return ImageFolder(str(tmp_path), background="red")


def test_a_folder_of_mixed_sizes_and_modes_has_one_fid_at_every_batch_size(source):
    found = []
    for batch in (1, 7, 60, 1000):
        data = DataModule(source, ImageView(), ImageTransform(16), eval_batch_size=batch)
        data.learn()
        metric, seen = Quality(Toy()), []
        for part in data.loader("test"):
            places = range(len(seen), len(seen) + len(part.ids))
            metric.update(part.inputs, FAKE[places.start : places.stop], places)
            seen += part.inputs
        found.append(metric.compute()["fid"].item())
        assert metric.n == 60
        colour, grey, clear = seen[0], seen[20], seen[40]
        assert colour.shape == grey.shape == clear.shape == (3, 16, 16)
        assert torch.equal(grey[0], grey[2]) and not torch.equal(colour[0], colour[2])
        assert clear[:, 3, 3].tolist() == [1, -1, -1]  # the background
    assert found == pytest.approx([found[0]] * 4, rel=1e-6)
