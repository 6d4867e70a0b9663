"""A discriminator that looks through a frozen net: what moves and what does not, and what a kind adds."""

import pytest
import torch

from crossmedia.nets.projected import ProjectedDiscriminator
from crossmedia.nets.reader import SceneReader


def made(**more):
    torch.manual_seed(0)
    encoder = SceneReader((2, 3), widths=(3, 4, 5), depth=2)
    given = {"encoder": encoder, "image_size": 32, "mixed": 6, "width": 7, **more}
    return ProjectedDiscriminator(**given), encoder


@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
def test_each_level_has_a_score_and_gradients_reach_what_moves_and_the_pictures(norm):
    net, _ = made(norm=norm)
    pictures = torch.randn(3, 3, 32, 32, requires_grad=True)
    scores = net(pictures)
    assert scores.shape == (3, 2)
    scores.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters())
    assert pictures.grad is not None and (pictures.grad.flatten(1).abs().sum(1) > 0).all()


def test_the_frozen_net_is_no_part_of_it_and_stands_still():
    net, encoder = made()
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    net.train().requires_grad_(True)
    net(torch.randn(3, 3, 32, 32)).sum().backward()
    assert not any(weight.requires_grad for weight in encoder.parameters()) and not encoder.training
    assert all(torch.equal(value, before[key]) for key, value in encoder.state_dict().items())
    assert not {id(weight) for weight in encoder.parameters()} & {id(weight) for weight in net.parameters()}
    assert not any("stages" in key for key in net.state_dict())


def test_what_is_judged_is_the_levels_that_are_named():
    net, encoder = made(levels=[2], pixels=False)
    seen = encoder.levels(torch.randn(2, 3, 32, 32))
    assert [part.shape[1:] for part in seen] == [(3, 32, 32), (4, 16, 16), (5, 8, 8)]
    assert len(net.heads) == 1 and net.heads[0].mix.shape == (6, 5, 1, 1)


def test_the_first_level_also_sees_what_the_frozen_net_lets_pass():
    pictures = torch.randn(4, 3, 32, 32)
    for pixels in (False, True):
        net, encoder = made(pixels=pixels)
        for weight in encoder.parameters():
            weight.zero_()
        scores = net.eval()(pictures)
        apart = (scores - scores[:1]).abs().amax(0)  # of each level
        assert (apart[0] > 1e-3) == pixels and apart[1] == 0
        assert net.heads[0].mix.shape[1] == 4 + 12 * pixels and net.heads[1].mix.shape[1] == 5
    net, encoder = made()
    (first, _), (_, seen, _) = net._seen(pictures), encoder.levels(pictures)
    assert torch.equal(first[:, :4], seen) and torch.equal(
        first[1, 4:8, 3, 5], pictures[1, 0, 6:8, 10:12].flatten()
    )


def test_a_grey_picture_is_one_of_three_equal_channels():
    net, _ = made()
    grey = torch.randn(2, 1, 32, 32)
    assert torch.equal(net.eval()(grey), net(grey.expand(-1, 3, -1, -1)))


def test_a_told_kind_adds_the_projection_of_what_is_seen():
    net, encoder = made(levels=[2], norm="none", pixels=False, kinds=(3, 2))
    pictures, kinds = torch.randn(2, 3, 32, 32), torch.tensor([[[0, 1], [2, 0]], [[1, 1], [-1, -1]]])
    (head,) = net.heads
    with torch.no_grad():
        mixed = torch.nn.functional.conv2d(encoder.levels(pictures)[2], head.mix)
        seen = head.layers(mixed).mean((2, 3))  # (2, 7)
        rows = head.told.weight.T  # (5, 7)
        added = torch.stack(
            [seen[0] @ (rows[0] + rows[4] + rows[2] + rows[3]), seen[1] @ (rows[1] + rows[4])]
        )
        torch.testing.assert_close((net(pictures, kinds) - net(pictures))[:, 0], added)


def test_how_channels_are_mixed_is_kept_and_never_moves():
    net, _ = made()
    assert {key for key in net.state_dict() if key.endswith("mix")} == {"heads.0.mix", "heads.1.mix"}
    assert not any(key.endswith("mix") for key, _ in net.named_parameters())


@pytest.mark.parametrize("norm", ["batch", "spectral"])
@pytest.mark.parametrize("kinds", [(), (3, 2)])
def test_a_sample_alone_is_as_in_a_batch(kinds, norm):
    net, _ = made(kinds=kinds, norm=norm)
    given = [torch.randn(3, 3, 32, 32)]
    if kinds:
        given.append(torch.tensor([[[0, 1]], [[2, 0]], [[1, 1]]]))
    net(*given)  # moves the norms
    net.eval()
    alone = torch.cat([net(*(part[row : row + 1] for part in given)) for row in range(3)])
    torch.testing.assert_close(net(*given), alone, atol=1e-6, rtol=1e-5)


def test_a_level_of_an_odd_side_is_named():
    odd = SceneReader((2, 3), image_size=24, widths=(3, 4, 5))
    with pytest.raises(
        ValueError, match="^levels: the frozen net sees 12 places a side; must be 4, 8, 16, …$"
    ):
        made(encoder=odd, image_size=24)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"levels": [3]}, "^levels 3: must be one of 0, 1, 2$"),
        ({"levels": [-1]}, r"^levels \[-1\]: must be at least 0 each$"),
        ({"levels": []}, r"^levels \[\]: must name one or more$"),
        ({"image_size": 64}, "^image_size 64: must be 32, as the encoder's$"),
        ({"encoder": torch.nn.Identity()}, "^encoder Identity: must have levels, as SceneLevels has$"),
        ({"kinds": [8, 1]}, r"^kinds \[8, 1\]: must be at least 2 each$"),
        ({"norm": "group"}, "^norm group: must be one of spectral, batch, layer, none$"),
        ({"width": 0}, "^width 0: must be at least 1$"),
    ],
)
def test_a_wrong_argument_is_named(more, words):
    with pytest.raises(ValueError, match=words):
        made(**more)
