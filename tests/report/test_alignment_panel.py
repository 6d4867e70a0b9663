"""Transcripts with their edits: kept with the run, and on the page and in the trackers without markup."""

import html
import re
from types import SimpleNamespace

import pytest
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger

from crossmedia.report import page, store
from crossmedia.report.panels import Alignment
from crossmedia.report.trackers import log_panels

HOSTILE = '</dd></dl><script>document.title="x"</script> & <b>red</b>'
PANEL = Alignment(
    f"Transcripts {HOSTILE}",
    [f"clip {HOSTILE}", "b", "c"],
    [
        [["equal", "le café", "le café"], ["replace", f"was {HOSTILE}", f"now {HOSTILE}"]],
        [["delete", "gone", ""], ["insert", "", "<unk>"]],
        [],
    ],
    f"note {HOSTILE}",
)


def test_an_alignment_comes_back_as_it_was_saved(tmp_path):
    store.save_panels(tmp_path, "test", [PANEL])
    assert store.load_panels(tmp_path) == {"test": [PANEL]}


def test_the_page_shows_an_alignment_literally(tmp_path):
    store.save_panels(tmp_path, "test", [PANEL])
    source = page.write_report(tmp_path).read_text(encoding="utf-8")
    assert "<script>document" not in source and "<b>red" not in source
    assert source.count("</dl>") == source.count("<dl")
    shown = html.unescape(source)
    for text in (PANEL.title, PANEL.names[0], PANEL.note):
        assert text in shown
    assert (
        f"<del>was {HOSTILE}</del> <ins>now {HOSTILE}</ins>" in shown and "<ins>&lt;unk&gt;</ins>" in source
    )


def literal(markup: str) -> None:
    """The edits are the only markup."""
    assert set(re.findall(r"</?(.*?)>", markup)) == {"p", "b", "del", "ins"}
    shown = html.unescape(re.sub(r"<(del|ins)></\1> ?", "", markup))
    assert f"<b>clip {HOSTILE}</b> le café <del>was {HOSTILE}</del> <ins>now {HOSTILE}</ins>" in shown
    assert "<b>b</b> <del>gone</del> <ins><unk></ins>" in shown


def test_tensorboard_is_given_the_edits_alone_as_markup(tmp_path, monkeypatch):
    given = {}
    writer = SimpleNamespace(add_text=lambda name, text, step: given.update({name: text}))
    monkeypatch.setattr(TensorBoardLogger, "experiment", writer)
    log_panels(TensorBoardLogger(tmp_path, name="", version=""), "val", [PANEL], step=7)
    literal(given[f"val/{PANEL.title}"])


def test_wandb_is_given_the_edits_alone_as_markup(tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr(WandbLogger, "experiment", SimpleNamespace(log=given.update))
    log_panels(WandbLogger(save_dir=str(tmp_path), offline=True), "val", [PANEL], step=7)
    head, _, body = given[f"val/{PANEL.title}"].html.partition("<p>")
    literal(f"<p>{body}")


@pytest.mark.parametrize("rows", ['"a red ball"', '[[["equal", 1, "a"]]]'])
def test_an_alignment_that_is_none_is_named(tmp_path, rows):
    store.save_panels(tmp_path, "test", [PANEL])
    index = tmp_path / "samples/test/panels.json"
    index.write_text('[{"kind": "Alignment", "title": "t", "names": ["a"], "rows": ' + rows + "}]")
    with pytest.raises(store.CheckpointError, match="panels.json: damaged .rows: "):
        store.load_panels(tmp_path)
