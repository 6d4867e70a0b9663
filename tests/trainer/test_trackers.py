import dataclasses
import importlib.util
import io
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning.loggers import TensorBoardLogger, WandbLogger
from rich.console import Console
from wandb_server import WandbServer

from crossmedia.errors import SystemFault
from crossmedia.report.panels import Grid, Text
from crossmedia.report.store import load_panels
from crossmedia.trainer import trackers as module
from crossmedia.trainer.trackers import Pictures, trackers

from .tiny import Tiny

WANDB = {"_target_": "pytorch_lightning.loggers.WandbLogger", "_partial_": True, "project": "crossmedia"}
BOARD = {
    "_target_": "pytorch_lightning.loggers.TensorBoardLogger",
    "_partial_": True,
    "name": "",
    "version": "tensorboard",
}
PANELS = [
    Grid("Captions", torch.zeros(1, 3, 4, 4, dtype=torch.uint8), ["a dog"]),
    Text("Beam", "a dog"),
]


class Drawn(Tiny):
    def panels(self, split):
        return PANELS

    def notes(self, split):
        return [f"{split}: few pictures"]


def at_hand(*loggers, sanity_checking=False, epoch=0, stopping=False) -> Any:
    """A trainer as the callback sees it."""
    strategy = SimpleNamespace(broadcast=lambda value: value)
    return SimpleNamespace(
        sanity_checking=sanity_checking,
        strategy=strategy,
        is_global_zero=True,
        loggers=loggers,
        fit_loop=SimpleNamespace(epoch_loop=SimpleNamespace(_batches_that_stepped=7)),
        current_epoch=epoch,
        max_epochs=9,
        should_stop=stopping,
    )


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(monotonic=lambda: now.seconds, seconds=0.0)
    monkeypatch.setattr(module, "time", now)
    return now


def test_a_page_comes_at_the_first_validation_and_then_at_most_every_30_seconds(tmp_path, clock):
    pages = []
    pictures = Pictures(tmp_path, lambda trainer, task: pages.append(clock.seconds))
    for clock.seconds in (3.0, 4.0, 32.9, 33.0, 62.9, 200.0, 201.0):
        pictures.on_validation_end(at_hand(), Drawn())
    assert pages == [3.0, 33.0, 200.0]


@pytest.mark.parametrize("last", [{"epoch": 8}, {"stopping": True}])
def test_the_last_validation_gets_a_page_whenever_it_comes(last, tmp_path, clock):
    pages = []
    pictures = Pictures(tmp_path, lambda trainer, task: pages.append(1))
    for moment in ({}, {}, last):
        pictures.on_validation_end(at_hand(**moment), Drawn())
    assert len(pages) == 2


def test_the_sanity_check_gets_no_page(tmp_path, clock):
    pages = []
    pictures = Pictures(tmp_path, lambda trainer, task: pages.append(1))
    pictures.on_validation_end(at_hand(sanity_checking=True), Drawn())
    assert not pages and not list(tmp_path.iterdir())


def test_the_page_gets_the_notes_of_the_validation(tmp_path, clock):
    found = []
    pictures = Pictures(tmp_path, lambda trainer, notes: found.extend(notes))
    pictures.on_validation_end(at_hand(), Drawn())
    assert found == ["val: few pictures"]


def test_a_grid_through_training_is_kept_at_the_step_of_the_curves_and_not_of_a_test(tmp_path):
    class Painted(Drawn):
        def panels(self, split):
            return [dataclasses.replace(PANELS[0], through=True)]

    for split in ("val", "test"):
        Pictures.draw(at_hand(), Painted(), tmp_path, split)
    found = load_panels(tmp_path)
    assert list(found["val"][0].sheets) == [7] and not hasattr(found["test"][0], "sheets")


@pytest.mark.skipif(not importlib.util.find_spec("tensorboard"), reason="tensorboard is not installed")
def test_the_run_folder_and_tensorboard_get_the_panels_under_the_same_names(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (logger,) = trackers({"trackers": [BOARD]}, tmp_path, "toy", Console(file=io.StringIO()))
    assert isinstance(logger.logger, TensorBoardLogger)
    Pictures.draw(at_hand(logger), Drawn(), tmp_path, "val")
    logger.experiment.flush()
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    logger.finalize("success")
    tags = board.Tags()
    found = {*tags["images"], *(tag.removesuffix("/text_summary") for tag in tags["tensors"])}
    assert found == {"val/Captions", "val/Beam"} and board.Images("val/Captions")[0].step == 7
    assert [panel.title for panel in load_panels(tmp_path)["val"]] == ["Captions", "Beam"]


def test_tensorboard_that_is_not_installed_is_named_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemFault, match=r'pip install "crossmedia\[tensorboard\]"'):
        trackers({"trackers": [BOARD]}, tmp_path, "toy", Console(file=io.StringIO()))


@pytest.fixture
def server(monkeypatch):
    """A port of this machine that wandb is told is its server; closed until it listens."""
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port.getsockname()[1]}")
        yield port


def wandb(folder, **more):
    """Whether the logger is offline, and what was printed."""
    console = Console(file=io.StringIO(), width=200)
    (tracker,) = trackers({"trackers": [{**WANDB, **more}]}, folder, "toy", console)
    logger = tracker.logger
    assert isinstance(logger, WandbLogger) and isinstance(console.file, io.StringIO)
    assert logger._wandb_init["name"] == f"toy/{folder.name}"
    return logger._offline or logger._wandb_init.get("mode") == "offline", console.file.getvalue()


def test_wandb_goes_offline_and_says_so_where_its_server_does_not_answer(tmp_path, server):
    offline, said = wandb(tmp_path, offline=False)
    assert offline and said.startswith("wandb: no answer from its server") and "wandb sync" in said


def test_wandb_stays_online_where_its_server_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(WandbLogger, "experiment", None)
    with WandbServer() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        assert wandb(tmp_path, offline=False) == (False, "")


@pytest.mark.parametrize("manner", [500, "closing"])
def test_wandb_goes_offline_where_its_server_is_out_of_order(tmp_path, monkeypatch, manner):
    with WandbServer(manner) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        assert wandb(tmp_path, offline=False)[0]


def test_wandb_goes_offline_where_its_server_takes_no_run(tmp_path, monkeypatch):
    def refuse(self):
        raise ValueError("API key must have 40 characters.\nSee the page")

    monkeypatch.setattr(WandbLogger, "experiment", property(refuse))
    with WandbServer(404) as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        offline, said = wandb(tmp_path, offline=False)
    assert offline and said.startswith("wandb: API key must have 40 characters, so this run is kept offline;")


def test_wandb_that_is_offline_by_its_config_asks_no_server(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_answers", lambda url: pytest.fail(f"asked {url}"))
    assert wandb(tmp_path, offline=True) == (True, "")


def test_a_server_that_drops_what_it_gets_is_not_waited_for_longer_than_the_limit(
    tmp_path, server, monkeypatch
):
    limits = []

    def connect(address, timeout, source=None):
        limits.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    assert wandb(tmp_path)[0] and limits == [module.WAIT]


def test_a_name_server_that_drops_what_it_gets_is_not_waited_for_longer_than_the_limit(
    tmp_path, server, monkeypatch
):
    def look_up(*args, **more):
        time.sleep(0.5)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(module, "WAIT", 0.1)
    began = time.monotonic()
    assert wandb(tmp_path)[0]
    assert time.monotonic() - began < 0.4
