"""One table of ranges for the constructors and the check of a config."""

import inspect
import math
import re

import pytest

from crossmedia.build import locate
from crossmedia.config import ROOT
from crossmedia.limits import RANGES, one_of, outside, within

UNBOUNDED: set[str] = set()  # numbers of which any will do
CLASSES = sorted(
    {
        target
        for folder in ("conf", "experiments")
        for path in (ROOT / folder).glob("**/*.yaml")
        for target in re.findall(r"_target_: (crossmedia\.\S+)", path.read_text())
        if "ema" not in target
    }
)


@pytest.mark.parametrize("target", CLASSES)
def test_every_number_that_a_config_can_set_has_a_range(target):
    numbers = {
        name
        for name, parameter in inspect.signature(locate(target, target)).parameters.items()
        if re.search(r"\b(int|float)\b", inspect.formatannotation(parameter.annotation))
    }
    assert numbers <= RANGES.keys() | UNBOUNDED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dropout", 0), ("dropout", 0.99), ("lr", 0), ("batch_size", 1), ("betas", [0.9, 0.999]),
        ("hidden", ()), ("num_classes", None), ("of_nobodys_knowledge", -1), ("scale", 0.9),
    ],
)  # fmt: skip
def test_a_value_in_its_range_is_left_alone(name, value):
    assert outside(name, value) is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("dropout", 1, "must be at least 0 and below 1"),
        ("dropout", -0.1, "must be at least 0 and below 1"),
        ("lr", math.nan, "must be at least 0"),
        ("lr", math.inf, "must be at least 0"),
        ("batch_size", 0, "must be at least 1"),
        ("batch_size", "many", "must be a number"),
        ("batch_size", True, "must be a number"),
        ("rotate", 181, "must be between 0 and 180"),
        ("betas", [0.9, 1.0], "must be at least 0 and below 1 each"),
    ],
)
def test_a_value_out_of_its_range_is_told_what_is_allowed(name, value, words):
    assert outside(name, value) == words


def test_a_constructor_names_its_first_argument_that_is_out_of_range():
    with pytest.raises(ValueError, match=r"^widths \[8, 0\]: must be at least 1 each$"):
        within(dropout=0.1, widths=(8, 0), heads=0)


def test_a_value_that_is_no_choice_is_told_all_of_them():
    one_of((1, 3), channels=3)
    with pytest.raises(ValueError, match="^fit zoom: must be one of crop, pad$"):
        one_of(iter(("crop", "pad")), fit="zoom")
    with pytest.raises(ValueError, match="^channels 2: must be one of 1, 3$"):
        one_of((1, 3), channels=2)
