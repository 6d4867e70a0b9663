"""The verbs of `crossmedia` on a run of each kind of task, called as the command calls them."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from made import TINY
from PIL import Image

from crossmedia import cli, run
from crossmedia.config import ROOT
from crossmedia.tasks.classification import Classification

FEW = [f"++data.source.num_{split}=8" for split in ("train", "val", "test")]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder to work in, with one classifier below outputs/a=b and one captioner below outputs."""
    home = tmp_path_factory.mktemp("home")
    run.train(["experiments=digits", *TINY, f"out_dir='{home}/outputs/a=b'"])
    run.train(["experiments=captioning_scenes", *TINY, *FEW, "data.batch_size=4", f"out_dir={home}/outputs"])
    return home


@pytest.fixture
def crossmedia(home, monkeypatch, capsys):
    """Call the command in `home`; gives the exit code, and the lines on stdout and on stderr."""
    monkeypatch.chdir(home)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["crossmedia", *map(str, words)])
        capsys.readouterr()
        code = cli.main()
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return call


@pytest.fixture
def copied(home, tmp_path):
    """The classifier's run folder, to be changed."""
    source = home / "outputs" / "a=b" / "digits" / "latest"
    return Path(shutil.copytree(source, tmp_path / "run", ignore=shutil.ignore_patterns("eval")))


@pytest.fixture
def pictures(tmp_path):
    for name in ("b", "a"):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        Image.new("RGB", (30, 20), "white").save(tmp_path / "pictures" / f"{name}.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize(
    ("what", "folder"), [("experiments", "experiments"), ("tasks", "conf/model"), ("data", "conf/data")]
)
def test_each_file_has_a_line_in_every_form_of_its_list(crossmedia, what, folder):
    names = sorted(path.stem for path in (ROOT / folder).glob("*.yaml"))
    rows = json.loads("\n".join(crossmedia("list", what, "--json")[1]))
    assert [next(iter(row.values())).removeprefix("experiments=") for row in rows] == names
    plain, markdown = crossmedia("list", what)[1], crossmedia("list", what, "--markdown")[1]
    assert len(markdown) == len(names) + 2  # its head and the line below
    assert [line.split()[1].removeprefix("experiments=") for line in markdown[2:]] == names
    assert set(names) <= {word.removeprefix("experiments=") for line in plain for word in line.split()}


def test_the_list_of_runs_tells_state_and_score(crossmedia):
    code, lines, _ = crossmedia("list", "runs", "--json")
    found = {row["run"].rpartition("/")[0]: row for row in json.loads("\n".join(lines))}
    assert code == 0 and set(found) == {"a=b/digits", "captioning_scenes"}
    assert {row["state"] for row in found.values()} == {"finished"}
    assert found["a=b/digits"]["score"].startswith("accuracy 0.")
    assert found["captioning_scenes"]["score"].startswith("scene_accuracy 0.")


def test_a_run_folder_with_brackets_keeps_its_name_in_the_list(crossmedia, copied, monkeypatch):
    outputs = copied.parent / "outputs"
    outputs.mkdir()
    copied.rename(outputs / "run[red]")
    monkeypatch.chdir(outputs.parent)
    assert any("run[red]" in line for line in crossmedia("list", "runs")[1])


def test_evaluate_finds_a_folder_with_an_equals_sign_and_prints_the_test_table(crossmedia, home):
    code, lines, errors = crossmedia("evaluate", "a=b/digits", "--split", "val")
    scores = json.loads((home / "outputs/a=b/digits/latest/eval/val.json").read_text())
    assert code == 0 and not errors
    assert lines[0].split() == ["val"] and f"{scores['val/accuracy']:.3f}" in lines[1]


def test_evaluate_may_search_otherwise_than_was_trained(crossmedia, home):
    code, lines, errors = crossmedia("evaluate", "captioning_scenes", "model.beam=1", "model.max_len=2")
    assert (code, errors) == (0, []) and any(line.split()[:2] == ["cut", "1.000"] for line in lines), lines
    code, _, errors = crossmedia("evaluate", "captioning_scenes", "model.beam=0")
    assert code == 2 and len(errors) == 1 and "beam" in errors[0]


def test_a_search_that_was_edited_in_the_run_folder_is_named(crossmedia, home, tmp_path):
    folder = shutil.copytree(home / "outputs" / "captioning_scenes" / "latest", tmp_path / "run")
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(config.replace("beam: 3\n", "beam: 4\n"))
    for words in ([], ["model.beam=3"]):
        code, _, errors = crossmedia("evaluate", folder, *words)
        assert code == 4 and len(errors) == 1
        assert "model.beam is not that of the run's config.yaml" in errors[0]


def test_evaluate_in_other_batches_gives_the_same_scores(copied, monkeypatch):
    sizes, score = [], Classification.score

    def watched(self, batch, split):
        sizes.append(len(batch.labels))
        score(self, batch, split)

    expected = run.evaluate(copied)
    monkeypatch.setattr(Classification, "score", watched)
    found = run.evaluate(copied, overrides=["data.eval_batch_size=7"])
    assert set(sizes) == {7}  # 364 samples
    assert found["test/loss"] == pytest.approx(expected.pop("test/loss"), rel=1e-5)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("override", "line"),
    [
        (
            "data.bach_size=7",
            "config: data.bach_size: no such key. Nearest: data.batch_size",
        ),
        ("data.batch_size=[", "config: data.batch_size=[: cannot be read as key=value"),
        ("--batch-size=7", "config: --batch-size=7: cannot be read as key=value"),
        ("data.batch_size", "config: data.batch_size: cannot be read as key=value"),
        ("data.batch_size=0", "config: data.batch_size=0: must be at least 1"),
        ("data.batch_size=1,2", "config: data.batch_size: "),
        ("~data.batch_size", "config: "),
        pytest.param("data.source=scenes", "config: data.source"),
    ],
)
def test_an_override_that_evaluate_cannot_use_is_one_line(crossmedia, override, line):
    code, lines, errors = crossmedia("evaluate", "a=b/digits", override)
    assert (code, lines, len(errors)) == (2, [], 1) and errors[0].startswith(line)


def test_a_config_from_elsewhere_is_never_resolved(crossmedia, copied, monkeypatch):
    monkeypatch.setenv("CROSSMEDIA_NUMBER", "64")
    monkeypatch.setenv("CROSSMEDIA_SECRET", "open sesame")
    config = yaml.safe_load((copied / "config.yaml").read_text())
    config["data"]["batch_size"] = "${oc.env:CROSSMEDIA_NUMBER}"
    config["about"]["claim"] = "${oc.env:CROSSMEDIA_SECRET}"
    (copied / "config.yaml").write_text(yaml.safe_dump(config))
    code, _, errors = crossmedia("evaluate", copied)
    assert code == 2 and len(errors) == 1 and not (copied / "eval").exists()
    assert crossmedia("report", copied)[0] == 0
    page = (copied / "report.html").read_text()
    assert "${oc.env:CROSSMEDIA_SECRET}" in page and "open sesame" not in page


def test_generate_prints_the_output_alone_for_a_file(crossmedia, pictures):
    code, lines, _ = crossmedia("generate", "a=b/digits", "--image", pictures / "a.png")
    assert code == 0 and len(lines) == 1 and lines[0] in "0123456789"


def test_generate_names_each_picture_of_a_folder_in_order(crossmedia, pictures):
    (pictures / ".hidden").write_text("")
    code, lines, _ = crossmedia("generate", "captioning_scenes", f"--image={pictures}")
    assert code == 0
    assert [line.partition(": ")[0] for line in lines] == [str(pictures / f"{name}.png") for name in "ab"]


def test_generate_passes_over_other_files_of_a_folder(crossmedia, pictures):
    (pictures / "notes.txt").write_text("no picture")
    code, lines, _ = crossmedia("generate", "a=b/digits", "--image", pictures)
    assert code == 0 and len(lines) == 2


def test_generate_names_a_missing_and_an_unreadable_file(crossmedia, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    for name, fault in (("missing.png", "no such file or folder"), ("text.png", "not a picture")):
        code, lines, errors = crossmedia("generate", "a=b/digits", "--image", tmp_path / name)
        assert (code, lines, len(errors)) == (3, [], 1)
        assert errors[0].startswith(f"data: {tmp_path / name}: {fault}")


def test_generate_hands_the_words_of_the_task_to_it(crossmedia, pictures):
    code, lines, _ = crossmedia("generate", "a=b/digits", "--image", pictures / "a.png", "--top", "3")
    found = [guess.split() for guess in lines[0].split(", ")]
    assert code == 0 and len({name for name, _ in found}) == 3
    probabilities = [float(number) for _, number in found]
    assert probabilities == sorted(probabilities, reverse=True) and 0 < sum(probabilities) < 1


def test_generate_takes_a_number_for_a_word_that_may_be_none(crossmedia, pictures):
    code, lines, _ = crossmedia("generate", "captioning_scenes", "--image", pictures / "a.png", "--beam", "1")
    assert code == 0 and len(lines) == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--tpo", "3"], "config: --tpo: Classification takes --image, --top. Nearest: --top"),
        (["--top", "x"], "config: --top=x: expected a whole number"),
        (["--top"], "config: --top: needs a value"),
        (["3"], "config: 3: Classification takes --image, --top"),
        pytest.param(["--top", "0"], "config: "),
    ],
)
def test_a_word_that_generate_cannot_use_is_one_line(crossmedia, pictures, words, line):
    code, lines, errors = crossmedia("generate", "a=b/digits", "--image", pictures / "a.png", *words)
    assert (code, lines, len(errors)) == (2, [], 1) and errors[0].startswith(line)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["a=b/digits"], ["--image    a file or folder", "--top      a whole number (1)"]),
        (["captioning_scenes"], ["--image    a file or folder", "--beam     a whole number"]),
        ([], []),
    ],
)
def test_the_help_of_generate_tells_the_words_of_a_run(crossmedia, capsys, words, told):
    with pytest.raises(SystemExit) as ended:
        crossmedia("generate", *words, "--help")
    lines = capsys.readouterr().out.splitlines()
    assert not ended.value.code and lines[0].startswith("usage: crossmedia generate ")
    assert [line.strip() for line in lines if line.startswith(("  --image", "  --top", "  --beam"))] == told


def test_a_stray_word_of_another_verb_is_named(crossmedia):
    assert crossmedia("report", "a=b/digits", "--splt")[0::2] == (
        2,
        ["config: --splt: report has no such argument. crossmedia report --help"],
    )


def test_report_builds_the_page_of_a_run_and_of_a_folder_of_runs(crossmedia, copied):
    (copied / "report.html").unlink()
    for folder, page in ((copied, copied / "report.html"), (copied.parent, copied.parent / "index.html")):
        assert crossmedia("report", folder) == (0, [str(page)], [])
        assert "accuracy" in page.read_text()


def test_a_mistake_of_evaluate_is_one_line(home, job):
    words = ["crossmedia", "evaluate", home / "outputs" / "a=b" / "digits", "--split", "nope"]
    line = "data: nope: no such split. The splits are train, val, test\n"
    assert job("command", *words) == [3, line]


def test_a_missing_run_is_told_and_no_value_taken_for_it(crossmedia):
    line = "config: generate: RUN is missing. crossmedia generate RUN --n 4"
    assert crossmedia("generate", "--n", "4", "--out", "x.png") == (2, [], [line])
    assert "arguments are required: RUN" in crossmedia("generate", "--n=4")[2][0]
