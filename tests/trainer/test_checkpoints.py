import os
from math import inf, nan
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from crossmedia.errors import SecurityError, SystemFault
from crossmedia.trainer.checkpoints import AtomicCheckpointIO, Checkpoints

from .tiny import Tiny, fit


def validated(tmp_path, direction, scores, sanity=False):
    """Checkpoints after a validation with each of the scores, and the epochs whose weights were saved."""
    kept, saved = Checkpoints(tmp_path, "val/score", direction, {}), []
    for epoch, score in enumerate(scores):
        trainer: Any = SimpleNamespace(
            callback_metrics={"val/score": torch.tensor(score)},
            current_epoch=epoch,
            sanity_checking=sanity,
            save_checkpoint=lambda path, epoch=epoch: saved.append((epoch, path.name)),
        )
        kept.on_validation_end(trainer, Tiny())
    return kept, saved


@pytest.mark.parametrize(
    ("direction", "scores"), [("max", [0.5, 0.4, 0.5, 0.7, 0.6]), ("min", [0.5, 0.6, 0.5, 0.3, 0.4])]
)
def test_only_a_better_score_replaces_the_best(tmp_path, direction, scores):
    kept, saved = validated(tmp_path, direction, scores)
    assert saved == [(0, "best.ckpt"), (3, "best.ckpt")]
    assert (kept.best, kept.best_epoch) == (pytest.approx(scores[3]), 3)


@pytest.mark.parametrize(("direction", "never"), [("max", inf), ("min", -inf)])
def test_a_score_that_is_no_finite_number_is_never_best(tmp_path, direction, never):
    kept, saved = validated(tmp_path, direction, [nan, never, 0.5, nan])
    assert saved == [(2, "best.ckpt")] and kept.best == 0.5


def test_the_sanity_check_is_no_validation(tmp_path):
    kept, saved = validated(tmp_path, "max", [0.5], sanity=True)
    assert not saved and kept.best is None


def test_a_score_that_never_moved_is_stuck(tmp_path):
    assert validated(tmp_path, "max", [0.0, 0.0, 0.0])[0].stuck
    assert not validated(tmp_path, "max", [0.0])[0].stuck
    assert not validated(tmp_path, "max", [0.0, 0.0, 0.1])[0].stuck


def test_a_state_that_went_through_a_file_keeps_the_best_and_what_is_stuck(tmp_path):
    kept, _ = validated(tmp_path, "max", [0.25, 0.25])
    torch.save(kept.state_dict(), tmp_path / "state")
    other = Checkpoints(tmp_path, "val/score", "max", {})
    other.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    assert (other.best, other.best_epoch, other.stuck) == (0.25, 0, True)
    assert other.state_dict() == kept.state_dict()


def test_training_leaves_best_and_last_each_with_what_it_takes_to_load_it(tmp_path):
    kept = Checkpoints(tmp_path, "val/score", "max", {"format": 1})
    fit(Tiny([0.25, 0.75, 0.5]), kept, max_epochs=3, plugins=[AtomicCheckpointIO()])
    best, last = (torch.load(kept.folder / f"{name}.ckpt", weights_only=True) for name in ("best", "last"))
    assert best["crossmedia"]["format"] == last["crossmedia"]["format"] == 1
    assert [saved["crossmedia"]["progress"]["epoch"] for saved in (best, last)] == [1, 3]
    assert (best["global_step"], last["global_step"]) == (8, 12)
    assert {path.name for path in kept.folder.iterdir()} == {"best.ckpt", "last.ckpt", "previous.ckpt"}


def test_last_is_saved_at_the_first_step_after_a_validation(tmp_path):
    kept, saved = Checkpoints(tmp_path, "val/score", "max", {}), []
    trainer: Any = SimpleNamespace(
        callback_metrics={"val/score": torch.tensor(float("nan"))},
        current_epoch=0,
        sanity_checking=False,
        accumulate_grad_batches=2,
        fit_loop=SimpleNamespace(),
        world_size=1,
        save_checkpoint=lambda path: saved.append(path.name),
    )
    for batch in range(6):
        kept.on_train_batch_start(trainer, Tiny(), None, batch)
        saved.append(batch)
        if batch == 2:
            kept.on_validation_end(trainer, Tiny())
    assert saved == [0, 1, 2, 3, "last.ckpt", 4, 5]  # batch 3 is in the middle of an accumulation


def held(path):
    return AtomicCheckpointIO().load_checkpoint(path)["step"]


def save(path, *steps):
    for step in steps:
        AtomicCheckpointIO().save_checkpoint({"crossmedia": {}, "step": step}, path)


def test_the_last_but_one_checkpoint_is_kept_as_previous(tmp_path):
    save(tmp_path / "last.ckpt", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
    save(tmp_path / "last.ckpt", 2, 3)
    save(tmp_path / "best.ckpt", 4, 5)
    names = ("last.ckpt", "previous.ckpt", "best.ckpt")
    assert [held(tmp_path / name) for name in names] == [3, 2, 5]
    assert len(list(tmp_path.iterdir())) == 3


def full_disk(*args):
    raise OSError(28, "No space left on device")


def test_a_write_that_fails_leaves_the_old_checkpoint_and_no_scraps(tmp_path, monkeypatch):
    save(tmp_path / "last.ckpt", 1, 2)
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(SystemFault, match=r"last.ckpt: No space left on device. The file is as it was"):
        save(tmp_path / "last.ckpt", 3)
    assert held(tmp_path / "last.ckpt") == 2
    assert {path.name for path in tmp_path.iterdir()} == {"last.ckpt", "previous.ckpt"}


def test_a_write_that_fails_leaves_the_previous_checkpoint_too(tmp_path, monkeypatch):
    save(tmp_path / "last.ckpt", 1, 2)
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(SystemFault):
        save(tmp_path / "last.ckpt", 3)
    assert held(tmp_path / "previous.ckpt") == 1


def test_a_file_system_without_links_keeps_checkpoints_too(tmp_path, monkeypatch):
    def refuse(*args, **more):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    save(tmp_path / "last.ckpt", 1, 2)
    assert held(tmp_path / "last.ckpt") == 2


def test_a_checkpoint_with_code_in_it_is_not_loaded(tmp_path):
    save_values = {"crossmedia": {}, "step": print}
    AtomicCheckpointIO().save_checkpoint(save_values, tmp_path / "last.ckpt")
    with pytest.raises(SecurityError, match="last.ckpt: asks for print; not loaded"):
        AtomicCheckpointIO().load_checkpoint(tmp_path / "last.ckpt", weights_only=False)
