"""Every set of pictures trains a GAN and a VAE, at the sizes that they are meant for."""

import math

import pytest
import torch
from made import TINY, filled
from picture_files import cifar10, mnist
from PIL import Image

from crossmedia.run import load, train

SCENES = [f"data.source.num_{split}=16" for split in ("train", "val", "test")]


def folders(root):
    for split in ("train", "val", "test"):
        for kind, colour in (("cat", "red"), ("dog", "blue")):
            (root / split / kind).mkdir(parents=True)
            for number in range(6):
                Image.new("RGB", (40 + number, 50), colour).save(root / split / kind / f"{number}.png")
    return root


SETS = {
    "digits": (8, lambda root: ["data=digits"]),
    "scenes 32": (32, lambda root: ["data=scenes", "data.image.size=32", *SCENES]),
    "scenes 64": (64, lambda root: ["data=scenes", *SCENES]),
    "stamps": (64, lambda root: ["data=stamps", f"data.source.root={filled(filled(root), 'food')}"]),
    "image_folder": (
        64,
        lambda root: ["data=image_folder", f"data.source.root={folders(root)}", "data.num_workers=0"],
    ),
    "cifar10": (32, lambda root: ["data=cifar10", f"data.source.root={cifar10(root)}"]),
    "mnist": (32, lambda root: ["data=mnist", f"data.source.root={mnist(root)}", "data.image.size=32"]),
}


def nets(model, size):
    levels = int(math.log2(size)) - 2  # from 4 × 4
    if model == "gan_dcgan":
        widths = [4] * (levels + 1)
        return [f"model.net.widths={widths}", f"model.discriminator.widths={widths}"]
    return ["model.net.widths=[4,4]", "model.net.latents=3", "model.importance_samples=2"]


@pytest.mark.parametrize("model", ["gan_dcgan", "vae_conv"])
@pytest.mark.parametrize("name", SETS)
def test_a_set_trains_and_pictures_are_made(name, model, tmp_path):
    size, data_of = SETS[name]
    (tmp_path / "data").mkdir()
    words = [*data_of(tmp_path / "data"), f"model={model}", *nets(model, size)]
    scores = train([*words, *TINY, "data.batch_size=8", f"out_dir={tmp_path}"])
    assert scores and all(math.isfinite(value) for value in scores.values()), scores
    (run,) = (path.parent for path in tmp_path.glob("**/manifest.json"))
    made = load(run).generate(n=3, seed=1)
    assert made.shape == (3, 3, size, size)
    assert made.dtype == torch.uint8
