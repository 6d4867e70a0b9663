"""What goes on, what may change where it does, and what is refused: runs of digits, in this process."""

import json
import shutil
import signal
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from runs import differing, only

from crossmedia import continued, run
from crossmedia.config import check, compose
from crossmedia.data.sources.digits import Digits
from crossmedia.errors import CheckpointError, ConfigError, SecurityError, SystemFault
from crossmedia.folder import RunFolder, find_run
from crossmedia.sealed import write_checkpoint
from crossmedia.trainer.resume import settle

WORDS = [
    "experiments=digits",
    "trainer.max_epochs=2",
    "trainer.check_val_every_n_epoch=1",
    "+trainer.limit_train_batches=4",
    "+trainer.limit_val_batches=1",
    "+trainer.limit_test_batches=1",
    "trainer.log_every_n_steps=1",
    "model.net.widths=[4,4]",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished")
    run.train([*WORDS, f"out_dir={out}"])
    return only(out)


@pytest.fixture
def copied(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "digits" / finished.name)


def last(folder):
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)


def contents(folder):
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()
    }


def test_a_finished_run_alone_is_left_as_it_is(copied, capsys):
    before = contents(copied)
    scores = run.resume(str(copied), [])
    assert scores == json.loads((copied / "scores.json").read_text())
    assert "already finished" in capsys.readouterr().out
    lock = copied / ".lock"
    assert {**before, lock: None} == {**contents(copied), lock: None}


def test_more_epochs_extend_a_finished_run_and_stand_in_its_folder(copied):
    run.resume(str(copied), ["trainer.max_epochs=4"])
    rows = [line.split(",") for line in (copied / "metrics.csv").read_text().splitlines()]
    assert [row[1] for row in rows if row[2] == "val/accuracy"] == ["0", "1", "2", "3"]
    assert "trainer.max_epochs=4" in yaml.safe_load((copied / "overrides.yaml").read_text())
    assert yaml.safe_load((copied / "config.yaml").read_text())["trainer"]["max_epochs"] == 4
    assert last(copied)["lr_schedulers"][0]["total_steps"] == 16  # it was 8, and could not have gone on


def test_a_schedule_that_goes_by_ratios_takes_its_place_on_the_longer_curve():
    weight = torch.nn.Parameter(torch.ones(()))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    schedule.last_epoch, optimizer.param_groups[0]["lr"] = 10, 0.0  # at the end of ten steps
    loop = SimpleNamespace(epoch_loop=None)
    trainer: Any = SimpleNamespace(
        fit_loop=loop,
        optimizers=[optimizer],
        max_epochs=20,
        _logger_connector=SimpleNamespace(_callback_metrics={}),
        lr_scheduler_configs=[SimpleNamespace(scheduler=schedule)],
    )
    settle(trainer, {"inside": False, "metrics": {}, "max_epochs": 10, "stopping": False})
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("model.optimizer.lr=1e-4", "model.optimizer.lr=0.0001: the run to resume has 0.003"),
        ("data.batch_size=7", "data.batch_size=7: the run to resume has 64"),
        ("seed=1", "seed=1: the run to resume has 0"),
        ("experiments=digits", "experiments=digits: the run to resume has None"),
        ("logger=nope", "logger=nope: no such option. All: csv, tensorboard, wandb"),
    ],
)
def test_what_would_be_another_run_is_refused_by_name(override, line, copied):
    before = contents(copied)
    with pytest.raises(ConfigError) as caught:
        run.resume(str(copied), [override])
    assert caught.value.lines[0].startswith(line)
    assert override.startswith("logger") or "init=RUN" in caught.value.lines[0]
    assert contents(copied) == before


@pytest.mark.parametrize("live", ["${oc.env:HOME}", "${oc.create:{_target_: os.system}}", "x ${seed}"])
def test_a_config_that_refers_to_something_is_refused_before_it_is_resolved(copied, live):
    config = yaml.safe_load((copied / "config.yaml").read_text())
    config["data"]["source"] = {"_target_": config["data"]["source"]["_target_"], "seed": live}
    (copied / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(SecurityError, match="a run's config may not refer to this"):
        run.resume(str(copied), ["trainer.max_epochs=9"])


def test_all_that_may_not_change_is_listed_at_once(copied):
    with pytest.raises(ConfigError) as caught:
        run.resume(str(copied), ["seed=1", "data.batch_size=7", "trainer.max_epochs=9"])
    assert len(caught.value.lines) == 2


def test_a_flag_of_hydras_cannot_stand_beside_it():
    assert continued.parse(["resume='a=b/c'", "debug=true"]) == ("a=b/c", ["debug=true"])
    with pytest.raises(ConfigError, match="-m: cannot stand beside resume=RUN"):
        continued.parse(["-m", "resume=x"])


def test_other_data_than_before_are_named(copied, monkeypatch):
    monkeypatch.setattr(Digits, "fingerprint", lambda self: "other")
    with pytest.raises(CheckpointError, match="the data are no longer those it was trained on"):
        run.resume(str(copied), ["trainer.max_epochs=3"])


def test_a_checkpoint_of_another_model_than_the_config_is_named(copied):
    path = copied / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["model"]["net"]["widths"] = [4, 8]
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(CheckpointError, match="last.ckpt: model.net.widths is not that of the run"):
        run.resume(str(copied), ["trainer.max_epochs=3"])


def test_optimizer_states_of_other_weights_are_refused(copied):
    saved = last(copied)
    states = saved["optimizer_states"][0]["state"]
    states[0], states[1] = states[1], states[0]
    write_checkpoint(copied / "checkpoints" / "last.ckpt", saved)
    with pytest.raises(CheckpointError, match="AdamW: its exp_avg .* is that of other weights"):
        run.resume(str(copied), ["trainer.max_epochs=3"])


def test_a_run_folder_that_names_foreign_code_is_not_gone_on_with(copied):
    path = copied / "config.yaml"
    path.write_text(path.read_text().replace("torch.optim.AdamW", "os.system"))
    with pytest.raises(SecurityError, match="os.system"):
        run.resume(str(copied), ["trainer.max_epochs=3"])


def test_a_folder_that_another_process_writes_is_refused(copied):
    with RunFolder(copied).locked(), pytest.raises(SystemFault, match="is writing this folder"):
        run.resume(str(copied), ["trainer.max_epochs=3"])


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_last_checkpoint_is_named_and_the_one_before_is_used(job, tmp_path):
    code, told = job("train", *WORDS, f"out_dir={tmp_path / 'whole'}")
    assert code == 0, told
    assert job("train", *WORDS, f"out_dir={tmp_path / 'hurt'}", at=("step", 6))[0] == -9
    damage(only(tmp_path / "hurt") / "checkpoints" / "last.ckpt")
    code, told = job("resume", only(tmp_path / "hurt"))
    assert code == 0, told
    assert "last.ckpt: damaged, its checksum differs" in told and "resumed at epoch 2 step 4" in told
    assert differing(only(tmp_path / "whole"), only(tmp_path / "hurt")) == []


def test_where_all_checkpoints_are_damaged_each_is_named(copied):
    for name in ("last", "previous"):
        damage(copied / "checkpoints" / f"{name}.ckpt")
    with pytest.raises(CheckpointError) as caught:
        run.resume(str(copied), ["trainer.max_epochs=3"])
    assert len(caught.value.lines) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("point", [("backward", 5), ("validation", 1)])
def test_a_signal_ends_a_run_that_can_go_on_to_the_same_bits(number, point, job, finished, tmp_path):
    code, told = job("train", *WORDS, f"out_dir={tmp_path}", at=(*point, number), every=180)
    folder = only(tmp_path)
    assert code == 128 + number and f"python train.py resume={folder}" in told
    assert json.loads((folder / "status.json").read_text())["state"] == "interrupted"
    if point[0] == "backward":
        assert last(folder)["global_step"] == 6  # that of the signal is the sixth
    code, told = job("resume", folder)
    assert code == 0, told


def test_weights_of_another_run_are_a_start(finished, tmp_path, capsys):
    run.train([*WORDS, "trainer.max_epochs=1", f"init={finished}", f"out_dir={tmp_path}"])
    assert f"weights from {finished}" in capsys.readouterr().out


def test_what_does_not_fit_another_runs_weights_is_told(finished, tmp_path, capsys):
    run.train(
        [*WORDS, "trainer.max_epochs=1", "model.net.widths=[4,8]", f"init={finished}", f"out_dir={tmp_path}"]
    )
    assert "; new: net." in capsys.readouterr().out


def test_a_start_from_weights_of_which_none_fit_is_refused(finished, tmp_path):
    words = ["experiments=captioning_scenes", "data.source.num_train=64", f"init={finished}"]
    with pytest.raises(CheckpointError, match="none of its weights fit this model"):
        run.train([*words, f"out_dir={tmp_path}"])


@pytest.mark.parametrize("compiled", [True, False])
def test_a_compiled_run_and_one_that_is_not_read_each_others_checkpoints(compiled, tmp_path, monkeypatch):
    compile_ = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compile_(self, backend="eager"))
    made, other = (f"compile={str(value).lower()}" for value in (compiled, not compiled))
    everything = "trainer.limit_test_batches=null"
    run.train([*WORDS, made, everything, "ema={_target_: crossmedia.trainer.ema.EMA}", f"out_dir={tmp_path}"])
    folder = only(tmp_path)
    assert not [name for name in last(folder)["state_dict"] if "_orig_mod" in name]
    scores = json.loads((folder / "scores.json").read_text())
    assert run.evaluate(folder, "test")["test/accuracy"] == pytest.approx(scores["test/accuracy"], abs=1e-6)
    assert run.load(folder).generate(image=torch.zeros(1, 8, 8, dtype=torch.uint8))
    assert run.resume(str(folder), ["trainer.max_epochs=3", other])
    assert run.train([*WORDS, other, f"init={folder}", f"out_dir={tmp_path / 'next'}"])


@pytest.mark.parametrize("name", ["resume", "init"])
def test_a_run_that_is_not_there_is_told_before_any_data_is_read(name, tmp_path, monkeypatch):
    monkeypatch.setattr(Digits, "__init__", lambda self: pytest.fail("read the data"))
    with pytest.raises(CheckpointError, match="nothing: no such run folder or checkpoint"):
        if name == "resume":
            run.resume(str(tmp_path / "nothing"), [])
        else:
            run.train([*WORDS, f"init={tmp_path / 'nothing'}", f"out_dir={tmp_path}"])


def test_a_misspelt_run_is_told_the_nearest_name(tmp_path):
    (tmp_path / "gan_digits").mkdir()
    with pytest.raises(CheckpointError, match=r"gan_digit: no such .* Nearest: gan_digits\. crossmedia list"):
        find_run("gan_digit", str(tmp_path))


def test_fewer_epochs_than_are_done_are_refused_and_nothing_changes(copied):
    before = contents(copied)
    with pytest.raises(ConfigError, match="trainer.max_epochs=1: 2 epochs are done"):
        run.resume(str(copied), ["trainer.max_epochs=1"])
    assert contents(copied) == before


def test_what_changes_nothing_in_a_finished_run_is_told(copied, capsys):
    run.resume(str(copied), ["data.num_workers=1"])
    assert "data.num_workers=1 changes nothing there" in capsys.readouterr().out


def test_a_command_goes_on_with_one_run():
    with pytest.raises(ConfigError, match="resume=b: a command goes on with one run, and a was named before"):
        continued.parse(["resume=a", "resume=b"])


def test_a_run_without_a_name_is_no_run():
    with pytest.raises(CheckpointError, match="no run named"):
        run.resume("", [])


def test_a_checkpoint_names_the_run_that_goes_on(copied, capsys):
    run.resume(str(copied / "checkpoints" / "last.ckpt"), [])
    assert f"already finished: {copied}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "word", ["plugins=[]", "callbacks=[]", "logger=true", "use_distributed_sampler=true"]
)
def test_what_a_run_sets_itself_cannot_be_set(word):
    with pytest.raises(ConfigError, match="the run sets it itself. Leave it out"):
        check(compose([*WORDS, f"+trainer.{word}"]))
