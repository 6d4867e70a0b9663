"""metrics.csv becomes one figure for the losses and one for each other metric."""

import math

import pytest

from crossmedia.report.curves import MOST_CURVES, MOST_POINTS, Point, read_metrics, training_curves


def test_a_line_cut_short_by_a_kill_is_passed_over(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,epoch,key,value\n1,0,train/loss,0.5\n2,0,val/accuracy of a, b,0.25\n3,0,train/lo")
    assert read_metrics(path) == {
        "train/loss": [Point(1, 0, 0.5)],
        "val/accuracy of a, b": [Point(2, 0, 0.25)],
    }


def test_a_run_without_metrics_has_no_curves(tmp_path):
    assert training_curves(read_metrics(tmp_path / "metrics.csv")) == []


def test_losses_share_a_figure_and_each_metric_has_its_own():
    series = {
        key: [Point(1, 0, 0.5)] for key in ("train/loss", "train/kl_loss", "val/bleu4", "val/loss", "lr")
    }
    found = {curve.title: list(curve.lines) for curve in training_curves(series)}
    assert found == {
        "loss": ["val", "train", "train/kl_loss"],
        "BLEU-4": ["val"],
        "learning rate": ["learning rate"],
    }


def test_the_figures_of_a_generator_are_its_players_losses_and_each_score_by_its_name():
    keys = ("train/d_loss", "train/kl", "val/fid_scenes", "train/g_loss", "val/kl", "val/codebook_usage")
    found = {
        curve.title: list(curve.lines) for curve in training_curves(dict.fromkeys(keys, [Point(1, 0, 0.5)]))
    }
    assert found == {
        "loss": ["train/d_loss", "train/g_loss"],
        "FID (scenes features)": ["val"],
        "KL": ["val", "train"],
        "codebook usage": ["val"],
    }


def test_a_reference_is_a_level_in_the_figure_of_its_metric():
    series = {
        "val/fid_scenes": [Point(1, 0, 50.0), Point(2, 1, 40.0)],
        "val/fid_scenes_floor": [Point(1, 0, 4.0), Point(2, 1, 4.5)],
        "test/fid_scenes_floor": [Point(2, 1, 9.0)],
    }
    (curve,) = training_curves(series)
    assert curve.lines == {"val": [50.0, 40.0]} and curve.levels == {"real data": 4.5}


@pytest.mark.parametrize(
    ("key", "values", "log"),
    [
        ("val/fid_scenes", [400.0, 5.0], True),
        ("val/fid_scenes", [400.0, 390.0], False),
        ("val/fid_scenes", [400.0, 0.0], False),
        ("val/fid_scenes", [math.nan, math.inf], False),
        ("val/kid_scenes", [0.4, -0.001], False),
        ("val/accuracy", [0.01, 0.9], False),
    ],
)
def test_a_fid_that_falls_by_powers_of_ten_has_a_logarithmic_axis(key, values, log):
    (curve,) = training_curves({key: [Point(step, 0, value) for step, value in enumerate(values)]})
    assert curve.log is log


def test_lines_with_other_steps_share_an_axis():
    series = {"train/loss": [Point(1, 0, 3.0), Point(3, 0, 2.0)], "val/loss": [Point(2, 0, 2.5)]}
    (curve,) = training_curves(series)
    assert curve.x == [1, 2, 3]
    assert curve.lines == {"val": [None, 2.5, None], "train": [3.0, None, 2.0]}


def test_a_long_line_is_thinned_to_means_and_says_so():
    points = [Point(step, 0, float(step)) for step in range(1, 2 * MOST_POINTS + 1)]
    (curve,) = training_curves({"train/loss": points})
    assert len(curve.x) == MOST_POINTS
    assert curve.x[0] == 2
    assert curve.lines["train"][0] == 1.5
    assert curve.note == "train: a point is the mean of 2."


def test_lines_thinned_alike_share_a_note():
    points = [Point(step, 0, 1.0) for step in range(3 * MOST_POINTS)]
    (curve,) = training_curves({"train/loss": points, "train/kl_loss": points})
    assert curve.note == "train, train/kl_loss: a point is the mean of 3."


def test_values_that_are_not_finite_are_counted():
    (curve,) = training_curves({"train/loss": [Point(1, 0, 0.5), Point(2, 0, math.nan)]})
    assert curve.note == "train: 1 of 2 values are not finite."


def test_a_metric_for_each_of_many_classes_does_not_flood_the_page():
    series = {f"val/accuracy_{i}": [Point(1, 0, 0.5)] for i in range(1000)}
    assert len(training_curves(series)) == MOST_CURVES
