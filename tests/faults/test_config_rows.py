"""Every kind of fault in a config, typed or in a file, is one line and exit code 2 before a run is made."""

import logging
import runpy
import sys
import time

import pytest

from crossmedia import run
from crossmedia.config import ROOT
from crossmedia.errors import LONGEST

DIGITS, SCENES = "experiments=digits", "experiments=captioning_scenes"
HEAD = "# @package _global_\ndefaults:\n  - override /data: digits\n  - override /model: classification_cnn\n"


@pytest.fixture
def typed(monkeypatch, capsys, tmp_path):
    """Call `train.py` with some words; gives the exit code and the lines on stderr."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["train.py", *words, f"out_dir={tmp_path}/out"])
        handlers = logging.root.handlers[:]
        try:
            runpy.run_path(str(ROOT / "train.py"), run_name="__main__")
        except SystemExit as ended:
            assert not list(tmp_path.glob("out/*/2*")), "a run folder was made"
            return ended.code, capsys.readouterr().err.splitlines()
        finally:
            logging.root.handlers[:] = handlers

    return call


@pytest.fixture
def filed(typed, tmp_path):
    """Call `train.py` with an experiment of one's own; `here` in the lines stands for its file."""

    def call(content, *words):
        path = tmp_path / "own" / "experiments" / "mine.yaml"
        path.parent.mkdir(parents=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        code, lines = typed("-cd", str(tmp_path / "own"), "experiments=mine", *words)
        return code, [line.replace(str(path), "here") for line in lines]

    return call


TYPED = {
    "unknown key": (
        [DIGITS, "model.optimiser.lr=1"],
        "model.optimiser: no such key. Nearest: model.optimizer",
    ),
    "unknown root key": ([DIGITS, "+sede=1"], "sede: no such key. Nearest: seed"),
    "unknown option": (
        [DIGITS, "data=digts"],
        "data=digts: no such option. Nearest: digits. All: audio_folder",
    ),
    "no option": ([DIGITS, "model=null"], "a group takes the name of an option"),
    "mandatory value unset": (
        ["data=mnist", "model=classification_cnn"],
        "data.source.root: not given. Use data.source.root=…",
    ),
    "wrong type": (
        [DIGITS, "model.optimizer.lr=abc"],
        "model.optimizer.lr=abc: expected a number, found text",
    ),
    "negative learning rate": (
        [DIGITS, "model.optimizer.lr=-1"],
        "model.optimizer.lr=-1: must be at least 0",
    ),
    "learning rate that is no number": (
        [DIGITS, "model.optimizer.lr=nan"],
        "model.optimizer.lr=nan: must be",
    ),
    "batch of none": ([DIGITS, "data.batch_size=0"], "data.batch_size=0: must be at least 1"),
    "dropout above 1": (
        [DIGITS, "model.net.dropout=1.5"],
        "model.net.dropout=1.5: must be at least 0 and below 1",
    ),
    "negative epochs": ([DIGITS, "trainer.max_epochs=-1"], "trainer.max_epochs=-1: must be at least 1"),
    "weights in half precision": (
        [DIGITS, "trainer.precision=bf16-true"],
        "trainer.precision=bf16-true: weights and spectrograms are kept in float32. Use 32-true, bf16-mixed",
    ),
    "no end": (
        [DIGITS, "trainer.max_epochs=null"],
        "trainer.max_epochs: not given, so training has no end",
    ),
    "no training batches": (
        [DIGITS, "+trainer.limit_train_batches=0"],
        "trainer.limit_train_batches=0: must be above 0",
    ),
    "no validation batches": (
        [DIGITS, "+trainer.limit_val_batches=0.0"],
        "trainer.limit_val_batches=0.0: must be above 0",
    ),
    "unresolved reference": (
        [DIGITS, "model.net.dropout=${model.optimizer.lrr}"],
        "model.net.dropout: refers to model.optimizer.lrr, which is not there. Nearest: model.optimizer.lr",
    ),
    "circular reference": (
        [DIGITS, "data.batch_size=${data.num_workers}", "data.num_workers=${data.batch_size}"],
        "data.batch_size=${data.num_workers}: refers to itself",
    ),
    "missing environment variable": (
        [DIGITS, "name=${oc.env:CROSSMEDIA_NOWHERE}"],
        "name: the environment variable CROSSMEDIA_NOWHERE is not set",
    ),
    "misspelt class": (
        [DIGITS, "model.net._target_=crossmedia.nets.cnn.ConNet"],
        "model.net._target_=crossmedia.nets.cnn.ConNet: no such class. Nearest: ConvNet",
    ),
    "class that cannot be imported": (
        [DIGITS, "model.net._target_=nowhere.Net"],
        "model.net._target_=nowhere.Net: no such module",
    ),
    "argument missing": (
        [DIGITS, "~model.net.num_classes"],
        "model.net.num_classes: missing; ConvNet needs it",
    ),
    "extra argument": (
        [DIGITS, "+model.net.dropuot=0"],
        "model.net.dropuot: no such key. Nearest: model.net.dropout",
    ),
    "vocabulary size differs": (
        [SCENES, "model.net.decoder.vocab_size=9"],
        "model.net.decoder.vocab_size=9: data.tokenizer.vocab_size is 10000. Leave it out",
    ),
    "image size differs": (
        [SCENES, "model.net.encoder.image_size=64"],
        "model.net.encoder.image_size=64: data.image.size is 32. Leave it out",
    ),
    "sample rate differs": (
        ["experiments=asr_ctc_scenes", "model.net.encoder.frontend.mel.sample_rate=8000"],
        "model.net.encoder.frontend.mel.sample_rate=8000: data.audio.sample_rate is 16000. Leave it out",
    ),
    "number of classes differs": (
        [DIGITS, "model.net.num_classes=5"],
        "model.net.num_classes=5: data.num_classes is 10. Leave it out",
    ),
    "monitored score never logged": (
        [DIGITS, "monitor=val/acuracy"],
        "monitor=val/acuracy: never logged. Nearest: val/accuracy. All: val/accuracy, ",
    ),
    "more devices than present": (
        [DIGITS, "trainer=gpu", "trainer.devices=99"],
        "trainer.devices=99 but this machine has ",
    ),
    "value that Lightning refuses": ([DIGITS, "trainer.accelerator=gpp"], "trainer: You selected an invalid"),
    "class not named": ([DIGITS, "early_stopping={patience: 3}"], "early_stopping: names no class."),
    "empty sweep list": (
        ["-m", DIGITS, "seed=range(0,0)"],
        "seed=range(0,0): a grid without a value. Give it one or more",
    ),
    "two things to do": (
        ["-m", "--cfg", "job", DIGITS],
        "--multirun --cfg: one of them at a time. Leave out all but one",
    ),
    "flag among the overrides": ([DIGITS, "-m", "seed=1"], "unrecognized arguments: seed=1 "),
    "grid without -m": ([DIGITS, "seed=1,2"], "seed=1,2: several values. A grid of them needs -m"),
    "config of a newer format": ([DIGITS, "+format=2"], "format: no such key"),
    "override syntax": ([DIGITS, "seed=["], "seed=[: cannot be read as an override. Quote it: "),
    "path with an equals sign": (
        [DIGITS, "init=/tmp/old/epoch=3-step=40.ckpt"],
        "init=/tmp/old/epoch=3-step=40.ckpt: cannot be read as an override. "
        "Quote it: 'init=\"/tmp/old/epoch=3-step=40.ckpt\"'",
    ),
}


@pytest.mark.parametrize("fault", TYPED)
def test_a_fault_of_the_command_line_is_one_line(typed, fault):
    words, line = TYPED[fault]
    code, lines = typed(*words)
    assert code == 2 and len(lines) == 1, lines
    assert lines[0].startswith(f"config: {line}") and len(lines[0]) <= LONGEST


BOMB = "about:\n  a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  {name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
FILED = {
    "duplicate key": (HEAD + "seed: 1\nseed: 2\n", "here:6: not valid YAML (found duplicate key seed)"),
    "indented by a tab": (HEAD + "trainer:\n\tmax_epochs: 1\n", "here:6: not valid YAML (found character"),
    "tag of a Python object": (
        HEAD + "name: !!python/object/apply:os.system ['false']\n",
        "here:5: not valid YAML (could not determine a constructor for the tag",
    ),
    "alias bomb": (HEAD + BOMB, "here: more than 20000 values, with its aliases. Make it smaller"),
    "2,000 groups deep": (
        HEAD + "about: " + "{a: " * 2000 + "1" + "}" * 2000,
        "here: nested deeper than 50 levels. Make it flatter",
    ),
    "2,000 lists deep": (
        HEAD + "about: " + "[" * 2000 + "]" * 2000,
        "here:5: not valid YAML (exceeded maximum nesting depth)",
    ),
    "2,000 blocks deep": (
        HEAD + "about:\n" + "".join(" " * depth + "a:\n" for depth in range(1, 2000)),
        "here: nested deeper than 50 levels. Make it flatter",
    ),
    "not UTF-8": (
        (HEAD + "name: café\n").encode("latin-1"),
        "here: not UTF-8, at byte 106. Save it as UTF-8",
    ),
    "config of a newer format": (HEAD + "format: 2\n", "format: no such key"),
    "truth value that is a language": (
        HEAD + "about:\n  languages: [en, de, no]\n",
        "here:6: no is False to YAML, and text on the command line. Quote it",
    ),
    "number of base 8": (HEAD + "name: 0123\n", "here:5: 0123 is 83 to YAML, and text on the command line."),
    "number of base 60": (HEAD + "name: 1:30\n", "here:5: 1:30 is 90 to YAML, and text on the command line."),
}


@pytest.mark.parametrize("fault", FILED)
def test_a_fault_of_a_file_is_one_line_that_names_it(filed, fault):
    content, line = FILED[fault]
    code, lines = filed(content)
    assert code == 2 and len(lines) == 1, lines
    assert lines[0].startswith(f"config: {line}") and len(lines[0]) <= LONGEST


def test_a_file_without_its_package_line_is_told_so(filed):
    code, lines = filed("seed: 1\n")
    assert code == 2
    assert "config: experiments: the experiment's file must begin with the line # @package _global_" in lines


SEVERAL = {
    "init=a=b": "init=a=b: cannot be read as an override. Quote it: 'init=\"a=b\"'",
    "experiments=digit": "experiments=digit: no such experiment. Nearest: digits. All: crossmedia list",
    "model.optimiser.lr=1": "model.optimiser: no such key. Nearest: model.optimizer",
    "+sede=1": "sede: no such key. Nearest: seed",
    "data.batch_size=0": "data.batch_size=0: must be at least 1",
    "model.net.dropout=1.5": "model.net.dropout=1.5: must be at least 0 and below 1",
    "model.net.num_classes=5": "model.net.num_classes=5: data.num_classes is 10. Leave it out",
    "model.optimizer.lr=abc": "model.optimizer.lr=abc: expected a number, found text",
    "monitor=val/loss2": "monitor=val/loss2: never logged. Nearest: val/loss. All: "
    "val/accuracy, val/accuracy_macro, val/accuracy_top5, val/loss",
    "early_stopping={patience: 3}": "early_stopping: names no class. Add its _target_",
}


def test_several_faults_of_one_command_are_told_at_once_and_counted(typed):
    typed(DIGITS, "data.batch_size=0")  # imports
    began = time.process_time()
    code, lines = typed(*SEVERAL)
    assert time.process_time() - began < 2
    assert code == 2 and lines[-1] == f"config: {len(SEVERAL)} faults"
    assert set(lines[:-1]) == {f"config: {line}" for line in SEVERAL.values()}


def test_an_option_that_may_be_anything_leaves_what_hangs_on_it_untold(typed):
    assert typed("experiments=mine", "model.net.patch=4")[1] == [
        "config: experiments=mine: no such experiment. All: crossmedia list"
    ]


def test_what_refers_to_a_bad_value_is_no_second_fault(typed):
    assert typed(DIGITS, "seed=abc")[1] == ["config: seed=abc: expected a whole number, found text"]


def test_own_configs_are_found_from_any_folder(filed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert filed(HEAD + "data:\n  batch_size: 0\n") == (2, ["config: data.batch_size=0: must be at least 1"])


def test_own_configs_are_there_too_when_several_faults_are_gathered(filed):
    assert filed(HEAD + "data:\n  batch_size: 0\n", "+sede=1", "init=a=b")[1][-1] == "config: 3 faults"


def test_an_override_that_refers_to_another_key_is_handed_on_as_typed(typed, monkeypatch):
    seen = []
    monkeypatch.setattr(run, "train", lambda cfg, overrides: seen.extend(overrides) or {})
    typed(DIGITS, "model.net.dropout=${model.label_smoothing}")
    assert "model.net.dropout=${model.label_smoothing}" in seen
