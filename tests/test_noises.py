"""Noises that training mixes in are part of its data: a run goes on with no others, and is scored without."""

import json

import pytest
from made import TINY, spoken_stamps
from runs import only
from sounds import save, tone

from crossmedia import run
from crossmedia.errors import CheckpointError

SMALL = ["data.num_workers=0", "data.batch_size=4", "model=classification_frame_dnn"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run, and the folder of its noises."""
    home = tmp_path_factory.mktemp("noises")
    (home / "hums").mkdir()
    save(home / "hums" / "hum.wav")
    augment = (
        "{_target_: crossmedia.audio.augment.SoundAugment, sample_rate: '${data.audio.sample_rate}', "
        f"snr: [0, 10], noises: {home / 'hums'}}}"
    )
    words = ["experiments=language_stamps", *SMALL, f"data.source.root={spoken_stamps(home / 'stamps')}"]
    run.train([*words, *TINY, f"++data.view.augment={augment}", f"out_dir={home}/outputs"])
    return only(home / "outputs"), home / "hums"


def test_a_run_does_not_go_on_with_other_noises(trained):
    folder, hums = trained
    save(hums / "hum.wav", tone(seconds=0.5))
    with pytest.raises(CheckpointError, match="the data are no longer those it was trained on"):
        run.resume(str(folder), ["trainer.max_epochs=2"])
    save(hums / "hum.wav")
    run.resume(str(folder), ["trainer.max_epochs=2"])


def test_a_run_is_scored_without_its_noises(trained):
    folder, hums = trained
    hums.rename(hums.with_name("moved"))
    try:
        assert "test/accuracy" in run.evaluate(folder)
    finally:
        hums.with_name("moved").rename(hums)


def test_the_manifest_tells_the_noises_apart(trained):
    folder, _ = trained
    manifest = json.loads((folder / "manifest.json").read_text())
    assert len(manifest["noises"]) == 64 and manifest["noises"] != manifest["data"]
