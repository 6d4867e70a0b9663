"""Figures draw anyone's text literally, follow light and dark, and stay readable from 2 classes to 1000."""

import math
import re
import sys

import numpy as np
import pytest

from crossmedia.report import figures
from crossmedia.report.panels import Curve, Matrix

NAMES = ["a&b<c>", "$x$", "_us_", "日本", "</svg><script>document.title='x'</script>"]


def svg(panel):
    return figures.to_svg(figures.draw(panel), panel.title)


def texts(drawing):
    found = re.findall(r"<text[^>]*>(.*?)</text>", drawing)
    return [text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for text in found]


def square(size):
    names = [f"class {i}" for i in range(size)]
    return Matrix("m", names, names, np.eye(size).tolist())


def test_the_names_of_lines_are_drawn_literally():
    drawing = svg(Curve("c", [0, 1], {name: [0.0, 1.0] for name in NAMES}))
    assert set(NAMES[:4]) <= set(texts(drawing))
    assert "<script" not in drawing


def test_the_names_of_classes_are_drawn_literally():
    drawing = svg(Matrix("m", NAMES, NAMES, np.eye(5).tolist()))
    assert all(texts(drawing).count(name) == 2 for name in NAMES[:4])
    assert "<script" not in drawing


def test_a_label_cannot_leave_its_attribute():
    drawing = figures.to_svg(figures.draw(square(2)), '"><script>')
    assert "<script" not in drawing
    assert 'aria-label="&quot;&gt;&lt;script&gt;"' in drawing


def test_colours_are_the_page_s_variables():
    drawing = svg(Curve("c", [0, 1], {"a": [0.0, 1.0], "b": [1.0, 0.0]}))
    assert {"var(--line0)", "var(--line1)", "var(--ink)", "var(--muted)"} <= set(
        re.findall(r"var\([^)]*\)", drawing)
    )
    assert not re.search(r"(fill|stroke): #", drawing)


def test_two_figures_of_one_page_share_no_id():
    ids = [
        set(re.findall(r' id="([^"]+)"', figures.to_svg(figures.draw(square(2)), label))) for label in "ab"
    ]
    assert ids[0] and not ids[0] & ids[1]


def test_the_same_figure_gives_the_same_bytes():
    assert svg(square(3)) == svg(square(3))


def test_gaps_are_bridged_and_values_that_are_not_finite_are_left_out():
    drawing = svg(Curve("c", [0, 1, 2, 3], {"a": [0.0, None, 1.0, math.nan]}))
    assert "nan" not in drawing
    assert drawing.count("<use") >= 2


def test_a_level_is_dashed_from_side_to_side_and_named():
    panel = Curve("c", [0, 1], {"c": [3.0, 2.0]}, levels={"real pictures": 1.0, "none": math.nan})
    (level,) = [line for line in figures.draw(panel).axes[0].lines if line.get_linestyle() == "--"]
    assert list(level.get_xdata()) == [0, 1] and list(level.get_ydata()) == [1.0, 1.0]
    assert "real pictures" in texts(svg(panel)) and "stroke-dasharray" in svg(panel)
    low, high = figures.draw(panel).axes[0].get_ylim()
    assert low < 1 and high > 3


def test_a_logarithmic_axis_numbers_powers_of_ten_and_between_them_where_there_are_few():
    few = texts(svg(Curve("c", [0, 1], {"a": [400.0, 5.0]}, log=True)))
    assert {"10", "20", "50", "100", "200"} <= set(few)
    many = texts(svg(Curve("c", [0, 1], {"a": [40000.0, 0.5]}, log=True)))
    assert {"1", "10", "100", "1k", "10k"} <= set(many) and "20" not in many


def test_values_that_are_not_above_0_have_no_logarithmic_axis():
    assert figures.draw(Curve("c", [0, 1], {"a": [4.0, 0.0]}, log=True)).axes[0].get_yscale() == "linear"
    assert figures.draw(Curve("c", [], {"a": []}, log=True)).axes[0].get_yscale() == "linear"


@pytest.mark.parametrize("lines", [{}, {"a": []}, {"a": [], "b": []}])
def test_a_curve_without_points_is_drawn(lines):
    assert svg(Curve("c", [], lines)).startswith("<svg")


def test_a_long_legend_says_how_many_names_it_leaves_out():
    found = texts(svg(Curve("c", [0, 1], {f"line {i}": [0.0, 1.0] for i in range(30)})))
    assert "the first 10 of 30" in found
    assert "line 9" in found and "line 10" not in found


def test_a_small_matrix_has_its_numbers_in_the_cells_but_no_zeros():
    found = texts(svg(Matrix("m", ["a", "b"], ["a", "b"], [[12.0, 0.0], [3.0, 45.0]])))
    assert {"12", "3", "45"} <= set(found)
    assert "0" not in found


def test_shares_have_two_digits():
    assert {".25", "10.75"} <= set(texts(svg(Matrix("m", ["a"], ["a", "b"], [[0.25, 10.75]]))))


@pytest.mark.parametrize(("size", "named"), [(2, 4), (40, 80), (200, 60)])
def test_a_matrix_names_as_many_classes_as_can_be_read(size, named):
    assert sum(text.startswith("class ") for text in texts(svg(square(size)))) == named


def test_a_matrix_without_classes_is_drawn():
    assert svg(Matrix("m", [], [], [])).startswith("<svg")


def test_a_matrix_with_a_value_that_is_not_finite_is_drawn():
    assert svg(Matrix("m", ["a"], ["b", "c"], [[math.nan, math.inf]])).startswith("<svg")


def test_a_lone_confusion_among_1000_classes_stays_in_sight():
    values = np.zeros((1000, 1000))
    values[501, 77] = 1
    cells = figures._blocks(values)
    assert cells.shape == (250, 250)
    assert cells[125, 19] == 1 and cells.sum() == 1


def test_negative_values_have_another_colour():
    red_green_blue = figures._colours(np.array([[1.0, -1.0]]))[0, :, :3]
    assert tuple(red_green_blue[0]) == figures.POSITIVE
    assert tuple(red_green_blue[1]) == figures.NEGATIVE


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.25, "0.25"), (0.00045, "4.5e-4"), (1500, "1.5k"), (20000, "20k"), (-3e6, "-3M")],
)
def test_the_numbers_of_an_axis_are_short(value, text):
    assert figures._short_number(value) == text


def test_pixels_are_on_white():
    pixels = figures.to_pixels(figures.draw(square(2)))
    assert pixels.shape[0] == 3
    assert pixels[:, 0, 0].tolist() == [255, 255, 255]
    assert pixels.min() < 128


def test_drawing_asks_for_no_pyplot(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # an import would now raise
    figure = figures.draw(Curve("c", [0, 1], {"a": [0.0, 1.0]}))
    assert figures.to_svg(figure, "c")
    assert figures.to_pixels(figure).numel()


def test_a_wide_matrix_has_rows_to_be_read_and_round_numbers_below_it():
    columns = [f"{frame / 100:g}" for frame in range(400)]
    found = texts(svg(Matrix("m", list("abcde"), columns, np.eye(5, 400).tolist())))
    assert {*"abcde"} <= {*found} and {"0", "0.2", "0.4", "3.8"} <= {*found} and "0.22" not in found
