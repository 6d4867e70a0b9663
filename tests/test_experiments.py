"""Every experiment file fits the code: its config is checked; two steps run for one of each task and net."""

import hashlib
import math
import subprocess

import pytest
from made import TINY, small

from crossmedia.build import MAY_NAME, refuse_foreign
from crossmedia.config import ROOT, check, compose, resolved
from crossmedia.run import train

NAMES = sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))


def kind(name):
    """The classes of its task, of its net and of the net's encoder and decoder."""
    model = compose([f"experiments={name}"]).model
    parts = (model.net.get(part) for part in ("encoder", "decoder"))
    return model._target_, model.net._target_, *(part and part._target_ for part in parts)


def chosen():
    """The first experiment of each task and net, and one more that another commit changes."""
    kinds = {}
    for name in NAMES:
        kinds.setdefault(kind(name), name)
    rest = [name for name in NAMES if name not in kinds.values()]
    asked = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True)
    commit = hashlib.sha256(asked.stdout).digest()[0]
    return {*kinds.values(), *rest[commit % len(rest) :][:1]} if rest else set(kinds.values())


CHOSEN = chosen()


@pytest.mark.parametrize("name", NAMES)
def test_the_config_fits_the_code(name, tmp_path):
    check(compose([f"experiments={name}", *small(name, tmp_path)]))


@pytest.mark.parametrize("name", NAMES)
def test_its_run_folder_may_be_read_again(name, tmp_path):
    whole = resolved(compose([f"experiments={name}", *small(name, tmp_path)]))
    for key in MAY_NAME.keys() & whole.keys():
        refuse_foreign(whole[key], key)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in CHOSEN else pytest.mark.slow) for name in NAMES]
)
def test_two_steps_give_finite_scores(name, tmp_path):
    scores = train(
        [
            f"experiments={name}",
            *TINY,
            "data.batch_size=8",
            *small(name, tmp_path),
            f"out_dir={tmp_path}",
        ]
    )
    assert scores and all(math.isfinite(value) for value in scores.values()), scores
