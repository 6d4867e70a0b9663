"""README and docs say what the code does."""

import re

from made import TINY

import crossmedia.data
import crossmedia.tasks
from crossmedia import run
from crossmedia.config import ROOT
from crossmedia.listing import readme_table

README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMED_BLOCK = re.compile(r"`([\w/.]+)`\n\n```\w+\n(.*?)```", re.DOTALL)


def test_readmes_table_is_the_one_that_list_prints():
    shown = README.partition("<!-- experiments -->\n")[2].partition("<!-- /experiments -->")[0]
    assert shown == readme_table(ROOT)


def test_readme_is_short_and_its_pictures_exist():
    assert len(README.splitlines()) <= 150
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) == 2 and all((ROOT / picture).is_file() for picture in pictures)


def test_the_task_of_the_docs_can_be_added_as_they_say(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "adding-a-task.md").read_text(encoding="utf-8")
    files = NAMED_BLOCK.findall(text)
    assert [name.partition("/")[0] for name, _ in files] == ["src", "src", "conf"]
    for name, content in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(content, encoding="utf-8")
    for package in (crossmedia.data, crossmedia.tasks):
        part = package.__name__.rpartition(".")[2]
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "src/crossmedia" / part)])
    command = re.search(r"python train.py (.*counting.*)", text)
    assert command
    small = [f"data.source.num_{split}=16" for split in ("train", "val", "test")]
    conf = f"hydra.searchpath=[file://{tmp_path / 'conf'}]"
    scores = run.train([*command[1].split(), *TINY, *small, conf, f"out_dir={tmp_path}", "data.batch_size=4"])
    assert scores["test/mae"] >= 0
