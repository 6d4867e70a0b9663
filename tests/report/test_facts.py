"""A run's facts are read from whatever files it has so far."""

import pytest

from crossmedia.report.facts import duration, read_facts


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (204.3, "3 min 24 s"), (3721, "1 h 2 min")]
)
def test_a_duration_has_its_two_largest_units(seconds, text):
    assert duration(seconds) == text


def test_an_empty_folder_has_empty_facts(tmp_path):
    facts = read_facts(tmp_path / "digits" / "one")
    assert (facts.experiment, facts.about, facts.overrides, facts.scores) == ("digits", {}, [], {})
    assert facts.wall_seconds is None


def test_the_link_to_the_latest_run_is_that_run(tmp_path):
    (tmp_path / "digits" / "one").mkdir(parents=True)
    (tmp_path / "digits" / "latest").symlink_to("one")
    assert read_facts(tmp_path / "digits" / "latest").folder.name == "one"


def test_the_config_s_name_goes_before_the_folder_s(tmp_path):
    (tmp_path / "config.yaml").write_text("name: digits_cnn\nabout: null\n")
    assert read_facts(tmp_path).experiment == "digits_cnn"
    assert read_facts(tmp_path).about == {}
