"""Two ranks on the CPU: each sample counts once, and the scores are those of one rank."""

import json
import os
import subprocess
import sys

import pytest
import torch

from crossmedia import run
from crossmedia.config import ROOT


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_ranks_score_as_one_does(tmp_path):
    words = ["experiments=digits", "trainer=ddp", "trainer.accelerator=cpu", "trainer.precision=32-true"]
    words += ["trainer.max_epochs=1", f"out_dir={tmp_path}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "train.py", *words], cwd=ROOT, env=environment, check=True, timeout=100)
    folder, *more = (tmp_path / "digits").glob("2*")
    assert not more
    two = json.loads((folder / "scores.json").read_text())
    one = run.evaluate(folder)
    assert two["test/accuracy"] == one["test/accuracy"]
    assert two["test/loss"] == pytest.approx(one["test/loss"], rel=1e-5)
    ids = [json.loads(line)["id"] for line in (folder / "predictions.jsonl").read_text().splitlines()]
    assert len(set(ids)) == 364
