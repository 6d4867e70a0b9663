"""Real processes that are killed and go on: what they leave is what the run leaves that nobody disturbed."""

import hashlib
import itertools
import json
import signal
import subprocess

import pytest
from made import BARE, words_of
from runs import differing, only

from crossmedia.config import ROOT

NAMES = sorted([*(path.stem for path in (ROOT / "experiments").glob("*.yaml")), *BARE])
FAMILIES = (  # these meet every point, the others a few
    "asr_ctc_scenes",
    "captioning_scenes",
    "digits",
    "gan_cifar10_wgan_gp",
    "hifigan_scenes",
    "tacotron_scenes",
    "vae_digits",
)
EMA = "ema={_target_: crossmedia.trainer.ema.EMA}"
SHORT = [
    "trainer=cpu",
    "trainer.max_epochs=3",
    "trainer.check_val_every_n_epoch=1",
    "+trainer.limit_train_batches=6",
    "+trainer.limit_val_batches=2",
    "+trainer.limit_test_batches=2",
    "+trainer.val_check_interval=0.5",
    "trainer.accumulate_grad_batches=2",
    "trainer.log_every_n_steps=1",
    "data.batch_size=8",
    EMA,
]
OFTEN = {  # its generator moves in 4 of the 9 steps
    "gan_cifar10_wgan_gp": ["model.n_critic=2", "model.net.width=16", "model.discriminator.width=16"]
}
# Where to kill, and how often to pass by before: 6 batches an epoch, 2 to a step, 2 validations of 1 or 2.
POINTS = [
    ("step", 0),
    ("step", 1),
    ("step", 5),
    ("step", 6),
    ("step", 7),
    ("step", 12),
    ("step", 17),
    ("backward", 3),
    ("backward", 8),
    ("backward", 10),  # between the moves of two players, also where the generator moves at every second step
    ("backward", 14),
    ("validation", 0),
    ("validation", 3),
    ("validation", 5),
    ("average", 1),
    ("average", 4),
    ("saved", 0),
    ("saved", 4),
    ("bytes", 7),
    ("log", 9),
    ("test", 0),
]
WRITES = [
    *(("digits", "bytes", times) for times in range(2, 92, 3)),
    *(("digits", "rename", times) for times in range(4, 34)),
]
DIGEST = hashlib.sha256(
    subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True).stdout
).digest()


@pytest.fixture(scope="session")
def undisturbed(job, tmp_path_factory):
    """The words of a short run of a name, and the folder of one that ran to its end; made once each."""
    made = {}

    def of(name):
        if name not in made:
            out = tmp_path_factory.mktemp(name)
            words = [*words_of(name, out), *SHORT, *OFTEN.get(name, [])]
            code, told = job("train", *words, f"out_dir={out / 'runs'}")
            assert code == 0, told
            made[name] = words, only(out / "runs")
        return made[name]

    return of


def killed_and_resumed(job, words, out, *points):
    """Train and kill at the first point, go on and kill at each of the others, go on to the end."""
    code, told = job("train", *words, f"out_dir={out}", at=points[0])
    assert code == -9, told
    folder = only(out)
    for point in points[1:]:
        code, told = job("resume", folder, at=point)
        assert code == -9, told
    code, told = job("resume", folder)
    assert code == 0, told
    assert json.loads((folder / "status.json").read_text())["state"] == "finished"
    assert not [path for path in folder.rglob(".*.tmp")]
    return folder


def met(points, few):
    """(name, point…): all points of each family, of each other name `few` that lie apart, in turn."""
    assert {*FAMILIES} <= {*NAMES}
    turn = itertools.cycle(points[7 * place % len(points)] for place in range(len(points)))
    return [
        (name, *point)
        for name in NAMES
        for point in (points if name in FAMILIES else itertools.islice(turn, few))
    ]


def sample(cases, number):
    """All of the cases, those slow that this commit does not choose."""
    start = DIGEST[0] % len(cases)
    chosen = {(start + place * (len(cases) // number)) % len(cases) for place in range(number)}
    return [
        pytest.param(
            *case,
            marks=() if place in chosen else pytest.mark.slow,
            id="-".join(map(str, case)),
        )
        for place, case in enumerate(cases)
    ]


@pytest.mark.parametrize(("name", "point", "times"), sample(met(POINTS, 3), 5))
def test_a_run_killed_at_any_point_goes_on_to_the_same_bits(name, point, times, job, undisturbed, tmp_path):
    words, whole = undisturbed(name)
    assert differing(whole, killed_and_resumed(job, words, tmp_path, (point, times))) == []


@pytest.mark.parametrize(("name", "point", "times"), sample(WRITES, 2))
def test_a_kill_in_the_midst_of_a_write_loses_nothing(name, point, times, job, undisturbed, tmp_path):
    words, whole = undisturbed(name)
    assert differing(whole, killed_and_resumed(job, words, tmp_path, (point, times))) == []


THREE = [("captioning_scenes",), ("digits",), ("gan_cifar10_wgan_gp",)]


@pytest.mark.parametrize(("name",), sample(THREE, 1))
def test_a_run_killed_three_times_goes_on_to_the_same_bits(name, job, undisturbed, tmp_path):
    words, whole = undisturbed(name)
    points = ("step", 3), ("validation", 2), ("backward", 4)
    assert differing(whole, killed_and_resumed(job, words, tmp_path, *points)) == []


SIGNALS = [(point, times) for point in ("backward", "validation") for times in (0, 2, 5)]


@pytest.mark.parametrize(("name", "point", "times"), sample(met(SIGNALS, 1), 2))
def test_a_run_told_to_stop_goes_on_to_the_same_bits(name, point, times, job, undisturbed, tmp_path):
    words, whole = undisturbed(name)
    code, told = job("train", *words, f"out_dir={tmp_path}", at=(point, times, signal.SIGTERM), every=180)
    assert code == 143, told
    code, told = job("resume", only(tmp_path))
    assert code == 0, told
    assert differing(whole, only(tmp_path)) == []


@pytest.mark.parametrize(("name", "workers"), sample(met([(1,), (2,), (4,)], 1), 1))
def test_a_run_goes_on_to_the_same_bits_with_other_workers(name, workers, job, undisturbed, tmp_path):
    words, whole = undisturbed(name)
    assert job("train", *words, f"out_dir={tmp_path}", at=("step", 8))[0] == -9
    code, told = job("resume", only(tmp_path), f"data.num_workers={workers}")
    assert code == 0, told
    assert differing(whole, only(tmp_path)) == []


@pytest.mark.parametrize(("name",), sample([(name,) for name in NAMES], 1))
def test_a_run_made_again_has_the_same_bits(name, job, undisturbed, tmp_path):
    words, whole = undisturbed(name)
    assert job("train", *words, f"out_dir={tmp_path}")[0] == 0
    assert differing(whole, only(tmp_path)) == []
