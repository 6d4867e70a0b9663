import pytest
import torch
import torch.nn.functional as F

from crossmedia.nets.blockgan import BlockGenerator


@pytest.mark.parametrize(("size", "widths"), [(16, [6, 5, 4]), (32, [6, 5, 5, 4])])
@pytest.mark.parametrize("objects", [1, 2])
@pytest.mark.parametrize("kinds", [(), (3, 2)])
def test_latents_become_pictures_of_the_asked_size(size, widths, objects, kinds):
    torch.manual_seed(0)
    net = BlockGenerator(size, channels=1, latent_dim=12, widths=widths, objects=objects, kinds=kinds)
    told = torch.tensor([[0, 1], [2, 0], [1, 1]])[:, None].expand(-1, objects, -1)
    pictures = net(torch.randn(3, 12), told) if kinds else net(torch.randn(3, 12))
    assert pictures.shape == (3, 1, size, size) and pictures.abs().max() <= 1
    pictures.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters())


def test_an_object_is_moved_as_grid_sample_moves_it():
    torch.manual_seed(0)
    net = BlockGenerator(16, latent_dim=8, widths=[4, 3, 2])
    drawn, centre = torch.randn(3, 5, 4, 4), torch.rand(3, 2) * 2 - 1
    move = torch.cat([torch.eye(2).expand(3, 2, 2) * 2, -2 * centre[:, :, None]], 2)
    points = F.affine_grid(move, [3, 1, 8, 8], align_corners=False)
    expected = F.grid_sample(drawn, points, align_corners=False)
    torch.testing.assert_close(net.moved(drawn, centre), expected, atol=1e-5, rtol=1e-5)


def test_two_latents_alone_say_where_an_object_is():
    torch.manual_seed(0)
    net = BlockGenerator(32, latent_dim=16, widths=[8, 8, 8, 8]).eval()
    latents = torch.randn(1, 16).repeat(2, 1)
    latents[:, 8:10] = torch.tensor([[0.0, 0.0], [0.5, 0.0]])
    content = net.reach(latents[:1, 10:]).sigmoid()
    away = torch.erf(torch.tensor(0.5) / 2**0.5) * content[0, 0] * 8  # cells to the right
    with torch.no_grad():
        here, there = (net.placed(row[None, 8:]).abs().sum(1)[0] for row in latents)
    across = torch.arange(16.0)
    moved = (there.sum(0) @ across / there.sum() - here.sum(0) @ across / here.sum()).item()
    assert moved == pytest.approx(away.item(), abs=0.5)
    torch.testing.assert_close(here.sum(1), there.sum(1), atol=0.05 * here.max().item(), rtol=0.3)


def test_each_object_is_of_the_kind_that_it_is_told():
    torch.manual_seed(0)
    net = BlockGenerator(16, latent_dim=9, widths=[4, 3, 2], objects=2, kinds=(3, 2))
    latents = torch.randn(4, 9)
    latents[:, 6:] = latents[:, 3:6]  # two alike in one place, but for their kind
    with torch.no_grad():
        one, turned, other = (
            net(latents, torch.tensor([kinds]).expand(4, -1, -1))
            for kinds in ([[0, 1], [2, 0]], [[2, 0], [0, 1]], [[0, 1], [1, 0]])
        )
    torch.testing.assert_close(one, turned)
    assert (one - other).abs().max() > 0.01


@pytest.mark.parametrize("kinds", [(), (3, 2)])
def test_a_sample_alone_is_as_in_a_batch(kinds):
    torch.manual_seed(0)
    net = BlockGenerator(16, latent_dim=8, widths=[4, 3, 2], kinds=kinds).eval()
    start = [torch.randn(4, 8)]
    if kinds:
        start.append(torch.tensor([[[0, 1]], [[2, 0]], [[1, 1]], [[0, 0]]]))
    alone = [net(*(part[row : row + 1] for part in start)) for row in range(4)]
    torch.testing.assert_close(net(*start), torch.cat(alone), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"image_size": 8, "widths": [8, 8]}, r"^widths \[8, 8\]: must be three or more$"),
        ({"widths": [8, 8, 8]}, r"^widths \[8, 8, 8\]: must be .* make 32 pixels; these make 16\. Give"),
        ({"kinds": [8, 1]}, r"^kinds \[8, 1\]: must be at least 2 each$"),
        ({"latent_dim": 9}, r"^latent_dim 9: must be 2 times a number above 2$"),
        ({"latent_dim": 4}, r"^latent_dim 4: must be 2 times a number above 2$"),
    ],
)
def test_a_wrong_argument_is_named(more, words):
    with pytest.raises(ValueError, match=words):
        BlockGenerator(**{"image_size": 32, **more})
