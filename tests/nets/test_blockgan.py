import pytest
import torch
import torch.nn.functional as F

from crossmedia.nets.blockgan import BlockGenerator


@pytest.mark.parametrize(("size", "widths"), [(16, [6, 5, 4]), (32, [6, 5, 5, 4])])
@pytest.mark.parametrize("objects", [1, 2])
@pytest.mark.parametrize("kinds", [0, 3])
def test_latents_become_pictures_of_the_asked_size(size, widths, objects, kinds):
    torch.manual_seed(0)
    net = BlockGenerator(size, channels=1, latent_dim=12, widths=widths, objects=objects, kinds=kinds)
    pictures = net(torch.randn(3, 12))
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


def test_one_latent_chooses_the_kind_all_equally_often():
    net = BlockGenerator(16, latent_dim=8, widths=[4, 3, 2], kinds=4)
    latents = torch.tensor([[-9.0, 0.3], [-0.7, 0.3], [-0.6, 0.3], [0.6, 0.3], [0.7, 0.3], [9.0, 0.3]])
    content = net.content(latents)
    assert content[:, :4].argmax(1).tolist() == [0, 0, 1, 2, 3, 3]  # the quartiles are at 0 and ±0.674
    assert content[:, :4].square().sum(1).tolist() == [4.0] * 6  # of variance 1, as the latents beside
    assert content[:, 4].tolist() == [pytest.approx(0.3)] * 6


@pytest.mark.parametrize("kinds", [0, 3])
def test_a_sample_alone_is_as_in_a_batch(kinds):
    torch.manual_seed(0)
    net = BlockGenerator(16, latent_dim=8, widths=[4, 3, 2], kinds=kinds).eval()
    latents = torch.randn(4, 8)
    torch.testing.assert_close(
        net(latents), torch.cat([net(row[None]) for row in latents]), atol=1e-6, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"image_size": 8, "widths": [8, 8]}, r"^widths \[8, 8\]: must be three or more$"),
        ({"widths": [8, 8, 8]}, r"^widths \[8, 8, 8\]: must be .* make 32 pixels; these make 16\. Give"),
        ({"kinds": -1}, r"^kinds -1: must be at least 0$"),
        ({"latent_dim": 9}, r"^latent_dim 9: must be 2 times a number above 2$"),
        ({"latent_dim": 4}, r"^latent_dim 4: must be 2 times a number above 2$"),
    ],
)
def test_a_wrong_argument_is_named(more, words):
    with pytest.raises(ValueError, match=words):
        BlockGenerator(**{"image_size": 32, **more})
