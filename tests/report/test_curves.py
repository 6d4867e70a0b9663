"""metrics.csv becomes one figure for the losses and one for each other metric."""

import math

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
