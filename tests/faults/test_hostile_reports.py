"""A report over a folder made to harm: a page or one line, and nothing of the reader's own in the page."""

import json
import os

import pytest
from PIL import Image

pytest_plugins = ["hostile_runs"]


def index_of(folder):
    return folder / "samples" / "val" / "panels.json"


def panel(folder, **changes):
    path = index_of(folder)
    entries = json.loads(path.read_text())
    entries[0] |= changes
    path.write_text(json.dumps(entries))


@pytest.mark.parametrize("way", ["absolute", "..", "link"])
def test_no_picture_from_outside_the_folder_enters_the_page(refused, folder, way):
    secret = folder.parent / "secret.png"
    Image.new("RGB", (8, 8), "red").save(secret)
    name = {"absolute": str(secret), "..": os.path.relpath(secret, index_of(folder).parent), "link": "a.png"}[
        way
    ]
    if way == "link":
        (index_of(folder).parent / name).symlink_to(secret)
    panel(folder, file=name, size=[1, 3, 8, 8])
    code, line = refused("report", folder)
    assert code == 4 and "panels.json: damaged" in line


def test_a_picture_in_a_format_that_runs_a_program_is_not_opened(refused, folder):
    path = index_of(folder).parent / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")
    panel(folder, file="a.png", size=[1, 3, 8, 8])
    code, line = refused("report", folder)
    assert code == 4 and "panels.json: damaged" in line


@pytest.mark.parametrize(
    "changes",
    [{"size": [10**12, 3, 8, 8]}, {"size": "x"}, {"title": 3}, {"title": ["a"]}, {"kind": "os"}, {"more": 1}],
    ids=str,
)
def test_a_panel_that_is_none_is_a_line(refused, folder, changes):
    panel(folder, **changes)
    code, line = refused("report", folder)
    assert code == 4 and "panels.json: damaged" in line


BOMB = "a: &a [x,x,x,x,x,x,x,x]\n" + "".join(f"{n}: &{n} [{','.join(['*a'] * 8)}]\n" for n in "bcdefg")
FILES = [
    ("config.yaml", BOMB), ("config.yaml", "seed: [1]\n"), ("config.yaml", "about: 3\n"),
    ("config.yaml", "- 1\n"),
    ("config.yaml", "name: {a: 1}\n"), ("config.yaml", "[" * 2000), ("overrides.yaml", "3\n"),
    ("overrides.yaml", "- {a: 1}\n"), ("manifest.json", "[]"), ("manifest.json", '{"notes": 3}'),
    ("status.json", "[]"), ("status.json", '{"best": "x"}'), ("status.json", '{"monitor": 3}'),
    ("scores.json", '{"test/accuracy": "x"}'), ("scores.json", "[" * 100_000),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(FILES)))
def test_a_file_that_is_not_as_a_run_writes_it_is_a_line(refused, folder, place):
    name, text = FILES[place]
    (folder / name).write_text(text)
    code, line = refused("report", folder)
    assert code == 4 and f"{name}: " in line


@pytest.mark.parametrize(
    "place", [n for n, (name, _) in enumerate(FILES) if name in ("status.json", "scores.json")]
)
def test_a_list_of_runs_with_such_a_file_is_a_line(refused, folder, place, monkeypatch):
    name, text = FILES[place]
    (folder / name).write_text(text)
    (folder.parent / "outputs").mkdir()
    folder.rename(folder.parent / "outputs" / "run")
    monkeypatch.chdir(folder.parent)
    code, line = refused("list", "runs")
    assert code == 4 and f"{name}: " in line
