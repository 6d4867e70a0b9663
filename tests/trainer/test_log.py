import csv
import math

from crossmedia.trainer.log import CSVLog


def rows(path):
    with open(path, newline="") as file:
        return [(row["step"], row["epoch"], row["key"], row["value"]) for row in csv.DictReader(file)]


def test_a_value_that_comes_late_needs_no_column_of_its_own(tmp_path):
    log = CSVLog(tmp_path / "metrics.csv")
    log.log_metrics({"train/loss": 0.5, "epoch": 0}, 9)
    log.log_metrics({"val/loss": 0.25, "val/accuracy": 1.0, "epoch": 1.0}, 19)
    assert rows(log.path) == [
        ("9", "0", "train/loss", "0.5"),
        ("19", "1", "val/loss", "0.25"),
        ("19", "1", "val/accuracy", "1.0"),
    ]


def test_values_come_back_to_the_last_bit(tmp_path):
    log = CSVLog(tmp_path / "metrics.csv")
    values = [0.1, 1 / 3, 1e-45, 0.10000000149011612, 123456789.0, math.inf, math.nan]
    log.log_metrics({str(place): value for place, value in enumerate(values)}, 0)
    found = [float(value) for *_, value in rows(log.path)]
    assert found[:-1] == values[:-1] and math.isnan(found[-1])


def test_equal_runs_give_equal_bytes(tmp_path):
    for name in ("one", "two"):
        CSVLog(tmp_path / name).log_metrics({"train/loss": 0.5, "epoch": 0}, 9)
    content = (tmp_path / "one").read_text()
    assert content == (tmp_path / "two").read_text()
    assert content == "step,epoch,key,value\n9,0,train/loss,0.5\n"  # and no time


def test_a_log_that_is_there_is_gone_on_with(tmp_path):
    for step in (1, 2):
        CSVLog(tmp_path / "metrics.csv").log_metrics({"train/loss": 0.5, "epoch": 0}, step)
    assert [step for step, *_ in rows(tmp_path / "metrics.csv")] == ["1", "2"]


def test_the_file_is_not_kept_open(tmp_path):
    log = CSVLog(tmp_path / "metrics.csv")
    log.log_metrics({"train/loss": 0.5}, 1)
    log.path.rename(tmp_path / "moved.csv")  # an open file would be written where it went
    log.log_metrics({"train/loss": 0.5}, 2)
    assert log.path.read_text() == "2,0,train/loss,0.5\n"
    assert len(rows(tmp_path / "moved.csv")) == 1
