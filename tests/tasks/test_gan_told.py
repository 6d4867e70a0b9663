"""A GAN that is told kinds: it learns to draw what it is told, and is scored by being read so."""

import functools
from types import SimpleNamespace as Namespace

import pytest
import torch
from colours import Colours, learnt
from torch import nn

from crossmedia.config import compose
from crossmedia.data.batches import KindBatch, Meta
from crossmedia.nets.dcgan import Discriminator
from crossmedia.nets.kinds import one_hot
from crossmedia.run import monitored
from crossmedia.tasks.gan import GAN
from crossmedia.tasks.starts import Starts

SHADE = torch.tensor([0.5, -0.5])  # of the pictures of each kind


class Painter(nn.Module):
    """One object of two kinds: a picture of one shade."""

    latent_dim, objects, kinds = 4, 1, (2,)

    def __init__(self):
        super().__init__()
        self.paint = nn.Linear(4 + 2, 64)

    def forward(self, latents, kinds):
        return self.paint(torch.cat([latents, one_hot(kinds, (2,))[:, 0]], 1)).tanh().view(-1, 1, 8, 8)


class Shades(Colours):
    """Its two classes are the kinds."""

    kinds = (2,)


def told(loss="hinge", features=None, judged=(2,), names=()):
    torch.manual_seed(0)
    optimizer = functools.partial(torch.optim.Adam, lr=5e-3, betas=(0.5, 0.9))
    discriminator = Discriminator(8, 1, [8, 8], "none", kinds=judged)
    parts = (
        Painter(),
        discriminator,
        Meta(kinds=((0, 3), (1, 1)), objects=1, names=names),
        optimizer,
        optimizer,
    )
    return GAN(*parts, features or Shades(), loss=loss, r1=0.1)


def batch_of(count):
    kinds = torch.arange(count)[:, None, None] % 2  # (B, 1, 1)
    noise = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(count))
    pictures = SHADE[kinds[:, 0, 0]].view(-1, 1, 1, 1) + 0.01 * noise
    return KindBatch(
        pictures, kinds, torch.ones(count, dtype=torch.bool), [f"test-{n}" for n in range(count)]
    )


@pytest.mark.parametrize("loss", ["hinge", "non_saturating", "wgan_gp"])
def test_it_learns_to_draw_what_it_is_told(loss):
    batch = batch_of(32)
    before, after = learnt(told(loss), batch, batch.inputs, steps=150)
    assert after < before / 2


class Faithful(Painter):
    def forward(self, latents, kinds):
        return SHADE[kinds[:, 0, 0]].view(-1, 1, 1, 1).expand(-1, 1, 8, 8) + 0 * self.paint.weight.sum()


class Stubborn(Painter):
    def forward(self, latents, kinds):
        return torch.full((len(latents), 1, 8, 8), 0.5)


@pytest.mark.parametrize(("net", "expected"), [(Faithful(), 1.0), (Stubborn(), 0.75)])
def test_it_is_scored_by_being_read_as_told(net, expected):
    model, logged = told().eval(), {}
    model.net = net
    model.log_score = lambda split, name, value, size: logged.update({f"{split}/{name}": value})
    model.forget()
    with torch.no_grad():
        model.score(batch_of(200), "test")
    assert logged["test/as_told_colours"].compute().item() == pytest.approx(expected, abs=0.1)
    assert model.scores["as_told_colours"] == "max"


def test_a_rank_without_pictures_logs_the_score_too():
    model, logged = told().eval(), []
    model.log_score = lambda split, name, value, size: logged.append((name, size))
    model.forget()
    with torch.no_grad():
        model.score(batch_of(2)._replace(valid=torch.zeros(2, dtype=torch.bool)), "test")
    assert logged == [("as_told_colours", 0)]


@pytest.mark.parametrize("judged", [(), (3,)])
def test_both_players_are_told_the_same_kinds(judged):
    with pytest.raises(ValueError, match=r"^discriminator.kinds \[3?\]: must be as net.kinds, \[2\]$"):
        told(judged=judged)


def test_features_that_tell_no_such_kinds_do_not_score_it():
    model = told(features=Colours())
    model.log_score = lambda *_: pytest.fail("scored")
    model.forget()
    with torch.no_grad():
        model.eval().score(batch_of(4), "test")
    assert not any("as_told" in name for name in model.scores)


def test_a_config_says_whether_it_is_scored():
    features = {"_target_": "crossmedia.metrics.embedded.SceneFeatures"}
    whole = [8, 8, 3]
    nets = [{"kinds": whole}, {"kinds": whole, "objects": 2}, {"kinds": [8, 8]}, {"kinds": 192}, {}]
    found = [GAN.scored({"features": features, "net": net}).get("as_told_scenes") for net in nets]
    assert found == ["max", None, None, None, None]


def test_being_read_as_told_is_better_the_more():
    words = ["experiments=gan_scenes", "monitor=val/as_told_scenes"]
    assert monitored(compose(words)) == ("val/as_told_scenes", "max")


def test_the_way_between_latents_of_one_number_is_a_line():
    ways = Starts(Namespace(latent_dim=1), Meta()).ways((torch.tensor([[1.0], [3.0], [-1.0]]),), 3)
    assert ways[0].flatten().tolist() == [1, 2, 3, 3, 1, -1]


@pytest.fixture
def starts():
    net = Namespace(latent_dim=4, kinds=(2, 3), objects=2)
    names = (("red", "blue"), ("small", "medium", "large"))
    return Starts(net, Meta(kinds=((0, 0, 5), (1, 2, 5)), objects=2, names=names))


def test_what_is_wanted_of_a_kind_is_drawn_and_the_rest_as_training_has_it(starts):
    wanted = starts.wanted("Red")
    assert wanted.tolist() == [[0, -1], [-1, -1]]
    kinds = starts.named(*(("some", number) for number in range(20)), wanted=wanted)[1]
    assert (kinds[:, 0] == torch.tensor([0, 0])).all()
    assert {*map(tuple, kinds[:, 1].tolist())} == {(0, 0), (1, 2)}
    kinds = starts.named(("some", 0), wanted=starts.wanted("blue, large red"))[1]
    assert kinds.tolist() == [[[1, 2], [0, 2]]]  # training has no large red one


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tiny", "kind tiny: must be words of red, blue, small, medium, large"),
        ("red, small blue red", "kind small blue red: two words for one of 2 attributes"),
        ("red, red, red", "kind red, red, red: 3 objects; its pictures have 2"),
    ],
)
def test_what_is_no_kind_is_named(starts, text, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        starts.wanted(text)


def test_a_picture_is_of_the_kind_that_is_asked_for():
    model = told(names=(("light", "dark"),)).eval()
    model.net = Faithful()
    assert {*model.generate(n=9, kind="dark").flatten().tolist()} == {64}
    assert torch.equal(model.generate(n=3, kind="light")[2], model.generate(n=1, first=2, kind="light")[0])
    with pytest.raises(ValueError, match="kind dark: this model was told no names of kinds"):
        told().generate(kind="dark")


def test_pictures_are_of_the_kinds_of_their_seed_whatever_their_number():
    model = told().eval()
    model.net = Faithful()
    many = model.generate(n=20, seed=3)
    assert torch.equal(many[4:6], model.generate(n=2, seed=3, first=4))
    assert {*many.flatten(1).float().mean(1).round().tolist()} == {64.0, 191.0}
