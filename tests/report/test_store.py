"""Panels come back from the run folder as they were saved, and a kill leaves the old or the new ones."""

import json
import math

import pytest
import torch

from crossmedia.errors import CheckpointError
from crossmedia.report import store
from crossmedia.report.panels import Curve, Grid, Matrix, Sound, Table, Text

PICTURES = torch.arange(5 * 3 * 4 * 6).remainder(251).reshape(5, 3, 4, 6).to(torch.uint8)


def test_pictures_and_captions_come_back_exactly(tmp_path):
    captions = ["<unk> & <b>red</b>\nline two", "", "日本", "\udcff.png", "e"]
    store.save_panels(tmp_path, "val", [Grid("Best of", PICTURES, captions, columns=3, note="n")])
    (grid,) = store.load_panels(tmp_path)["val"]
    assert torch.equal(grid.images, PICTURES)
    assert (grid.title, grid.captions, grid.columns, grid.note) == ("Best of", captions, 3, "n")


def test_a_grid_without_pictures_comes_back(tmp_path):
    store.save_panels(tmp_path, "val", [Grid("none", torch.zeros(0, 3, 8, 8, dtype=torch.uint8))])
    assert store.load_panels(tmp_path)["val"][0].images.shape == (0, 3, 8, 8)


def test_numbers_text_and_missing_values_come_back(tmp_path):
    panels = [
        Table("t", ["a", "b"], [["x", 1], [None, 0.1]], "note"),
        Curve("c", [0, 1.5], {"train": [1.0, None], "val": [math.inf, 2.0]}, levels={"a": 1.0}, log=True),
        Matrix("m", ["a&b<c>"], ["x", "y"], [[1.0, 2.5]], "true", "predicted"),
        Text("b", "</script>\n"),
    ]
    store.save_panels(tmp_path, "test", panels)
    assert store.load_panels(tmp_path) == {"test": panels}


def test_a_sound_comes_back_within_one_step_of_16_bits(tmp_path):
    waveform = torch.tensor([0.0, 0.5, -1.0, 1.0, 3.0, math.nan])
    store.save_panels(tmp_path, "val", [Sound("s", waveform, 8000, "n")])
    (sound,) = store.load_panels(tmp_path)["val"]
    expected = torch.tensor([0.0, 0.5, -1.0, 1.0, 1.0, 0.0])
    assert torch.allclose(sound.waveform, expected, atol=1 / 32767)
    assert sound.sample_rate == 8000


def test_saving_again_replaces_one_split_whole_and_leaves_the_others(tmp_path):
    store.save_panels(tmp_path, "val", [Grid("old", PICTURES), Text("gone", "")])
    store.save_panels(tmp_path, "test", [Text("kept", "")])
    store.save_panels(tmp_path, "val", [Grid("new", PICTURES[:2])])
    names = {
        split: [panel.title for panel in panels] for split, panels in store.load_panels(tmp_path).items()
    }
    assert names == {"test": ["kept"], "val": ["new"]}
    assert len(list((tmp_path / "samples" / "val").iterdir())) == 2


def test_a_kill_before_the_index_is_replaced_leaves_the_old_panels(tmp_path, monkeypatch):
    store.save_panels(tmp_path, "val", [Grid("same title", PICTURES)])
    write = store.write_whole

    def killed(path, content):
        if path.name == store.INDEX:
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(store, "write_whole", killed)
    with pytest.raises(KeyboardInterrupt):
        store.save_panels(tmp_path, "val", [Grid("same title", PICTURES.flip(0))])
    assert torch.equal(store.load_panels(tmp_path)["val"][0].images, PICTURES)


def test_a_run_without_samples_has_no_panels(tmp_path):
    assert store.load_panels(tmp_path) == {}


@pytest.mark.parametrize("content", ["[{", '[{"kind": "Sheet"}]', '[{"kind": "Grid", "title": "x"}]'])
def test_a_damaged_index_is_named(tmp_path, content):
    index = tmp_path / "samples" / "val" / store.INDEX
    index.parent.mkdir(parents=True)
    index.write_text(content)
    with pytest.raises(CheckpointError, match=r"val/panels\.json: damaged"):
        store.load_panels(tmp_path)


def test_a_missing_picture_file_is_named(tmp_path):
    store.save_panels(tmp_path, "val", [Grid("g", PICTURES)])
    (entry,) = json.loads((tmp_path / "samples/val/panels.json").read_text())
    (tmp_path / "samples/val" / entry["file"]).unlink()
    with pytest.raises(CheckpointError, match=entry["file"]):
        store.load_panels(tmp_path)


def test_a_sheet_lays_pictures_out_row_by_row():
    sheet = store.sheet(Grid("g", PICTURES, columns=2))
    assert sheet.shape == (3, 12, 12)
    assert torch.equal(sheet[:, 4:8, 6:12], PICTURES[3])
    assert not sheet[:, 8:, 6:].any()
