"""Mels and samples in step, copies of clips: their scores, records and panels, whatever batch they are in."""

import functools

import pytest
import torch
from scoring import scored
from vocoders import HOP, RATE, batch_of, crops, flow, gan, mel, sound

from crossmedia.data.batches import Clips
from crossmedia.errors import ConfigError
from crossmedia.report.panels import Matrix, Sound
from crossmedia.tasks.copy_synthesis import inner, mel_distances, whole

SOUNDS = [
    sound(length, hertz) for length, hertz in ((3_000, 250.0), (1_000, 400.0), (2_049, 300.0), (90, 500.0))
]
MADE = {"gan": gan, "gan with a source": functools.partial(gan, harmonics=3), "flow": flow}


def clicks(at, samples=4_000):
    waveform = torch.zeros(samples)
    waveform[at] = 1.0
    return Clips(waveform[None], torch.tensor([samples]))


@pytest.mark.parametrize("cut", [inner, whole])
@pytest.mark.parametrize("at", [1_280, 1_300, 1_343, 2_000])
def test_the_frame_that_a_sample_is_in_is_the_loudest(cut, at):
    pairs = cut(clicks(at), mel())
    frame = int(pairs.waveforms[0].argmax()) // HOP
    assert pairs.waveforms.shape[1] == HOP * pairs.mels.shape[1] == HOP * int(pairs.frames)
    assert int(pairs.mels[0].mean(1).argmax()) == frame


def test_frames_of_a_crop_are_those_of_the_whole_clip():
    clip = sound(4_000)
    start = 16 * HOP
    crop = clip[start : start + 1_024]
    pairs = inner(Clips(crop[None], torch.tensor([1_024])), mel())
    far = mel()(clip[None], torch.tensor([4_000]))[0]
    first = 16 + 2  # half a window is two hops
    assert pairs.mels.shape == (1, 13, 20)
    assert (pairs.mels[0] - far[0, first : first + 13]).abs().max() < 1e-4
    assert torch.equal(pairs.waveforms[0], clip[first * HOP - HOP // 2 :][: 13 * HOP])


def test_a_crop_that_no_frame_sees_alone_is_named():
    assert inner(crops(1, 256).inputs, mel()).mels.shape[1] == 1
    with pytest.raises(ConfigError, match=r"^data.view.samples=255: must be at least 256 for these mels$"):
        inner(crops(1, 255).inputs, mel())


def test_the_distance_is_that_of_the_logarithm_of_magnitudes():
    speech, clip = mel(), sound(2_000)[None]
    loud, quiet = (speech(part, torch.tensor([2_000]))[0] for part in (clip, clip / 2))
    above = quiet > quiet.min()
    assert mel_distances(speech, quiet, loud)[above].mean().item() == pytest.approx(0.6931, abs=1e-3)


@pytest.mark.parametrize("name", MADE)
def test_waveforms_are_the_same_alone_and_in_a_batch(name):
    task = MADE[name]()
    batch = batch_of(*SOUNDS, padding=900)
    mels, frames = task.mel(*batch.inputs)
    with torch.no_grad():
        made = task.waveforms(mels, frames)
        assert made.shape == (4, mels.shape[1] * HOP) and made.abs().max() <= 1
        for row, count in enumerate(frames.tolist()):
            own = mels[row : row + 1, :count]
            alone = task.waveforms(own, frames[row : row + 1])[0]
            assert len(alone) == count * HOP and alone.any()
            assert (made[row, : len(alone)] - alone).abs().max() < 1e-5 and not made[row, len(alone) :].any()


@pytest.mark.parametrize("name", MADE)
def test_every_score_and_record_is_the_same_at_every_batch_size(name):
    task = MADE[name]()
    alone = scored(task, *(batch_of(one, first=row) for row, one in enumerate(SOUNDS)))
    records = list(task.records)
    together = scored(task, batch_of(*SOUNDS, padding=700))
    assert together == pytest.approx(alone, rel=1e-4)
    for one, other in zip(records, task.records, strict=True):
        assert other == {**one, "score": {"mel": pytest.approx(one["score"]["mel"], abs=2e-4)}}
    assert [record["id"] for record in records] == [f"test-{row}" for row in range(4)]
    assert records[0]["reference"] == "red" and records[0]["seconds"] == 3_000 / RATE
    assert alone["test/mel"] == pytest.approx(sum(record["score"]["mel"] for record in records) / 4, abs=1e-4)


@pytest.mark.parametrize("name", MADE)
def test_a_place_that_only_fills_a_rank_counts_nothing(name):
    task = MADE[name]()
    whole_batch = batch_of(*SOUNDS[:2])
    one = scored(task, batch_of(SOUNDS[0]))
    filled = scored(task, whole_batch._replace(valid=torch.tensor([True, False])))
    assert filled == pytest.approx(one, rel=1e-4) and len(task.records) == 1


@pytest.mark.parametrize("name", MADE)
def test_a_copy_is_as_long_as_its_sound(name):
    task = MADE[name]()
    copies = task.generate(audio=SOUNDS)
    assert [copy.shape for copy in copies] == [one.shape for one in SOUNDS]
    assert torch.equal(copies[1], task.generate(audio=SOUNDS[1])[0])


def test_the_page_shows_mels_their_difference_and_players():
    task = gan()
    scored(task, batch_of(*SOUNDS))
    panels = task.panels("test")
    real, made, apart = panels[:3]
    assert all(isinstance(panel, Matrix) for panel in panels[:3]) and apart.title == "Mels, made less real"
    values = [torch.tensor(panel.values) for panel in panels[:3]]
    assert (
        values[0].shape == (20, 1 + 3_000 // HOP) and (values[1] - values[0] - values[2]).abs().max() < 0.02
    )
    assert real.rows[-1] == "125 Hz" and real.columns[1] == "0.01" and values[0].argmax() // 47 > 10
    assert (made.rows, made.columns) == (real.rows, real.columns)
    players = [panel for panel in panels if isinstance(panel, Sound)]
    assert [player.note for player in players] == ["real", "from its mels"] * 4
    assert torch.equal(players[0].waveform, SOUNDS[0]) and players[1].waveform.shape == SOUNDS[0].shape


def test_notes_tell_the_pace_and_what_is_not_scored(monkeypatch):
    task = gan()
    task.quality.missing = {"pesq": "needs a wheel"}
    monkeypatch.setattr("time.perf_counter", iter([10.0, 10.25, 20.0, 20.5]).__next__)
    for row, one in enumerate(SOUNDS[:2]):
        with torch.no_grad():
            task.log_score = lambda *args: None
            task.score(batch_of(one, first=row), "test")
    assert task.notes("test") == [
        "test: 1.5 seconds of work for a second of sound, cpu",
        "test: no recogniser is named by model.judge.run",
        "test: no pesq, which needs a wheel",
    ]


@pytest.mark.parametrize("name", MADE)
def test_a_score_that_lacks_its_package_is_told_before_training(name):
    task = MADE[name]()
    task.quality.missing = {"pesq": "needs a wheel"}
    unheard = dict.fromkeys(["wer", "cer", "wer_floor"], "no recogniser is named by model.judge.run")
    assert task.unscored() == {**unheard, "pesq": "needs a wheel"}


@pytest.mark.parametrize("name", MADE)
def test_copies_are_compared_sample_for_sample(name):
    task, clip = MADE[name](), sound(8_000)
    with torch.no_grad():
        found = scored(task, batch_of(clip))
        sums = task.quality.compared(task.generate(audio=clip)[0], clip)
        task.waveforms = lambda mels, lens: torch.nn.functional.pad(clip, (0, 64))[None]
        perfect = scored(task, batch_of(clip))
    expected = {name: part / max(count, 1) for name, (part, count) in sums.items()}
    expected["f0_error"] **= 0.5
    assert expected.keys() >= {"stft"} and perfect["test/stft"] < 1e-6 < 0.1 < found["test/stft"]
    assert {name: found[f"test/{name}"] for name in expected} == pytest.approx(expected, rel=1e-3)
    assert perfect["test/mel"] == 0


@pytest.mark.parametrize("name", MADE)
def test_a_net_for_other_mels_is_refused(name):
    task = MADE[name]()
    other = mel()
    other.n_mels = 21
    gan = name != "flow"
    with pytest.raises(ValueError, match="^net.n_mels 20: must be 21, as mel has$"):
        type(task)(task.net, *([task.net] * gan), other, task.meta, None, *([None] * gan))
