"""TensorBoard and wandb get every panel under the page's names, with text as it is."""

import html
import json
import re

import pytest
import torch
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger, WandbLogger

from crossmedia.report.panels import Curve, Grid, Matrix, Sound, Table, Text
from crossmedia.report.trackers import log_panels

HOSTILE = "<unk> & <em>red</em> |pipe| *star* _us_ $x$"
PICTURES = torch.full((2, 3, 4, 4), 200, dtype=torch.uint8)
PANELS = [
    Grid("captions", PICTURES, [f"{HOSTILE}\nline two", ""]),
    Table("wrong", ["output", "p"], [[HOSTILE, 0.5], ["", None]]),
    Curve("FID", [0, 1], {"FID": [2.0, 1.0]}),
    Matrix("confusion", ["a"], ["a"], [[1.0]]),
    Sound("voice", torch.zeros(80), 8000, "note"),
    Text("beam", f"{HOSTILE}\n\n    <unk> indented"),
]


@pytest.fixture
def board(tmp_path):
    """A TensorBoard folder to which the panels were logged, read back."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logger = TensorBoardLogger(tmp_path, name="", version="")
    log_panels(logger, "val", PANELS, step=7)
    logger.experiment.flush()
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    logger.finalize("success")
    return found


def shown(board, name):
    """The text of a tag as TensorBoard's own page shows it."""
    from tensorboard import plugin_util

    (event,) = board.Tensors(f"{name}/text_summary")
    page = plugin_util.markdown_to_safe_html(event.tensor_proto.string_val[0])
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def test_tensorboard_has_every_panel_under_the_page_s_name(board):
    tags = board.Tags()
    assert set(tags["images"]) == {"val/captions", "val/FID", "val/confusion"}
    assert tags["audio"] == ["val/voice"]
    assert {tag.removesuffix("/text_summary") for tag in tags["tensors"]} == {
        "val/captions",
        "val/wrong",
        "val/beam",
    }
    assert board.Images("val/captions")[0].step == 7


@pytest.mark.filterwarnings("ignore:html5lib's sanitizer:DeprecationWarning")  # TensorBoard's own
@pytest.mark.parametrize("name", ["val/captions", "val/wrong", "val/beam"])
def test_tensorboard_shows_text_literally(board, name):
    assert HOSTILE in shown(board, name)


@pytest.mark.filterwarnings("ignore:html5lib's sanitizer:DeprecationWarning")
def test_tensorboard_marks_an_empty_output_and_keeps_line_ends(board):
    assert "(empty)" in shown(board, "val/captions")
    assert shown(board, "val/beam").strip() == f"{HOSTILE}\n\n    <unk> indented"


class Run:
    """Stands in for a wandb run: the real one takes seconds to start."""

    def __init__(self):
        self.logged = {}

    def log(self, values):
        self.logged.update(values)


@pytest.fixture
def logged(tmp_path, monkeypatch):
    run = Run()
    monkeypatch.setattr(WandbLogger, "experiment", run)
    log_panels(WandbLogger(save_dir=str(tmp_path), offline=True), "val", PANELS, step=7)
    return run.logged


def test_wandb_has_every_panel_under_the_page_s_name_at_the_trainer_s_step(logged):
    assert {key for key in logged if key != "trainer/global_step"} == {
        f"val/{panel.title}" for panel in PANELS
    }
    assert logged["trainer/global_step"] == 7
    assert [
        type(logged[f"val/{name}"]).__name__ for name in ("wrong", "FID", "confusion", "voice", "beam")
    ] == [
        "Html",
        "Image",
        "Image",
        "Audio",
        "Html",
    ]


def test_wandb_gets_captions_as_they_are(logged):
    captions = [picture._caption for picture in logged["val/captions"]]
    assert captions == [f"{HOSTILE}\nline two", "(empty)"]


def test_wandb_gets_tables_and_texts_without_markup(logged):
    assert "<pre>&lt;unk&gt; &amp; &lt;em&gt;red" in logged["val/beam"].html
    assert "<td>&lt;unk&gt; &amp; &lt;em&gt;red" in logged["val/wrong"].html
    assert "<td>(empty)</td>" in logged["val/wrong"].html


@pytest.mark.slow
def test_a_real_offline_run_of_wandb_takes_every_panel(tmp_path):
    import wandb

    logger = WandbLogger(save_dir=str(tmp_path), offline=True, project="test")
    try:
        log_panels(logger, "val", PANELS, step=7)
        summary = dict(logger.experiment.summary)
    finally:
        wandb.finish()
    assert {key for key in summary if key.startswith("val/")} == {f"val/{panel.title}" for panel in PANELS}
    assert json.dumps(summary["val/voice"]["caption"]) == '"note"'


def test_another_logger_draws_nothing(tmp_path):
    log_panels(CSVLogger(tmp_path, name="", version=""), "val", PANELS, step=7)
    assert not list(tmp_path.iterdir())
