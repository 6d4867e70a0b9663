"""What the environment holds in secret reaches nothing that a run writes or says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from made import TINY

from crossmedia import cli, run
from crossmedia.config import ROOT
from crossmedia.errors import ConfigError
from crossmedia.trainer import trackers

SECRETS = {
    "WANDB_API_KEY": "c0ffee" * 6 + "beef",
    "HF_TOKEN": "hf_OpenSesameOpenSesame",
    "AWS_SECRET_ACCESS_KEY": "wJalr/OpenSesame+KEY",
    "WANDB_BASE_URL": "https://ali:OpenBaba@wandb.invalid",
    "HTTPS_PROXY": "http://ali:OpenProxy@proxy.invalid:3128",
}
WORDS = [*(value for value in SECRETS.values()), "OpenSesame", "OpenBaba", "OpenProxy"]
SINKS = [
    "config.yaml", "overrides.yaml", "checkpoints/best.ckpt", "checkpoints/last.ckpt", "manifest.json",
    "status.json", "predictions.jsonl", "report.html", "scores.md", "export/README.md", "export/config.json",
    "eval/test.json",
]  # fmt: skip


def leaks(content):
    return [word for word in WORDS if word.encode() in content]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A run with secrets around it, all that was made of it, and what was said meanwhile."""
    out = tmp_path_factory.mktemp("secrets")
    with pytest.MonkeyPatch.context() as patch, open(out / "said", "w") as said:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        patch.setattr(sys, "stdout", said)
        patch.setattr(sys, "stderr", said)
        run.train(["experiments=digits", *TINY, f"out_dir={out}"])
        folder = next((out / "digits").glob("2*"))
        for words in (["export"], ["evaluate"], ["report"], ["generate", "--image=none.png"]):
            patch.setattr(sys, "argv", ["crossmedia", words[0], str(folder), *words[1:]])
            cli.main()
        said.flush()
    return folder


@pytest.mark.parametrize("sink", SINKS)
def test_a_secret_reaches_no_file_of_a_run(told, sink):
    content = (told / sink).read_bytes()
    assert content and not leaks(content)


def test_a_secret_reaches_no_other_file_and_no_line(told):
    root = told.parents[1]
    assert "accuracy" in (root / "said").read_text()
    assert not [path for path in root.rglob("*") if path.is_file() and leaks(path.read_bytes())]


def test_a_secret_that_leaks_is_found(tmp_path):
    assert leaks(f"url: {SECRETS['WANDB_BASE_URL']}".encode())


@pytest.mark.parametrize("name", ["HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "MY_PASSWORD", "wandb_api_key"])
def test_a_config_that_asks_for_a_secret_is_refused_without_saying_it(tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "OpenSesame")
    with pytest.raises(ConfigError, match=f"oc.env:{name}: ") as caught:
        run.train(["experiments=digits", f"about.claim=${{oc.env:{name}}}", f"out_dir={tmp_path}"])
    assert not leaks(str(caught.value).encode()) and not list(tmp_path.iterdir())


def test_a_wandb_address_that_is_none_is_not_said(monkeypatch):
    assert not trackers._answers("https://ali:Open#Sesame@wandb.invalid")


@pytest.mark.slow
def test_overrides_keep_the_words_that_were_typed(tmp_path):
    words = ["experiments=digits", *TINY, "about.claim=${oc.env:PLACE}", f"out_dir={tmp_path}"]
    environment = {**os.environ, "PLACE": "Atlantis"}
    subprocess.run([sys.executable, "train.py", *words], cwd=ROOT, env=environment, timeout=200, check=True)
    (folder,) = (tmp_path / "digits").glob("2*")
    for name in ("overrides.yaml", "manifest.json"):
        assert "${oc.env:PLACE}" in (folder / name).read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["-m", "logger=wandb", "seed=0,1"], 0),
        (["logger=tensorboard"], 0),
        (["model.schedule=null", "model.optimizer.lr=1e30"], 7),
        (["data.batch_size=0", "debug=true"], 2),
        (["data.batch_size=abc"], 2),
    ],
)
def test_a_secret_reaches_no_tracker_record_traceback_or_log(tmp_path, words, code):
    command = [sys.executable, "train.py", *words, "experiments=digits", *TINY, f"out_dir={tmp_path}"]
    environment = {**os.environ, **SECRETS, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, timeout=200)
    assert done.returncode == code, done.stderr
    assert not leaks(done.stdout) and not leaks(done.stderr)
    files = [path for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert not [path for path in files if leaks(path.read_bytes())]
    if "-m" in words:
        assert {"multirun.yaml", "debug.log"} <= {path.name for path in files}
