"""What makes the scores of a set say less than they seem to stands under them."""

import json
import sys

import pytest
from made import TINY, small
from runs import only

from crossmedia import cli, run
from crossmedia.data.sources.stamp_sounds import StampSpeech

FEW = "few people speak each language, the same in every split: a score tells voices as well as languages"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    overrides = ["experiments=language_stamps", *TINY, *small("language_stamps", home)]
    run.train([*overrides, f"out_dir={home / 'outputs'}"])
    return only(home / "outputs")


def test_a_run_keeps_and_shows_that_few_people_speak(folder):
    assert StampSpeech.caveats == (FEW,)
    assert json.loads((folder / "manifest.json").read_text())["notes"] == [FEW]
    assert f'<p class="note">{FEW}</p>' in (folder / "report.html").read_text(encoding="utf-8")


def test_evaluate_says_it_under_the_scores_of_every_split_once(folder, monkeypatch, capsys):
    assert run.evaluated(folder)[1] == [FEW]
    for words in ([], ["--split", "val"]):
        monkeypatch.setattr(sys, "argv", ["crossmedia", "evaluate", str(folder), *words])
        assert cli.main() == 0
        assert capsys.readouterr().out.splitlines()[-1] == FEW


def test_a_set_without_a_caveat_has_no_note(tmp_path):
    overrides = ["experiments=digits", *TINY]
    run.train([*overrides, f"out_dir={tmp_path}"])
    assert json.loads((only(tmp_path) / "manifest.json").read_text())["notes"] == []
