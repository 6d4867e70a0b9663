"""Every model file fits the code and learns from a data set that has what it takes."""

import math

import pytest
from made import FEW_SCENES, LITTLE, TINY, aligner

from crossmedia.config import ROOT, check, compose
from crossmedia.run import train

NAMES = sorted(path.stem for path in (ROOT / "conf" / "model").glob("*.yaml"))
EXPERIMENTS = "".join(path.read_text("utf-8") for path in (ROOT / "experiments").glob("*.yaml"))
FEW = [f"data.source.num_{split}={number}" for split, number in (("train", 16), ("val", 3), ("test", 5))]
DIGITS, SCENES = ["data=digits"], ["data=scenes", "data.image.size=32", *FEW]
DATA = {
    "captioning": SCENES,
    "captioning_sound": ["data=sound_scenes", *FEW],
    "classification": DIGITS,
    "classification_frame": ["data=spoken_digits", *FEW],
    "classification_mel": ["data=spoken_digits", *FEW],
    "classification_resnet": [*SCENES, "data.source.max_objects=1"],
    "ctc": ["data=spoken_scenes", *FEW],
    "gan": SCENES,
    "gan_projected": [*SCENES, "data.source.max_objects=1"],
    "scene": SCENES,
    "seq2seq": ["data=spoken_scenes", *FEW],
    "transducer": ["data=spoken_scenes", *FEW],
    "tts": ["data=spoken_scenes", *FEW],
    "vae": SCENES,
    "vae_dense": DIGITS,
    "vocoder": ["data=spoken_scenes", *FEW],
    "vqvae": SCENES,
}
SMALL = {  # what would take long, or a download
    "gan_dcgan": ["model.net.widths=[8,8,8,8]", "model.discriminator.widths=[8,8,8,8]"],
    "gan_resnet": ["model.net.width=8", "model.discriminator.width=8", "model/features=scenes"],
    "seq2seq_las": ["model.max_len=20"],
    "seq2seq_transformer": ["model.max_len=20"],
    "tts_fastspeech": ["model.aligner.run=none"],
    "vae_conv": ["model.importance_samples=2"],
    "vae_dense": ["model.importance_samples=2"],
    "vocoder_hifigan": LITTLE["hifigan"],
    "vocoder_waveglow": LITTLE["waveglow"],
}


def words(name):
    fitting = max((start for start in DATA if name.startswith(start)), key=len)
    return [*DATA[fitting], f"model={name}", "data.batch_size=8", *SMALL.get(name, [])]


def run_elsewhere(name):
    """An experiment has the model, and runs in a test of its own."""
    return f"override /model: {name}\n" in EXPERIMENTS


@pytest.mark.parametrize("name", NAMES)
def test_a_model_fits_the_code(name):
    check(compose(words(name)))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if run_elsewhere(name) else ()) for name in NAMES]
)
def test_two_steps_of_a_model_give_finite_scores(name, tmp_path):
    told = [*FEW_SCENES, f"model.aligner.run={aligner()}"] if name == "tts_fastspeech" else []
    scores = train([*words(name), *told, *TINY, f"out_dir={tmp_path}"])
    assert scores and all(math.isfinite(value) for value in scores.values()), scores
