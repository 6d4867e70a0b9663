"""A grid through training: its earlier steps stay in the run folder and on the page, few, evenly spread."""

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess

import pytest
import torch
from PIL import Image

from crossmedia.errors import CheckpointError
from crossmedia.report import page, store
from crossmedia.report.panels import Grid, Text
from crossmedia.report.reels import KEPT, SHOWN, Reel, spread, thinned


def grid(value, title="Samples", size=4, **more):
    """Two pictures whose grey tells the step."""
    return Grid(
        title, torch.full((2, 3, size, size), value, dtype=torch.uint8), columns=2, through=True, **more
    )


def save(run, *steps, title="Samples"):
    for step in steps:
        store.save_panels(run, "val", [grid(step, title)], step)


def greys(run, place=0):
    """The grey of the sheet of each step kept."""
    (panels,) = store.load_panels(run).values()
    reel = panels[place]
    assert isinstance(reel, Reel)
    return {step: Image.open(path).getpixel((0, 0))[0] for step, path in reel.sheets.items()}


def files(run):
    return sorted(path.name for path in (run / "samples" / "val").iterdir() if path.name != store.INDEX)


def written(run):
    return page.write_report(run).read_text(encoding="utf-8")


def shown_steps(source):
    """The steps side by side, then the one that is shown at first."""
    earlier = re.findall(r"<figcaption>step (\d+)</figcaption>", source)
    return [int(step) for step in (*earlier, *re.findall(r"<output>step (\d+)</output>", source))]


def test_each_step_keeps_its_sheet_under_its_title_and_step(tmp_path):
    save(tmp_path, 5, 10, 15)
    assert greys(tmp_path) == {5: 5, 10: 10, 15: 15}
    assert [re.sub(r"-\w{8}\.png", "", name) for name in files(tmp_path)] == [
        "samples-00000005",
        "samples-00000010",
        "samples-00000015",
    ]
    (reel,) = store.load_panels(tmp_path)["val"]
    assert isinstance(reel, Grid) and reel.through and reel.images.unique().tolist() == [15]


def test_a_resume_from_an_earlier_step_drops_the_later_sheets(tmp_path):
    save(tmp_path, 5, 10, 15, 20)
    store.save_panels(tmp_path, "val", [grid(99)], step=10)
    assert greys(tmp_path) == {5: 5, 10: 99}
    assert len(files(tmp_path)) == 2


def test_a_panel_saved_without_a_step_has_no_past(tmp_path):
    store.save_panels(tmp_path, "test", [grid(1)])
    (panel,) = store.load_panels(tmp_path)["test"]
    assert not isinstance(panel, Reel) and "<script" not in written(tmp_path)


def test_grids_of_one_title_are_told_apart_from_those_of_another(tmp_path):
    for step in (1, 2):
        panels = [grid(step), grid(step + 100, "Prompts"), Grid("Real", grid(7).images), Text("t", "")]
        store.save_panels(tmp_path, "val", panels, step)
    assert greys(tmp_path) == {1: 1, 2: 2} and greys(tmp_path, 1) == {1: 101, 2: 102}
    assert len(files(tmp_path)) == 5


def test_captions_of_a_grid_through_training_come_back(tmp_path):
    store.save_panels(tmp_path, "val", [grid(1, captions=["<unk>", ""], note="n")], step=3)
    (reel,) = store.load_panels(tmp_path)["val"]
    assert isinstance(reel, Reel) and (reel.captions, reel.note, reel.columns) == (["<unk>", ""], "n", 2)


def test_a_thousand_validations_leave_64_steps_evenly_over_the_training():
    steps = []
    for step in range(1000):
        steps = thinned([*steps, step])
    assert len(steps) == KEPT and steps[0] == 0 and steps[-1] == 999 and steps == sorted(set(steps))
    gaps = [after - before for before, after in zip(steps, steps[1:], strict=False)]
    assert max(gaps[:-1]) <= 4 * min(gaps[:-1])


def test_the_run_folder_keeps_the_sheets_of_these_steps_alone(tmp_path):
    save(tmp_path, *range(KEPT + 5))
    assert len(files(tmp_path)) == len(greys(tmp_path)) == KEPT


def test_the_same_steps_are_thinned_alike():
    steps = [*range(0, 700, 7), 701, 702]
    assert thinned(steps) == thinned(list(steps)) and len(thinned(steps)) == KEPT
    assert thinned([3, 4]) == [3, 4]


@pytest.mark.parametrize("most", [1, 2, 3, SHOWN])
def test_the_steps_of_a_page_are_spread_over_the_whole_training(most):
    steps = spread(range(10, 650, 10), most)
    assert len(steps) == most and steps[-1] == 640 and (most == 1 or steps[0] == 10)
    gaps = [after - before for before, after in zip(steps, steps[1:], strict=False)]
    assert not gaps or max(gaps) - min(gaps) <= 10


@pytest.mark.parametrize("moment", ["index", "sheet", "unlink"])
def test_a_kill_leaves_the_old_or_the_new_panels_whole(tmp_path, monkeypatch, moment):
    save(tmp_path, *range(1, KEPT + 1))  # so that the next one thins
    old, write = greys(tmp_path), store.write_whole

    def killed(path, content):
        if (path.name == store.INDEX) == (moment == "index") or moment == "unlink":
            raise KeyboardInterrupt
        write(path, content)

    if moment == "unlink":
        monkeypatch.setattr("pathlib.Path.unlink", lambda path: killed(path, None))
    else:
        monkeypatch.setattr(store, "write_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        store.save_panels(tmp_path, "val", [grid(200)], step=KEPT + 1)
    monkeypatch.undo()
    new = {**old, KEPT + 1: 200}
    assert greys(tmp_path) == (old if moment != "unlink" else {step: new[step] for step in thinned(new)})
    save(tmp_path, KEPT + 2)
    assert len(files(tmp_path)) == KEPT  # and what it left goes with the next


def test_a_damaged_index_is_written_anew(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "samples" / "val" / store.INDEX).write_text('[{"title": "Samples", "frames": [[1, "../x"]]}]')
    save(tmp_path, 2)
    assert greys(tmp_path) == {2: 2}


def test_the_page_shows_the_newest_and_24_steps_in_all(tmp_path):
    save(tmp_path, *range(60))
    source = written(tmp_path)
    assert shown_steps(source) == spread(range(60)) and len(shown_steps(source)) == SHOWN
    (slider,) = re.findall(r"<input[^>]*>", source)
    assert 'type="range" min="0" max="23" value="23"' in slider and slider.endswith(" hidden>")
    assert 'aria-label="Samples, step of the training"' in slider
    alts = re.findall(r' alt="([^"]*)"', source)
    assert alts[0] == "Samples, step 59: 2 pictures, 2 in a row" and len(alts) == SHOWN


def test_the_newest_sheet_is_in_the_page_exactly(tmp_path):
    save(tmp_path, 1, 2)
    found = re.findall(r'<img src="data:image/(\w+);base64,([^"]+)"', written(tmp_path))
    assert [kind for kind, _ in found] == ["png", "jpeg"]
    with Image.open(io.BytesIO(base64.b64decode(found[0][1]))) as picture:
        assert picture.size == (8, 4) and picture.getextrema() == ((2, 2),) * 3


def test_after_one_validation_there_is_nothing_to_slide(tmp_path):
    save(tmp_path, 1)
    assert shown_steps(written(tmp_path)) == [1] and "<input" not in written(tmp_path)


def test_the_policy_of_the_page_names_its_one_script_and_no_other(tmp_path):
    save(tmp_path, 1, 2)
    source = written(tmp_path)
    (script,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', source)
    assert policy.endswith(f"; script-src 'sha256-{digest}'") and source.count("<script") == 1
    assert re.search("innerHTML|eval|fetch|http", script) is None


def test_steps_give_way_evenly_before_any_other_panel_does(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MOST_BYTES", 250_000)
    noise = torch.randint(0, 255, (2, 3, 64, 64), dtype=torch.uint8, generator=torch.manual_seed(0))
    for step in range(SHOWN):
        other = Grid("Other", noise, columns=2)
        store.save_panels(tmp_path, "val", [Grid("Samples", noise, columns=2, through=True), other], step)
    source = written(tmp_path)
    steps = shown_steps(source)
    assert len(source.encode()) <= 250_000 and 4 < len(steps) < SHOWN
    assert steps[-1] == SHOWN - 1 and max(b - a for a, b in zip(steps, steps[1:], strict=False)) <= 6
    assert f"val: Samples: {len(steps)} of {SHOWN} steps are shown" in source
    assert source.count('alt="Other, picture') == 2 and "first part" not in source


def test_a_damaged_sheet_is_named(tmp_path):
    save(tmp_path, 1, 2)
    path = tmp_path / "samples" / "val" / files(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(CheckpointError, match=r"samples-00000001-\w+\.png: damaged"):
        page.write_report(tmp_path)


@pytest.mark.parametrize(
    "frames", [[[2, "FILE"], [1, "FILE"]], [[1, 2, 3]], [["1", "FILE"]], 3, [[True, "FILE"]]]
)
def test_steps_that_are_none_are_a_damaged_index(tmp_path, frames):
    save(tmp_path, 1)
    index = tmp_path / "samples" / "val" / store.INDEX
    entries = json.loads(index.read_text())
    entries[0]["frames"] = json.loads(json.dumps(frames).replace("FILE", files(tmp_path)[0]))
    index.write_text(json.dumps(entries))
    with pytest.raises(CheckpointError, match=r"panels\.json: damaged"):
        store.load_panels(tmp_path)


def test_the_slider_of_a_browser_changes_picture_step_and_text(tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("no chromium or google-chrome on this machine")
    save(tmp_path, 10, 20, 30)
    act = "const i = document.querySelector('input'); i.value = 1; i.dispatchEvent(new Event('input'))"
    digest = base64.b64encode(hashlib.sha256(act.encode()).digest()).decode()
    source = written(tmp_path).replace(
        "script-src ", f"script-src 'sha256-{digest}' "
    )  # beside the page's own
    path = tmp_path / "moved.html"
    path.write_text(f"{source}<script>{act}</script>", encoding="utf-8")
    words = "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --dump-dom"
    command = [browser, *words.split(), f"--user-data-dir={tmp_path / 'browser'}", path.as_uri()]
    dom = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=True).stdout
    (slider,) = re.findall(r"<input[^>]*>", dom)
    assert "hidden" not in slider and 'aria-valuetext="step 20"' in slider
    main, *earlier = re.findall(r'<img src="([^"]*)" alt="([^"]*)"', dom)
    assert main == earlier[1] and main[1].startswith("Samples, step 20:")
    assert "<output>step 20</output>" in dom
