"""A report over a folder made to harm: a page or one line, and nothing of the reader's own in the page."""

import base64
import json
import os
import re

import pytest
from PIL import Image

from crossmedia.report.page import write_report

pytest_plugins = ["hostile_runs"]


def index_of(folder):
    return folder / "samples" / "val" / "panels.json"


def panel(folder, **changes):
    path = index_of(folder)
    entries = json.loads(path.read_text())
    entries[0] |= changes
    path.write_text(json.dumps(entries))


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("way", ["absolute", "..", "link"])
def test_no_picture_from_outside_the_folder_enters_the_page(refused, folder, way, earlier):
    secret = folder.parent / "secret.png"
    Image.new("RGB", (8, 8), "red").save(secret)
    name = {"absolute": str(secret), "..": os.path.relpath(secret, index_of(folder).parent), "link": "a.png"}[
        way
    ]
    if way == "link":
        (index_of(folder).parent / name).symlink_to(secret)
    if earlier:
        panel(folder, frames=[[1, name]])
    else:
        panel(folder, file=name, size=[1, 3, 8, 8])
    code, line = refused("report", folder)
    assert code == 4 and "panels.json: damaged" in line


def test_a_sheet_of_an_earlier_step_that_runs_a_program_is_not_opened(refused, folder):
    path = index_of(folder).parent / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")
    panel(folder, frames=[[1, "a.png"]])
    code, line = refused("report", folder)
    assert code == 4 and "a.png: damaged" in line


def test_of_a_sheet_only_its_pixels_enter_the_page(folder):
    path, script = index_of(folder).parent / "a.png", b"<script>alert(1)</script>"
    Image.new("RGB", (8, 8), "red").save(path)
    path.write_bytes(path.read_bytes() + script)
    title = "</title><script>alert(1)</script>"
    panel(folder, frames=[[1, "a.png"], [2, "a.png"]], title=title, captions=[title], note=title)
    page = write_report(folder).read_text(encoding="utf-8")
    assert page.count("<script") == 1 and "<script>for (const reel of" in page
    pictures = re.findall(r'src="data:image/[a-z]+;base64,([^"]*)"', page)
    assert pictures and not any(script in base64.b64decode(picture) for picture in pictures)


def test_a_picture_in_a_format_that_runs_a_program_is_not_opened(refused, folder):
    path = index_of(folder).parent / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")
    panel(folder, file="a.png", size=[1, 3, 8, 8])
    code, line = refused("report", folder)
    assert code == 4 and "panels.json: damaged" in line


@pytest.mark.parametrize(
    "changes",
    [
        {"size": [10**12, 3, 8, 8]},
        {"size": "x"},
        {"title": 3},
        {"title": ["a"]},
        {"kind": "os"},
        {"more": 1},
        {"sheets": {}},
        {"through": "yes"},
        {"frames": [[1, 2]]},
        {"frames": [[n, "a.png"] for n in range(10**4)]},
    ],
    ids=lambda changes: str(changes)[:30],
)
def test_a_panel_that_is_none_is_a_line(refused, folder, changes):
    panel(folder, **changes)
    code, line = refused("report", folder)
    assert code == 4 and "panels.json: damaged" in line


CURVE = {"kind": "Curve", "title": "c", "x": [0], "lines": {"a": [1.0]}}
MATRIX = {"kind": "Matrix", "title": "m", "rows": ["a"], "columns": ["b"], "values": [[1.0]]}


@pytest.mark.parametrize(
    "entry",
    [
        {**CURVE, "lines": {"a": ["x"]}},
        {**CURVE, "lines": {"a": [1.0, 2.0]}},
        {**CURVE, "lines": {"a": 3}},
        {**CURVE, "x": ["x"]},
        {**CURVE, "x": [None]},
        {**CURVE, "levels": {"a": "x"}},
        {**MATRIX, "values": [["x"]]},
        {**MATRIX, "values": [[1.0, 2.0]]},
        {**MATRIX, "values": []},
        {**MATRIX, "values": [[None]]},
    ],
    ids=str,
)
def test_a_figure_that_cannot_be_drawn_is_a_line(refused, folder, entry):
    index_of(folder).write_text(json.dumps([entry]))
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
