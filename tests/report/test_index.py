"""The page of all runs lists them by experiment and links to each."""

import csv
import json

from crossmedia.report.index import write_index


def add_run(outputs, experiment, name, scores=None, **status):
    run = outputs / experiment / name
    (run / "checkpoints").mkdir(parents=True)
    (run / "config.yaml").write_text("seed: 1\n")
    (run / "status.json").write_text(json.dumps({"state": "finished", **status}))
    if scores:
        (run / "scores.json").write_text(json.dumps(scores))
    return run


def test_runs_stand_under_their_experiment_with_the_newest_first(tmp_path):
    add_run(tmp_path, "digits", "2026-01-01_00-00-00-aa", {"test/accuracy": 0.98}, wall_seconds=61)
    add_run(tmp_path, "digits", "2026-01-02_00-00-00-bb", {"test/accuracy": 0.99})
    add_run(
        tmp_path, "captions", "2026-01-03_00-00-00-cc", {"test/bleu4": 0.7, "test_composition/bleu4": 0.6}
    )
    source = write_index(tmp_path).read_text(encoding="utf-8")
    order = [source.index(word) for word in ("captions", "-cc<", "digits</h2>", "-bb<", "-aa<")]
    assert order == sorted(order)
    assert "BLEU-4, test_composition" in source and "1 min 1 s" in source


def test_a_run_links_to_its_page_or_to_its_folder_while_it_has_none(tmp_path):
    run = add_run(tmp_path, "a&b<c>", "one")
    add_run(tmp_path, "a&b<c>", "two")
    (run / "report.html").touch()
    source = write_index(tmp_path).read_text(encoding="utf-8")
    assert 'href="a%26b%3Cc%3E/one/report.html"' in source
    assert 'href="a%26b%3Cc%3E/two/"' in source
    assert "<c>" not in source


def test_the_link_to_the_latest_run_is_not_another_run(tmp_path):
    run = add_run(tmp_path, "digits", "one")
    (tmp_path / "digits" / "latest").symlink_to(run.name)
    assert write_index(tmp_path).read_text(encoding="utf-8").count('href="digits/') == 1


def test_the_csv_has_a_row_a_run_and_a_column_a_score(tmp_path):
    add_run(tmp_path, "digits", "one", {"test/accuracy": 0.98765})
    add_run(tmp_path, "captions", "two", {"test/bleu4": 0.7})
    write_index(tmp_path)
    columns, *rows = csv.reader((tmp_path / "report.csv").read_text(encoding="utf-8").splitlines())
    assert columns == ["experiment", "run", "state", "seed", "wall_seconds", "test/bleu4", "test/accuracy"]
    assert rows == [
        ["captions", "two", "finished", "1", "", "0.7", ""],
        ["digits", "one", "finished", "1", "", "", "0.98765"],
    ]


def test_markdown_and_latex_have_a_table_an_experiment(tmp_path):
    add_run(tmp_path, "digits", "one", {"test/accuracy": 0.98})
    add_run(tmp_path, "two_sets", "two", {"test/bleu4": 0.7})
    write_index(tmp_path)
    assert (tmp_path / "report.md").read_text(encoding="utf-8").count("## ") == 2
    latex = (tmp_path / "report.tex").read_text(encoding="utf-8")
    assert latex.count(r"\begin{tabular}") == 2 and r"\subsection*{two\_sets}" in latex


def test_scores_of_chance_stand_behind_the_scores_of_the_run(tmp_path):
    scores = {"test/bleu4_chance": 0.1, "val/bleu4": 0.7, "test_composition/bleu4": 0.6, "test/bleu4": 0.7}
    add_run(tmp_path, "captions", "one", {**scores, "test/loss": 2.0})
    write_index(tmp_path)
    head = (tmp_path / "report.md").read_text(encoding="utf-8").splitlines()[0]
    assert head.endswith("| BLEU-4 | BLEU-4, test_composition | BLEU-4, val | BLEU-4, chance |")


def test_a_folder_without_runs_gives_a_page(tmp_path):
    assert "None yet." in write_index(tmp_path).read_text(encoding="utf-8")
