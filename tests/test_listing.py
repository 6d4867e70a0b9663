import json
import os

import pytest

from crossmedia.config import ROOT
from crossmedia.errors import CheckpointError
from crossmedia.listing import experiment_rows, experiments, groups, readme_table, run_rows, score_text


def written(root, name, text):
    (root / "experiments").mkdir(exist_ok=True)
    (root / "experiments" / f"{name}.yaml").write_text(text)


def test_an_experiment_has_its_row_and_what_nobody_measured_a_dash(tmp_path):
    about = "{claim: It works, direction: image -> text, minutes: 0.1, score: {test/a: 0.5}}"
    written(tmp_path, "b", f"about: {about}\ndefaults:\n  - _self_\n  - override /data: sets\n")
    written(tmp_path, "a", "trainer: {}\n")
    columns, rows = experiment_rows(tmp_path)
    assert rows == [
        ["experiments=a", None, "", None, "–", "–", None],
        ["experiments=b", "It works", "image → text", "sets", "a 0.500", "0.1", None],
    ]
    assert len(columns) == 7


def test_the_machine_of_an_experiment_is_told(tmp_path):
    written(tmp_path, "a", "about:\n  minutes: 3\n  on: 2 CPU cores\n")
    columns, rows = experiment_rows(tmp_path)
    assert dict(zip(columns, rows[0], strict=True))["on"] == "2 CPU cores"


def test_every_experiment_says_what_it_claims_and_which_data_it_takes():
    found = experiments(ROOT)
    assert found and all(about["claim"] and about["data"] and about["direction"] for about in found.values())


@pytest.mark.parametrize("group", ["data", "model", "trainer", "logger"])
def test_every_option_opens_with_a_sentence(group):
    found = groups(ROOT, group)
    assert sorted(found) == sorted(path.stem for path in (ROOT / "conf" / group).glob("*.yaml"))
    firsts = [(ROOT / "conf" / group / f"{name}.yaml").read_text()[0] for name in found]
    assert set(firsts) == {"#"} and all(len(words.split()) > 2 for words in found.values())


def test_test_goes_without_saying_in_a_score():
    text = score_text({"test/accuracy": 0.98649, "test_composition/bleu4": 0.61, "test/count": 3})
    assert text == "accuracy 0.986 · test_composition/bleu4 0.610 · count 3"
    assert score_text({"test/fid": 0.022489, "test/fid_floor": 0.0019928}) == "fid 0.0225 · fid_floor 0.00199"
    assert score_text({}) == score_text(None) == "–"


def made_run(outputs, name, status=None, scores=None):
    folder = outputs / name
    (folder / "checkpoints").mkdir(parents=True)
    for file, content in (("status", status), ("scores", scores)):
        if content is not None:
            (folder / f"{file}.json").write_text(json.dumps(content))
    return folder


def test_runs_stand_oldest_first_with_the_score_that_chose_their_checkpoint(tmp_path):
    outputs = tmp_path / "outputs"
    scores = {"test/bleu4": 0.25, "test/bleu4_chance": 0.1, "test/loss": 2.0, "test_composition/bleu4": 0.125}
    made_run(outputs, "a/2026-02", {"state": "finished", "monitor": "val/bleu4"}, scores)
    made_run(outputs, "b/2026-01", {"state": "failed", "monitor": "val/bleu4"})
    made_run(outputs, "b/2026-03")
    os.symlink("2026-03", outputs / "b" / "latest")
    assert run_rows(outputs)[1] == [
        ["b/2026-01", "failed", "–"],
        ["a/2026-02", "finished", "bleu4 0.250 · test_composition/bleu4 0.125"],
        ["b/2026-03", None, "–"],
    ]


def test_no_outputs_are_no_rows(tmp_path):
    assert run_rows(tmp_path / "outputs")[1] == []


def test_a_damaged_status_is_named(tmp_path):
    (made_run(tmp_path, "a/2026-01") / "status.json").write_text("{")
    with pytest.raises(CheckpointError, match="status.json: not valid JSON"):
        run_rows(tmp_path)


def test_readme_has_the_measured_ones_in_a_table_and_names_the_others(tmp_path):
    written(tmp_path, "a", "about:\n  claim: x\n  score: {test/wer: null}\n")
    written(tmp_path, "b", "about:\n  claim: y\n  score: {test/wer: 0.5}\n")
    written(tmp_path, "c", "about:\n  claim: z\n")
    *table, blank, others = readme_table(tmp_path).splitlines()
    assert len(table) == 3 and "experiments=b" in table[2] and not blank
    assert others == "Complete, but not measured here: `a`, `c`."
    written(tmp_path, "a", "about:\n  claim: x\n  score: {test/wer: 0.1}\n")
    (tmp_path / "experiments" / "c.yaml").unlink()
    assert len(readme_table(tmp_path).splitlines()) == 4
