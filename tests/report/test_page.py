"""The page of a run: whole at any stage, self-contained, every text shown literally."""

import base64
import csv
import html
import io
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image

from crossmedia.errors import CheckpointError
from crossmedia.report import page
from crossmedia.report.panels import Curve, Grid, Matrix, Sound, Table, Text
from crossmedia.report.store import save_panels

HOSTILE = [
    '</script><script>document.title="x"</script>',
    "<unk> & <b>red</b>",
    "\"a\" 'b'",
    "|pipe| *star* _us_ % $x$",
    "<img src=x>.png",
    "a&b<c>",
    "</td>",
]


def run_folder(tmp_path, **files):
    run = tmp_path / "captioning_scenes" / "2026-11-24_12-41-21-k3f"
    run.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = run / name.replace("__", ".")
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return run


def pictures(count, size=4):
    return torch.randint(0, 255, (count, 3, size, size), dtype=torch.uint8, generator=torch.manual_seed(0))


def text_of(source):
    """What a reader of the page sees, without tags and styles."""
    body = re.sub(r"<style>.*?</style>", "", source, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "", body.replace("</dt>", " ").replace("</b>", " ")))


def written(run):
    return page.write_report(run).read_text(encoding="utf-8")


def hostile_run(tmp_path):
    run = run_folder(
        tmp_path,
        config__yaml=json.dumps({"about": {"claim": HOSTILE[0], "direction": HOSTILE[1]}, "seed": 3}),
        overrides__yaml=json.dumps(HOSTILE),
        manifest__json={"speakers": HOSTILE, HOSTILE[4]: {HOSTILE[5]: HOSTILE[6]}},
        status__json={"state": HOSTILE[2], "reason": HOSTILE[0]},
        scores__json={f"test/{HOSTILE[5]}": 0.5},
        metrics__csv=f"step,epoch,key,value\n1,0,val/{HOSTILE[0]},0.5\n",
    )
    panels = [
        Grid(HOSTILE[4], pictures(len(HOSTILE)), [f"{text}\n{text}" for text in HOSTILE], note=HOSTILE[1]),
        Table(HOSTILE[0], HOSTILE, [HOSTILE], note=HOSTILE[0]),
        Curve(HOSTILE[0], [0, 1], {text: [0.0, 1.0] for text in HOSTILE}, x_label=HOSTILE[1]),
        Matrix(HOSTILE[0], HOSTILE, HOSTILE, np.eye(len(HOSTILE)).tolist(), HOSTILE[0], HOSTILE[1]),
        Sound(HOSTILE[0], torch.zeros(10), 8000, HOSTILE[6]),
        Text(HOSTILE[0], "\n".join(HOSTILE)),
    ]
    save_panels(run, "val", panels)
    return run


def test_every_text_is_shown_literally_and_nothing_is_markup(tmp_path):
    source = written(hostile_run(tmp_path))
    shown = text_of(source)
    assert all(text in shown for text in HOSTILE)
    assert "<script" not in source and "<b>red" not in source and "<img src=x" not in source


def test_a_script_in_a_caption_leaves_the_title_alone_in_a_browser(tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("no chromium or google-chrome on this machine")
    path = page.write_report(hostile_run(tmp_path))
    words = (
        "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-sync --no-first-run"
    )
    command = [
        browser,
        *words.split(),
        f"--user-data-dir={tmp_path / 'browser'}",
        "--dump-dom",
        path.as_uri(),
    ]
    dom = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=True).stdout
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title and title[1] == "captioning_scenes · 2026-11-24_12-41-21-k3f"
    assert not re.search(r"<script|<b>red", re.sub(r'="[^"]*"', "", dom))


def test_a_folder_with_nothing_yet_gives_a_page(tmp_path):
    shown = text_of(written(run_folder(tmp_path)))
    assert "captioning_scenes" in shown
    assert "None yet." in shown


def test_before_the_test_the_newest_validation_stands_in_for_the_scores(tmp_path):
    lines = "step,epoch,key,value\n5,0,val/bleu4,0.25\n10,1,val/bleu4,0.375\n"
    shown = text_of(written(run_folder(tmp_path, metrics__csv=lines)))
    assert "epoch 1, step 10" in shown and "0.375" in shown


def test_the_notes_of_the_validation_give_way_to_those_of_the_test(tmp_path):
    run = run_folder(tmp_path, status__json={"notes": ["of val"]}, manifest__json={"notes": ["of test"]})
    for split in ("val", "test"):
        shown = text_of(written(run))
        assert [name for name in ("val", "test") if f"of {name}" in shown] == [split]
        (run / "scores.json").write_text('{"test/bleu4": 0.5}')


def test_the_head_says_what_the_run_is_and_how_it_went(tmp_path):
    run = run_folder(
        tmp_path,
        config__yaml="about: {claim: Learns to describe., direction: image -> text}\nseed: 7\nname: mine\n",
        status__json={
            "state": "finished",
            "wall_seconds": 204.3,
            "steps_per_second": 24.13,
            "best": 0.71,
            "best_epoch": 9,
            "monitor": "val/bleu4",
        },
    )
    shown = text_of(written(run))
    for words in ("mine", "Learns to describe.", "image → text", "finished", "seed 7", "24.1", "3 min 24 s"):
        assert words in shown
    assert "BLEU-4 0.710, epoch 10" in shown


def test_scores_are_in_the_page_and_beside_it_in_three_formats(tmp_path):
    run = run_folder(tmp_path, scores__json={"test/bleu4": 0.704, "test_composition/bleu4": 0.651})
    shown = text_of(written(run))
    assert "test_composition" in shown and "0.704" in shown
    assert (run / "scores.csv").read_text(
        encoding="utf-8"
    ) == "metric,test,test_composition\nBLEU-4,0.704,0.651\n"
    assert "| BLEU-4 | 0.704 | 0.651 |" in (run / "scores.md").read_text(encoding="utf-8")
    assert r"BLEU-4 & 0.704 & 0.651 \\" in (run / "scores.tex").read_text(encoding="utf-8")


def test_what_differs_leaves_the_experiment_itself_out(tmp_path):
    source = written(
        run_folder(tmp_path, overrides__yaml="- experiments=digits\n- model.optimizer.lr=0.01\n")
    )
    assert "model.optimizer.lr=0.01" in text_of(source)
    assert "experiments=digits" not in text_of(source)


def test_nested_groups_and_lists_of_the_manifest_are_printed(tmp_path):
    manifest = {"git": {"commit": "abc1", "dirty": False, "remote": None}, "command": ["python", "train.py"]}
    shown = " ".join(text_of(written(run_folder(tmp_path, manifest__json=manifest))).split())
    assert "git commit abc1 dirty False remote –" in shown
    assert "python train.py" in shown


@pytest.mark.parametrize(
    "name", ["scores__json", "manifest__json", "status__json", "config__yaml", "overrides__yaml"]
)
def test_a_damaged_file_is_named(tmp_path, name):
    with pytest.raises(CheckpointError, match=name.replace("__", ".")):
        page.write_report(run_folder(tmp_path, **{name: "{"}))


def test_pictures_are_in_the_page_exactly_with_their_captions_as_alt_text(tmp_path):
    run = run_folder(tmp_path)
    shown = pictures(2)
    save_panels(run, "val", [Grid("best", shown, ["a red ball\na ball", ""])])
    source = written(run)
    sources = re.findall(r'<img src="data:image/png;base64,([^"]+)"', source)
    found = [np.array(Image.open(io.BytesIO(base64.b64decode(code)))) for code in sources]
    assert all((picture == shown[i].permute(1, 2, 0).numpy()).all() for i, picture in enumerate(found))
    assert re.findall(r' alt="([^"]+)"', source) == [
        "best, picture 1: a red ball",
        "best, picture 2: (empty)",
    ]


def test_a_caption_of_several_lines_opens_with_the_output(tmp_path):
    run = run_folder(tmp_path)
    save_panels(run, "val", [Grid("g", pictures(2), ["out\nreference", "\nreference"])])
    spans = re.findall(r'<span dir="auto" class="([^"]*)">([^<]*)</span>', written(run))
    assert spans == [
        ("first", "out"),
        ("other", "reference"),
        ("first blank", "(empty)"),
        ("other", "reference"),
    ]


def test_figures_have_their_numbers_as_csv_and_a_text_for_who_cannot_see_them(tmp_path):
    run = run_folder(tmp_path)
    save_panels(run, "val", [Curve("FID", [0, 100], {"FID": [120.0, 21.5]})])
    source = written(run)
    link = re.search(r'<a download="fid.csv" href="data:text/csv;base64,([^"]+)"', source)
    assert link
    assert list(csv.reader(io.StringIO(base64.b64decode(link[1]).decode()))) == [
        ["step", "FID"],
        ["0", "120.0"],
        ["100", "21.5"],
    ]
    assert 'role="img" aria-label="FID over step: FID from 120.000 to 21.500"' in source


def test_test_splits_come_before_validation(tmp_path):
    run = run_folder(tmp_path)
    for split in ("val", "test_composition", "test"):
        save_panels(run, split, [Text("t", "")])
    assert re.findall(r"Samples · (\w+)", written(run)) == ["test", "test_composition", "val"]


def test_a_page_that_would_be_too_large_says_what_it_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MOST_BYTES", 150_000)
    run = run_folder(tmp_path)
    panels = [
        Grid("large", pictures(8, 100)),
        Text("endless", "x" * 200_000),
        Text("short", "still here"),
    ]
    save_panels(run, "val", panels)
    path = page.write_report(run)
    shown = text_of(path.read_text(encoding="utf-8"))
    assert path.stat().st_size <= 150_000
    assert "val: large (0.3 MB): its first part is shown" in shown
    assert "The first 2 of 8 pictures." in shown
    assert "val: endless (0.2 MB)" in shown
    assert "still here" in shown


def test_panels_that_fit_alone_but_not_together_are_left_out_from_the_first_that_does_not(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(page, "MOST_BYTES", 150_000)
    run = run_folder(tmp_path)
    save_panels(run, "val", [Text(title, title * 50_000) for title in "abc"])
    path = page.write_report(run)
    shown = text_of(path.read_text(encoding="utf-8"))
    assert path.stat().st_size <= 150_000
    assert "a" * 50_000 in shown
    assert "val: b (0.1 MB)" in shown and "val: c (0.1 MB)" in shown


def test_a_page_holds_twelve_sounds_and_names_the_others(tmp_path):
    run = run_folder(tmp_path)
    save_panels(run, "val", [Sound(f"voice {i}", torch.zeros(8), 8000) for i in range(14)])
    source = written(run)
    assert source.count("<audio") == 12
    assert "val: voice 12 (a sound; the page holds 12)" in text_of(source)
    assert "val: voice 13" in text_of(source)


def test_a_long_table_shows_its_first_rows_and_has_all_in_its_csv(tmp_path):
    run = run_folder(tmp_path)
    save_panels(run, "val", [Table("t", ["n"], [[f"row {i}"] for i in range(500)])])
    source = written(run)
    assert "The first 200 of 500 rows" in text_of(source)
    assert "row 199" in text_of(source) and "row 200" not in text_of(source)
    link = re.search(r'href="data:text/csv;base64,([^"]+)"', source)
    assert link and "row 499" in base64.b64decode(link[1]).decode()


def test_the_page_asks_for_nothing_from_outside(tmp_path):
    source = written(hostile_run(tmp_path))
    addresses = re.findall(r'(?:src|href)="([^"]*)"', source)
    assert addresses and all(address.startswith(("data:", "#")) for address in addresses)
    assert "default-src 'none'" in source


def test_a_name_with_broken_bytes_does_not_stop_the_page(tmp_path):
    run = run_folder(tmp_path)
    save_panels(run, "val", [Grid("g", pictures(1), ["caf\udce9.png"]), Table("t", ["a"], [["caf\udce9"]])])
    assert r"caf\udce9.png" in text_of(written(run))


def test_a_kill_while_writing_leaves_the_old_page(tmp_path, monkeypatch):
    run = run_folder(tmp_path)
    path = page.write_report(run)
    old = path.read_bytes()

    def killed(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        page.write_report(run)
    assert path.read_bytes() == old
