"""Tables keep their columns and show every text literally, in each of three formats."""

import csv
import io
import re
from html import unescape

import pytest
from markdown_it import MarkdownIt

from crossmedia.report import tables
from crossmedia.report.panels import Curve, Matrix

HOSTILE = [
    "|pipe| *star* _us_ % $x$",
    '</script><script>document.title="x"</script>',
    "<unk> & <b>red</b>",
    "\"a\" 'b'",
    "back\\slash \\\\ `tick` ~a~ ^ # {x} [y](z)",
    "two\nlines, and a comma",
    "* first",
    "[1] first",
    "",
    " ",
]
ROWS = [[text, 0.5] for text in HOSTILE]
COLUMNS = ["out|put", "a_b"]


def test_csv_gives_every_cell_back():
    found = list(csv.reader(io.StringIO(tables.to_csv(COLUMNS, ROWS))))
    assert found == [COLUMNS, *([text, "0.5"] for text in HOSTILE)]


def test_csv_keeps_all_digits():
    assert tables.to_csv(["x"], [[0.1234567890123]]).splitlines()[1] == "0.1234567890123"


def test_markdown_has_the_same_columns_in_every_row():
    lines = tables.to_markdown(COLUMNS, ROWS).splitlines()
    assert len(lines) == len(ROWS) + 2
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)


def test_a_markdown_reader_shows_every_text_literally():
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    html = reader.render(tables.to_markdown(COLUMNS, ROWS))
    cells = [cell.replace("<br>", "\n") for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", html)]
    assert not any("<" in cell for cell in cells)
    shown = [text if text.strip() else "(empty)" for text in HOSTILE]
    assert [unescape(cell) for cell in cells] == [
        *COLUMNS,
        *(cell for text in shown for cell in (text, "0.500")),
    ]


def test_markdown_leaves_a_name_with_underscores_readable():
    assert tables.markdown_text("captioning_scenes") == "captioning_scenes"
    assert tables.markdown_text("_us_") == r"\_us\_"


def test_latex_has_the_same_columns_in_every_row():
    lines = [line for line in tables.to_latex(COLUMNS, ROWS).splitlines() if line.endswith(r"\\")]
    assert len(lines) == len(ROWS) + 1
    assert all(len(re.findall(r"(?<!\\)&", line)) == 1 for line in lines)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a_b % $x$ & #1 {y}", r"a\_b \% \$x\$ \& \#1 \{y\}"),
        ("\\~^", r"\textbackslash{}\textasciitilde{}\textasciicircum{}"),
        ("<a|b>", r"\textless{}a\textbar{}b\textgreater{}"),
        ("--x-y", r"-{}-x-y"),
        ("[1]", "{[}1]"),
        ("*", "{*}"),
        ("a\nb", "a b"),
    ],
)
def test_latex_escapes_what_it_would_obey(text, latex):
    assert tables.latex_text(text) == latex


def test_numbers_are_right_aligned_and_text_left():
    rows = [["a", 1, None, None], ["", 2, 0.5, None]]
    assert r"\begin{tabular}{lrrr}" in tables.to_latex(["w", "x", "y", "z"], rows)


def test_an_empty_output_is_marked_and_a_missing_number_is_a_dash():
    assert tables.shown_rows([["", None], [" ", 0.5], ["a", 3]]) == [
        ["(empty)", "–"],
        ["(empty)", "0.500"],
        ["a", "3"],
    ]
    assert "(empty)" in tables.to_markdown(["output"], [[""]])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.000"), (0.98, "0.980"), (-0.0004, "-0.0004"), (123456.7, "1.235e+05"), (float("nan"), "nan")],
)
def test_numbers_are_rounded_but_never_to_nothing(value, text):
    assert tables.shown(value) == text


def test_scores_have_a_row_a_metric_and_a_column_a_split_with_references_last():
    scores = {
        "test_composition/bleu4": 0.65,
        "test/loss": 1.0,
        "test/bleu4": 0.7,
        "test/bleu4_paraphrase": 0.69,
        "test/accuracy": 0.9,
        "test/accuracy_chance": 0.1,
        "test_composition/accuracy_chance": 0.2,
    }
    table = tables.scores_table(scores)
    references = ["a person's paraphrase", "chance", "chance, test_composition"]
    assert table.columns == ["metric", "test", "test_composition", *references]
    assert table.rows == [
        ["BLEU-4", 0.7, 0.65, 0.69, None, None],
        ["accuracy", 0.9, None, None, 0.1, 0.2],
        ["loss", 1.0, None, None, None, None],
    ]


@pytest.mark.parametrize(
    ("key", "name"),
    [("bleu4", "BLEU-4"), ("cider_d", "CIDEr-D"), ("rouge_l", "ROUGE-L"), ("wer", "WER"), ("kl", "KL")]
    + [("scene_accuracy", "scene accuracy"), ("round_trip_wer", "round trip WER"), ("lr", "learning rate")]
    + [
        ("fid_scenes", "FID (scenes features)"),
        ("inception_score_own_net", "inception score (own net features)"),
    ]
    + [("as_told_scenes", "as told (scenes features)")]
    + [("precision_inception", "precision (inception features)"), ("precision_macro", "precision macro")]
    + [("bits_per_dim", "bits/dim"), ("bits_per_dim_iw", "bits/dim, importance-weighted")]
    + [("attributes_scenes", "attributes (scenes)"), ("recall", "recall")]
    + [("codebook_usage", "codebook usage"), ("elbo", "ELBO"), ("d_loss", "d loss")],
)
def test_metrics_have_the_names_that_papers_give_them(key, name):
    assert tables.metric_name(key) == name


def test_the_numbers_of_a_curve_have_a_column_a_line():
    curve = Curve("c", [1, 2], {"train": [0.5, None], "val": [None, 0.25]}, x_label="step")
    assert tables.numbers(curve) == (["step", "train", "val"], [[1, 0.5, None], [2, None, 0.25]])


def test_the_levels_of_a_curve_are_columns_too():
    curve = Curve("c", [1, 2], {"val": [9.0, 8.0]}, levels={"real pictures": 4.5})
    assert tables.numbers(curve) == (["step", "val", "real pictures"], [[1, 9.0, 4.5], [2, 8.0, 4.5]])


def test_the_score_of_real_pictures_is_a_column_of_references():
    table = tables.scores_table({"test/samples": 86, "test/fid_scenes": 9.0, "test/fid_scenes_floor": 4.5})
    assert (table.columns, table.rows) == (
        ["metric", "test", "real data"],
        [["FID (scenes features)", 9.0, 4.5], ["samples", 86, None]],
    )


def test_the_numbers_of_a_matrix_are_the_matrix():
    matrix = Matrix("m", ["a"], ["a", "b"], [[1.0, 0.0]], "true", "predicted")
    assert tables.numbers(matrix) == (["true / predicted", "a", "b"], [["a", 1.0, 0.0]])


def test_the_numbers_of_a_large_matrix_are_its_cells_without_zeros():
    names = [str(i) for i in range(101)]
    values = [[float(i == j) for j in range(101)] for i in range(101)]
    columns, rows = tables.numbers(Matrix("m", names, names, values))
    assert columns == ["row", "column", "value"]
    assert rows == [[name, name, 1.0] for name in names]
