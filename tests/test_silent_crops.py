"""Vocoders learn from clips that are silence but for their edges: most crops of them are nothing else."""

import csv
import math

import numpy as np
import pytest
from made import LITTLE
from runs import only
from sounds import save, tone

from crossmedia import run

CROP = "data.view.samples=4096"
SOURCE = {"hifigan": ["model.net.harmonics=2"]}  # which learns its pitch where none is heard


@pytest.mark.parametrize("kind", ["hifigan", "waveglow"])
def test_three_epochs_of_silent_crops_stay_finite(kind, tmp_path):
    clip = tone(seconds=2.0)
    clip[3_200:30_400] = 0
    for split, number in (("train", 4), ("val", 1), ("test", 1)):
        folder = tmp_path / "clips" / split / "hum"
        folder.mkdir(parents=True)
        for k in range(number):
            save(folder / f"{k}.wav", np.roll(clip, k))
    data = ["data=audio_folder", f"data.source.root={tmp_path / 'clips'}", "data.batch_size=2"]
    trainer = ["trainer=cpu", "trainer.max_epochs=3", "trainer.log_every_n_steps=1"]
    net = [f"model=vocoder_{kind}", *SOURCE.get(kind, []), *LITTLE[kind], CROP]
    scores = run.train([*data, *net, *trainer, f"out_dir={tmp_path / 'runs'}"])
    assert all(map(math.isfinite, scores.values())), scores
    with (only(tmp_path / "runs") / "metrics.csv").open() as file:
        losses = [float(row[-1]) for row in csv.reader(file) if row[2].startswith("train/")]
    assert len(losses) >= 6 and all(map(math.isfinite, losses))
