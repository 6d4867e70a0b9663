"""Two ranks on the CPU score as one does, and the one at fault is named."""

import json
import time

import pytest
from made import BARE, TINY, words_of
from ranked import DDP, FAULTY, SAVE, SHORT, STEP, VALIDATION, needs_ranks, status
from runs import differing, only

from crossmedia import errors, run
from crossmedia.build import trusting
from crossmedia.config import ROOT
from crossmedia.errors import RankError
from crossmedia.saved import read_checkpoint

pytestmark = needs_ranks
FRACTIONS = (
    *("loss", "fid_", "kid_", "inception_score_", "density_", "bits_per_dim", "kl", "reconstruction"),
    *("diagonality", "mcd", "f0_error", "length_error", "/mel", "/nll", "/stft", "/stoi"),
)
NAMES = sorted([*(path.stem for path in (ROOT / "experiments").glob("*.yaml")), *BARE])


def check_scores(folder, scores):
    """Those of one rank on the same checkpoint, each sample counted once."""
    found = run.evaluate(folder)
    assert found.keys() == scores.keys()
    for name, value in found.items():  # what is counted is equal, what is a sum of fractions nearly
        fraction = any(word in name for word in FRACTIONS)
        near = 1e-5 if "/stoi" in name else 1e-6  # it correlates bands in which a tone has only rounding
        assert scores[name] == (pytest.approx(value, rel=1e-5, abs=near) if fraction else value), name
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    ids = [(line["split"], line["id"]) for line in lines]
    assert len(set(ids)) == len(ids)
    return ids


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == NAMES[0] else pytest.mark.slow) for name in NAMES]
)
def test_two_ranks_score_every_experiment_as_one_does(name, tmp_path, alone):
    tiny = [word for word in TINY if word != "trainer=cpu" and "limit_test" not in word]
    words = [*words_of(name, tmp_path / "data"), *DDP, *tiny, "data.batch_size=4"]
    scores = run.train([*words, f"out_dir={tmp_path}"])
    (folder,) = (tmp_path / name).glob("2*")
    assert check_scores(folder, scores) and status(folder)["state"] == "finished"


def faulty(tmp_path, *words):
    """The error of a run whose rank 1 goes wrong, and the seconds from then to the end."""
    with pytest.raises(errors.UserError) as caught:
        run.train([*SHORT, *words, f"out_dir={tmp_path}"])
    seconds = time.time() - (tmp_path / "moment").stat().st_mtime
    facts = status(only(tmp_path))
    assert facts["state"] == "failed" and facts["reason"] == caught.value.lines[0]
    assert read_checkpoint(only(tmp_path) / "checkpoints" / "last.ckpt")
    assert seconds < 15 + 10
    return caught.value


CLASSIFIER = [*SHORT, *FAULTY, "+model.fault=SIGKILL", f"+model.place={STEP}"]
PLAYERS = [
    "experiments=gan_digits",
    *SHORT[1:-2],
    "model.net.widths=[8,4]",
    "model.discriminator.widths=[4,4]",
]


@pytest.mark.slow
@pytest.mark.parametrize("words", [CLASSIFIER, [*PLAYERS, "model._target_=faulty.FaultyGAN"]])
def test_ranks_go_on_to_the_same_bits_after_one_was_killed(words, tmp_path, alone):
    words = [*words, "trainer.check_val_every_n_epoch=1", "trainer.strategy.timeout=60"]
    with pytest.raises(RankError, match="signal 9"):
        run.train([*words, f"out_dir={tmp_path / 'killed'}"])
    killed = only(tmp_path / "killed")
    with trusting(["faulty"]):
        run.resume(str(killed), [])
    run.train([*words, f"out_dir={tmp_path / 'whole'}"])  # the fault comes once
    assert differing(killed, only(tmp_path / "whole")) == []


def test_a_rank_that_is_killed_is_named(tmp_path, alone, capfd):
    error = faulty(tmp_path, *FAULTY, "+model.fault=SIGKILL", f"+model.place={STEP}")
    assert error.report().startswith("rank: rank 1: signal 9 (killed). To go on: resume=")
    assert error.code == 8 and capfd.readouterr().err == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "place", "words"),
    [
        ("raise", STEP, "rank 1: ValueError: boom. "),
        ("raise", VALIDATION, "rank 1: ValueError: boom. "),
        ("raise", SAVE, "rank 1: ValueError: boom. "),
        ("exit3", STEP, "rank 1: exit code 3. "),
        ("exit0", STEP, "rank 1: ended before the others, with exit code 0. "),
        ("hang", STEP, "rank 1: silent for 15 s. "),
        ("hang", VALIDATION, "rank 1: silent for 15 s. "),
        ("SIGSTOP", STEP, "rank 1: silent for 15 s. "),
        ("SIGSEGV", STEP, "rank 1: signal 11 (segmentation fault). "),
        ("metric", VALIDATION, "rank 1: logs val/lonely, which rank 0 does not. "),
    ],
)
def test_a_rank_that_goes_wrong_is_named_with_its_cause(fault, place, words, tmp_path, alone, capfd):
    error = faulty(tmp_path, *FAULTY, f"+model.fault={fault}", f"+model.place={place}")
    assert isinstance(error, RankError) and error.lines[0].startswith(words), error.lines
    assert len(error.report()) <= 240 + len(str(tmp_path))
    assert capfd.readouterr().err.count("Traceback") == (fault == "raise")


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_fault_of_the_data_on_one_rank_is_told_as_on_one(rank, tmp_path, alone, capfd):
    view = ["data.view._target_=faulty.FaultyView", "+data.view.fault=data", "+data.view.at=5"]
    error = faulty(tmp_path, *view, f"+data.view.rank={rank}")
    assert type(error) is errors.DataError and error.lines == ["a.png: cut short after 3 bytes"]
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_rank_that_raises_in_its_loader_is_named(tmp_path, alone):
    view = ["data.view._target_=faulty.FaultyView", "+data.view.fault=raise", "+data.view.at=7"]
    error = faulty(tmp_path, *view, "data.num_workers=1")  # which makes two batches in advance
    assert error.lines[0].startswith("rank 1: ValueError: ")


@pytest.mark.slow
def test_a_loss_that_is_no_number_on_one_rank_is_told_as_on_one(tmp_path, alone):
    error = faulty(tmp_path, *FAULTY, "+model.fault=diverge", f"+model.place={STEP}")
    assert isinstance(error, errors.NonFiniteError) and error.lines[0].startswith(
        "train/loss=nan in epoch 1 "
    )


@pytest.mark.slow
def test_a_split_of_fewer_samples_than_ranks_is_scored(tmp_path, alone):
    words = [
        "experiments=captioning_scenes",
        *DDP,
        *TINY[1:],
        "data.batch_size=4",
        "++data.source.num_train=64",
    ]
    sizes = ["++data.source.num_val=1", "++data.source.num_test=1"]
    scores = run.train([*words, *sizes, f"out_dir={tmp_path}"])
    (folder,) = (tmp_path / "captioning_scenes").glob("2*")
    assert len(check_scores(folder, scores)) == 2  # test and test_composition
