"""A recogniser of accented texts is trained, asked and reported on alike in a locale of ASCII alone."""

import json
import os
import subprocess
import sys

import pytest
from clip_sets import common_voice, tone
from runs import only

from crossmedia.config import ROOT
from crossmedia.data.sources.common_voice import CommonVoice

SENTENCE = "Le café est fermé."
SMALL = [
    "model.net.encoder.dim=16",
    "model.net.encoder.depth=1",
    "model.net.encoder.dropout=0",
    "model.schedule=null",
    "model.optimizer.lr=0.02",
    "data.audio.sample_rate=8000",
    "trainer.max_epochs=30",
    "trainer.check_val_every_n_epoch=30",
]
ASCII = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def told(path, *command, **environment):
    """What a command wrote into a file in the locale C."""
    inherited = {name: value for name, value in os.environ.items() if name not in ASCII}
    with open(path, "wb") as file:
        subprocess.run(
            [sys.executable, *map(str, command)],
            env=inherited | {"LC_ALL": "C", "OMP_NUM_THREADS": "1"} | environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=True,
        )
    return path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("environment, said", [({}, "é".encode()), (ASCII, b"\\xe9")])
def test_train_generate_and_report_into_files_keep_every_accent(tmp_path, environment, said):
    short = [("b", "é")] * 31  # learnt in a few steps: what generate writes has an accent
    root = common_voice(
        tmp_path / "set", train=[("a", SENTENCE), *short], dev=[("c", "é")], test=[("d", SENTENCE)]
    )
    for clip in ("train-0", "test-0"):
        tone(root / f"clips/{clip}.wav", seconds=1)
    data = ["data=common_voice", f"data.source.root={root}", "model=ctc_conv_gru", "trainer=cpu"]
    out = f"out_dir={tmp_path / 'outputs'}"
    told(tmp_path / "train.txt", ROOT / "train.py", *data, *SMALL, out, **environment)
    run = only(tmp_path / "outputs")
    (line,) = (run / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["reference"] == SENTENCE and SENTENCE in line
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["data"] == CommonVoice(str(root)).fingerprint()

    (run / "report.html").unlink()
    ask = ["-m", "crossmedia.cli"]
    heard = told(
        tmp_path / "heard.txt", *ask, "generate", run, "--audio", root / "clips/dev-0.wav", **environment
    )
    assert heard.split() == [said]
    shown = told(tmp_path / "report.txt", *ask, "report", run, **environment)
    assert shown.decode().strip() == str(run / "report.html")
    assert "café est fermé" in (run / "report.html").read_text(encoding="utf-8")
