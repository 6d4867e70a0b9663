import pytest
import torch

from crossmedia.nets.dcgan import Discriminator, Generator


def test_latents_become_pictures_of_the_asked_size():
    net = Generator(16, channels=1, latent_dim=5, widths=[8, 6, 4])
    pictures = net(torch.randn(3, 5))
    assert pictures.shape == (3, 1, 16, 16) and pictures.abs().max() <= 1


@pytest.mark.parametrize("norm", ["spectral", "batch", "layer", "none"])
@pytest.mark.parametrize(("refine", "fold"), [(True, False), (False, False), (True, True), (False, True)])
@pytest.mark.parametrize("pool", [False, True])
def test_pictures_become_a_score_each_and_gradients_reach_every_weight(norm, refine, fold, pool):
    widths = [4, 6, 8][: 2 + refine - fold]
    net = Discriminator(16, channels=1, widths=widths, norm=norm, refine=refine, fold=fold, pool=pool)
    scores = net(torch.randn(3, 1, 16, 16))
    assert scores.shape == (3,)
    scores.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters())


def test_a_pooled_score_does_not_depend_on_the_place():
    torch.manual_seed(0)
    net = Discriminator(32, widths=[8, 8, 8], norm="none", refine=False, pool=True).double()
    assert net.layers(torch.zeros(1, 3, 32, 32).double()).shape == (1, 8, 8, 8)
    for layer in net.layers:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.zeros_(layer.bias)  # the zeros beyond the border are then as those within
    pictures = torch.zeros(2, 3, 32, 32).double()
    patch = torch.randn(3, 4, 4).double()
    pictures[0, :, 12:16, 12:16] = patch
    pictures[1, :, 16:20, 12:16] = patch  # a cell lower
    here, lower = net(pictures)
    torch.testing.assert_close(here, lower)
    assert here != net(0 * pictures[:1])[0]


@pytest.mark.parametrize("net", [Generator(8, 1, 4, [4, 4]), Discriminator(8, 1, [4, 4], "batch")])
def test_a_sample_alone_is_as_in_a_batch(net):
    torch.manual_seed(0)
    inputs = torch.randn(3, 4) if isinstance(net, Generator) else torch.randn(3, 1, 8, 8)
    net.train()
    net(inputs)  # moves the statistics
    net.eval()
    alone = torch.cat([net(row[None]) for row in inputs])
    torch.testing.assert_close(net(inputs), alone, atol=1e-6, rtol=1e-5)


def test_a_spectrally_normalised_layer_stretches_nothing():
    torch.manual_seed(0)
    net = Discriminator(8, channels=1, widths=[6], norm="spectral", refine=False)
    with torch.no_grad():
        net.score.weight  # noqa: B018 - builds it
        for _ in range(50):  # power iterations
            net(torch.randn(2, 1, 8, 8))
        assert torch.linalg.matrix_norm(net.score.weight, 2).item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: Generator(32, widths=[8, 8]),
            r"^widths \[8, 8\]: must be as many as make 32 pixels; these make 8. "
            "Give others, or another data.image.size$",
        ),
        (
            lambda: Discriminator(32, widths=[8]),
            r"^widths \[8\]: must be as many as make 32 pixels",
        ),
        (
            lambda: Discriminator(8, widths=[8], norm="group", refine=False),
            r"^norm group: must be one of spectral, batch, layer, none",
        ),
    ],
)
def test_a_wrong_argument_is_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_the_refined_one_is_that_of_the_paper():
    net = Discriminator(32, widths=[64, 128, 256, 512])
    convolutions = [layer for layer in net.layers if isinstance(layer, torch.nn.Conv2d)]
    assert [(c.out_channels, c.kernel_size[0], c.stride[0]) for c in convolutions] == [
        *[(64, 3, 1), (64, 4, 2), (128, 3, 1), (128, 4, 2), (256, 3, 1), (256, 4, 2), (512, 3, 1)]
    ]
    assert net.score.in_features == 512 * 4 * 4


@pytest.mark.parametrize("norm", ["spectral", "none"])
def test_a_told_kind_adds_the_projection_of_what_is_seen(norm):
    torch.manual_seed(0)
    net = Discriminator(8, 1, [4, 6], norm, pool=True, kinds=(3, 2)).eval()
    pictures, kinds = torch.randn(2, 1, 8, 8), torch.tensor([[[0, 1], [2, 0]], [[1, 1], [-1, -1]]])
    with torch.no_grad():
        seen = net.layers(pictures).sum((2, 3)) / 8  # of 8 × 8 places the last halving is left out
        rows = net.told.weight.T  # (5, 6)
        added = [seen[0] @ (rows[0] + rows[4] + rows[2] + rows[3]), seen[1] @ (rows[1] + rows[4])]
        torch.testing.assert_close(net(pictures, kinds) - net(pictures), torch.stack(added))
