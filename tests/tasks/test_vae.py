"""A VAE small enough to follow by hand: its bound, what weighs its parts, its scores."""

from math import log

import pytest
import torch
from scoring import overfitted, scored, stepped
from torch import nn
from vaes import BITS, IMAGES, Fixed, Stub, batch, conv, made

from crossmedia.errors import ConfigError
from crossmedia.losses.likelihood import discretised_logistic, gaussian_kl
from crossmedia.tasks.vae import VAE


def test_the_loss_is_the_bound_in_bits_a_dimension_and_its_parts_add_up():
    task = made(Fixed(log_variance=-60.0))  # without noise
    loss, logged = stepped(task, batch())
    mean = IMAGES.flatten(1)[:, :2]
    grey = mean[:, 0, None, None, None].expand_as(IMAGES)
    reconstruction = -discretised_logistic(IMAGES, grey, torch.tensor(-1.0)).sum() / 5 * BITS
    kl = gaussian_kl(mean, torch.full_like(mean, -60.0)).sum() / 5 * BITS
    assert logged == {
        "train/loss": pytest.approx(loss),
        "train/reconstruction": pytest.approx(reconstruction.item(), rel=1e-5),
        "train/kl": pytest.approx(kl.item(), rel=1e-5),
    }
    assert loss == pytest.approx(logged["train/reconstruction"] + logged["train/kl"])


def test_beta_weighs_the_kl_and_warm_up_lets_it_grow(monkeypatch):
    whole, logged = stepped(made(Fixed(-60.0), beta=4.0), batch())
    assert whole == pytest.approx(logged["train/reconstruction"] + 4 * logged["train/kl"])
    task = made(Fixed(-60.0), beta=4.0, warmup=10)
    for step, share in ((0, 0), (5, 0.5), (10, 1), (25, 1)):
        monkeypatch.setattr(VAE, "global_step", step)
        loss, logged = stepped(task, batch())
        assert loss == pytest.approx(logged["train/reconstruction"] + share * 4 * logged["train/kl"])


def test_a_latent_s_first_bits_are_free():
    images = torch.zeros(2, 1, 4, 4)
    images[:, 0, 0, 1] = torch.tensor([1.0, 2.0])  # the second latent's KL: 1/2 and 2, a mean of 1.25 nats
    task = made(free_bits=1.0)
    loss, logged = stepped(task, batch(images))
    assert logged["train/kl"] == pytest.approx(1.25 * BITS)
    assert loss == pytest.approx(logged["train/reconstruction"] + (1 + 1.25) * BITS)


class Scales(Fixed):
    """A scale of 1 in the upper half of the picture, e^-2 in the lower one."""

    def decode(self, latents):
        numbers = super().decode(latents)
        numbers[:, 1, :2], numbers[:, 1, 2:] = 0.0, -2.0
        return numbers


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_beta_nll_weighs_pixels_by_their_variance_and_sends_no_gradient_through_the_weights(power):
    net = Scales(-60.0)
    grey = IMAGES[:, :, :1, :1]
    log_scale = torch.tensor([0.0, 0, -2, -2])[:, None].expand(5, 1, 4, 4)
    weights = (2 * power * log_scale).exp()
    weights = weights / weights.mean((1, 2, 3), keepdim=True)
    expected = -(weights * discretised_logistic(IMAGES, grey, log_scale)).sum() / 5 * BITS
    loss, logged = stepped(made(net, beta_nll=power), batch())
    assert loss == pytest.approx(expected.item() + logged["train/kl"], rel=1e-5)
    plain, alike = stepped(made(net), batch())
    assert alike["train/reconstruction"] == logged["train/reconstruction"]
    assert plain == pytest.approx(alike["train/reconstruction"] + alike["train/kl"])
    numbers = net.decode(torch.zeros(1, 2)).requires_grad_()
    assert not made(net, beta_nll=power)._pixel_weights(numbers).requires_grad


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("more", [{}, {"beta": 4.0}, {"beta_nll": 1.0}])
def test_the_loss_of_a_split_is_that_of_training(more, split):
    task = made(Scales(-60.0), **more)  # without noise
    loss, _ = stepped(task, batch())
    found = scored(task, batch(), split=split)
    assert found[f"{split}/loss"] == pytest.approx(loss, rel=1e-5)
    plain = scored(made(Scales(-60.0)), batch(), split=split)
    assert found[f"{split}/bits_per_dim"] == pytest.approx(plain[f"{split}/bits_per_dim"])


def test_the_loss_of_a_split_is_past_the_warm_up_and_without_free_bits():
    plain, other = made(Scales(-60.0), beta=4.0), made(Scales(-60.0), beta=4.0, warmup=9, free_bits=3.0)
    losses = [scored(task, batch(), split="val")["val/loss"] for task in (plain, other)]
    assert losses[0] == losses[1] and stepped(plain, batch())[0] != stepped(other, batch())[0]


def test_each_step_draws_anew():
    task = made()
    assert len({stepped(task, batch())[0] for _ in range(3)}) == 3


def test_batches_with_filler_score_as_pictures_one_by_one():
    task = made(conv(), importance_samples=3, features=Stub())
    alone = scored(task, *(batch(IMAGES[k : k + 1], names="abcde"[k]) for k in range(5)))
    records, kl = task.records, task.kl.compute()
    filled = IMAGES[[0, 0, 1, 2]], [True, False, True, True], "aabc"
    together = scored(task, batch(*filled), batch(IMAGES[[3, 4, 0]], [True, True, False], "dea"))
    assert together == pytest.approx(alone, rel=1e-5)
    assert [record["id"] for record in task.records] == list("abcde") == [record["id"] for record in records]
    torch.testing.assert_close(task.kl.compute(), kl)
    assert len(task.pictures) == 5


def test_a_rank_s_last_batch_may_be_all_filler():
    whole, filler = batch(), batch(IMAGES[:1], [False])
    task = made(conv(), importance_samples=2, features=Stub())
    assert scored(task, whole, filler) == pytest.approx(scored(task, whole))


def test_a_score_is_the_same_whatever_was_drawn_before():
    task = made(conv())
    first = scored(task, batch(), split="val")
    torch.manual_seed(7)
    assert scored(task, batch(), split="val") == first


def test_the_noise_of_a_picture_is_its_id_s():
    task = made(conv())
    assert scored(task, batch(names="vwxyz")) != scored(task, batch())


def test_the_bound_of_one_sample_is_the_elbo_and_of_more_is_tighter():
    net = Fixed(log_variance=1.0)  # far from the true posterior, so that there is a gap
    one, many = (scored(made(net, importance_samples=k), batch()) for k in (1, 200))
    assert one["test/bits_per_dim_iw"] == pytest.approx(one["test/bits_per_dim"])
    assert many["test/bits_per_dim_iw"] < many["test/bits_per_dim"] - 0.1
    val = scored(made(net, importance_samples=200), batch(), split="val")
    assert val["val/bits_per_dim"] == pytest.approx(one["test/bits_per_dim"])
    assert "val/bits_per_dim_iw" not in val


def test_the_bound_agrees_with_the_probability_that_a_grid_of_latents_gives():
    net, image = Fixed(log_variance=-1.0), torch.zeros(1, 1, 4, 4)
    found = scored(made(net, importance_samples=2000), batch(image))
    points = torch.linspace(-6, 6, 2001)
    density = (-0.5 * points**2).exp() / (2 * torch.pi) ** 0.5
    numbers = net.decode(points[:, None])
    given = discretised_logistic(image, *numbers.chunk(2, 1)).flatten(1).sum(1).exp()
    bits = -(density * given).sum().mul(12 / 2000).log().item() * BITS
    assert found["test/bits_per_dim_iw"] == pytest.approx(bits, rel=0.01)


def test_the_score_of_a_black_and_white_picture_is_its_bernoulli_s():
    class White(Fixed):
        outputs = 1

        def decode(self, latents):
            return torch.full((len(latents), 1, 4, 4), log(3.0))

    task = made(White(), likelihood="bernoulli")
    found = scored(task, batch(IMAGES[:1]), split="val")
    white = (IMAGES[0] > 0).sum().item()
    assert found["val/reconstruction"] == pytest.approx(
        -BITS * (white * log(0.75) + (16 - white) * log(0.25))
    )
    torch.testing.assert_close(task.reconstruct(IMAGES[:1]), torch.full((1, 1, 4, 4), 0.5))


def test_attributes_are_read_in_the_pictures_and_in_what_is_rebuilt():
    images = torch.tensor([0.5, -0.5, 0.5]).view(3, 1, 1, 1).repeat(1, 1, 4, 4)
    images[2, 0, 0, 0] = -0.9  # its latent says dark, the picture is light
    task = made(features=Stub())
    found = scored(task, batch(images))
    assert found["test/attributes_stub"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert [record["score"]["attributes_stub"] for record in task.records] == [1, 1, 0.5]


def test_the_reader_is_no_part_of_the_model():
    reader = Stub()
    task = made(features=reader)
    assert not any("reader" in name or "weight" in name for name in task.state_dict())
    assert list(task.parameters()) == list(task.net.parameters())
    assert not reader.training and not reader.weight.requires_grad


def test_a_config_says_which_scores_it_has():
    features = {"_target_": f"{Stub.__module__}.Stub"}
    assert VAE.scored({"features": features}) == {"bits_per_dim": "min", "attributes_stub": "max"}
    for node in ({}, {"features": None}, {"features": {"_target_": "no.such.Class"}}):
        assert VAE.scored(node) == {"bits_per_dim": "min"}
    with pytest.raises(ConfigError, match="^model.features=Identity: must be a reader of attributes"):
        VAE.scored({"features": {"_target_": "torch.nn.Identity"}})


def test_it_learns_one_batch_by_heart():
    task = made(conv(widths=(16,), latents=8, outputs=1), likelihood="bernoulli", beta=0.1)
    optimizer = torch.optim.Adam(task.net.parameters(), 2e-2)
    losses = overfitted(task, batch(IMAGES.sign()), optimizer, 60)
    assert sum(losses[-5:]) / 5 < 0.4 * losses[0]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"beta": -1.0}, "beta -1.0: must be at least 0"),
        ({"free_bits": -1.0}, "free_bits -1.0: must be at least 0"),
        ({"warmup": -1}, "warmup -1: must be at least 0"),
        ({"beta_nll": 1.5}, "beta_nll 1.5: must be between 0 and 1"),
        ({"importance_samples": 0}, "importance_samples 0: must be at least 1"),
        ({"likelihood": "normal"}, "likelihood normal: must be one of logistic, bernoulli"),
        ({"features": nn.Identity()}, "features Identity: must be a reader of attributes"),
        ({"likelihood": "bernoulli"}, "net.outputs 2: must be 1 for likelihood bernoulli"),
    ],
)
def test_a_value_that_cannot_be_is_refused(given, fault):
    with pytest.raises(ValueError, match=fault):
        made(**given)
