"""Each panel becomes plain strings: pictures lossless while small, figures with a word on their colours."""

import math

import torch

from crossmedia.report import views
from crossmedia.report.page import environment
from crossmedia.report.panels import Alignment, Grid, Matrix, Sound, Table


def grid(size, captions=(), columns=8):
    noise = torch.randint(0, 255, (3, 3, size, size), dtype=torch.uint8, generator=torch.manual_seed(0))
    return views.view(Grid("g", noise, list(captions), columns))


def test_small_pictures_are_lossless_and_large_ones_smaller():
    assert grid(32)["pictures"][0]["src"].startswith("data:image/png")
    assert grid(256)["pictures"][0]["src"].startswith("data:image/jpeg")


def test_pictures_without_text_keep_their_columns_and_those_with_text_flow():
    assert (grid(8, columns=2)["columns"], grid(8, columns=2)["width"]) == (2, None)
    assert grid(8, ["a caption that is longer than its picture is wide"])["width"] >= views.CAPTIONED


def test_a_picture_beyond_the_captions_has_none():
    assert [len(picture["lines"]) for picture in grid(8, ["one", "two\nlines"])["pictures"]] == [1, 2, 0]


def test_the_strongest_colour_of_a_matrix_is_told():
    matrix = Matrix("m", ["a"], ["x", "y", "z"], [[2.0, -8.0, math.nan]], note="Shares.")
    assert views.view(matrix)["note"] == "Shares. Full colour at -8."


def test_a_sound_tells_its_length_and_rate():
    assert views.view(Sound("s", torch.zeros(12000), 8000))["facts"] == "1.5 s, 8000 Hz"


def test_cells_know_whether_they_are_numbers_or_empty():
    (row,) = views.table_view(Table("t", ["output", "p"], [["", 0.5]]))["rows"]
    assert [(cell["text"], cell["number"], cell["blank"]) for cell in row] == [
        ("(empty)", False, True),
        ("0.500", True, False),
    ]


def test_an_alignment_strikes_out_what_was_said_and_adds_what_was_written():
    rows = [
        [["equal", "a", "a"], ["replace", "red", "<bed>"], ["delete", "ball", ""], ["insert", "", "x"]],
        [],
    ]
    ready = views.view(Alignment("t", ["one", "two"], rows))
    html = environment().get_template("panels.html").module.panel(ready)
    text = " ".join(html.split())
    assert "<span>a</span> <del>red</del> <ins>&lt;bed&gt;</ins> <del>ball</del> <ins>x</ins>" in text
    assert "(empty)" in text
