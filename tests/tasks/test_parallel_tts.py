import math
from types import SimpleNamespace

import pytest
import torch
from announcer import ADAM, HOP, MELS, META, RATE, TEXTS, batch_of, computed, forgotten, mel, one, samples

from crossmedia.errors import CheckpointError, ConfigError, DataError
from crossmedia.nets.fastspeech import FastSpeech2
from crossmedia.tasks.frozen import Aligner
from crossmedia.tasks.parallel_tts import ParallelTTS

EACH = 12  # frames of a letter


class Even:
    """Knows that each letter lasts as long as the others, and the end what is left."""

    run, missing = "even", None

    def read(self, mel, meta=None):
        return self

    def durations(self, batch, mel):
        frames = mel.mel.frames(batch.inputs.lens)
        whole = [torch.full((int(length),), EACH) for length in batch.lens]
        for part, count in zip(whole, frames.tolist(), strict=True):
            part[-1] = count - EACH * (len(part) - 1)
        return whole


def made(meta=META):
    torch.manual_seed(0)
    sizes = {"dim": 16, "depth": 1, "heads": 2, "hidden": 24, "kernel": 3}
    net = FastSpeech2(meta.tokenizer.vocab_size, MELS, **sizes, speakers=len(meta.speakers))
    return ParallelTTS(net, meta, ADAM, mel(), Even())


@pytest.fixture
def task():
    return made().eval()


@pytest.fixture
def logged(task, monkeypatch):
    found = {}
    monkeypatch.setattr(task, "log_score", lambda split, name, value, size: found.__setitem__(name, value))
    return found


def test_how_a_clip_is_spoken_is_found_a_character(task):
    (way, *_) = task._spoken(batch_of(["ab", "a cad"]))
    assert way.durations.tolist() == [12, 12, 1]
    assert way.pitch[:2].exp().tolist() == pytest.approx([110, 220], rel=0.15)
    assert way.energy[0] > float(task.mel.silence)
    (_, blank) = task._spoken(batch_of(["ab", "a d"]))
    assert blank.pitch[1] == 0  # no voice


def test_without_its_aligner_it_is_scored_but_for_the_loss(task, logged, tmp_path):
    task.aligner = Aligner(str(tmp_path / "none"))
    task.ready()
    task.score(batch_of(), "test")
    said = f"model.aligner.run={tmp_path / 'none'} is not there yet. Train it first"
    assert "loss" not in logged and "mcd" in logged and len(task.records) == len(TEXTS)
    assert task.unscored()["loss"] == said and f"test: no loss: {said}" in task.notes("test")
    with pytest.raises(CheckpointError):
        task.ready_to_learn()


def test_a_clip_that_cannot_be_read_stops_with_its_name(task):
    task.data = SimpleNamespace(loader=lambda split: [batch_of(), DataError("b.flac: cut short")])
    with pytest.raises(DataError, match="b.flac: cut short"):
        task.on_train_start()


def test_losses_of_a_clip_are_the_same_alone_and_in_a_batch(task):
    batch = batch_of()
    losses = task._losses(batch, task._spoken(batch))
    for k in range(len(TEXTS)):
        alone = one(batch, k)
        for name, value in task._losses(alone, task._spoken(alone)).items():
            assert value[0].item() == pytest.approx(losses[name][k].item(), rel=1e-3, abs=1e-5)


def test_a_duration_counts_by_its_logarithm_and_silence_has_the_mean_pitch(task):
    torch.nn.init.zeros_(task.net.predictors.out_weight)
    torch.nn.init.zeros_(task.net.predictors.out_bias)
    task.pitch_mean.fill_(math.log(200))
    batch = batch_of(["a b"])
    (way,) = task._spoken(batch)
    losses = task._losses(batch, [way])
    logs = [math.log(1 + frames) ** 2 for frames in way.durations.tolist()]
    assert losses["duration"].item() == pytest.approx(sum(logs) / 4, rel=1e-4)
    away = [(float(pitch) - math.log(200)) ** 2 for pitch in way.pitch if pitch]  # the blank has no voice
    assert len(away) < 4 and losses["pitch"].item() == pytest.approx(sum(away) / 4, rel=1e-4)


def test_the_pitch_of_training_is_found_before_the_first_step_once_for_each_clip():
    task = made()
    parts = [batch_of(TEXTS[:2]), batch_of(TEXTS[2:])._replace(valid=torch.tensor([True, False]))]
    task.data = SimpleNamespace(loader=lambda name: parts)
    task.on_train_start()
    assert set(task._ways) == {"clip-0", "clip-1"}  # the second part has the same names, one that counts
    voiced = torch.cat([way.pitch for way in task._ways.values()])
    voiced = voiced[voiced > 0]
    assert task.pitch_mean.item() == pytest.approx(voiced.mean().item())
    assert task.pitch_deviation.item() == pytest.approx(voiced.std().item())


def test_one_batch_is_learnt():
    task, batch = made(), batch_of()
    task.data = SimpleNamespace(loader=lambda name: [batch])
    task.log = lambda *_, **__: None
    task.on_train_start()
    optimizer, first = ADAM(task.parameters()), None
    for step in range(150):
        torch.manual_seed(step)
        optimizer.zero_grad()
        loss = task.training_step(batch, 0)
        loss.backward()
        optimizer.step()
        first = first or loss.item()
    assert loss.item() < first / 4
    task.eval()
    sounds = task.generate(text=TEXTS)
    real = [len(sample.waveform) for sample in samples()]
    assert [len(sound) for sound in sounds] == pytest.approx(real, rel=0.3)


def test_speed_and_pitch_are_arguments_of_generate(task):
    torch.nn.init.zeros_(task.net.predictors.out_weight)
    torch.nn.init.constant_(task.net.predictors.out_bias, math.log(9))  # 8 frames a character
    (plain,) = task.generate(text="bad")
    (quick,) = task.generate(text="bad", speed=2.0)
    assert len(plain) == (4 * 8 - 1) * HOP and len(quick) == (4 * 4 - 1) * HOP
    (high,) = task.generate(text="bad", pitch=4.0)
    assert len(high) == len(plain) and not torch.allclose(high, plain)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"speed": 0}, "speed 0: must be between 0.25 and 4"),
        ({"speed": -1.0}, "speed -1.0: must be between 0.25 and 4"),
        ({"speed": math.nan}, "speed nan: must be between 0.25 and 4"),
        ({"pitch": math.nan}, "pitch nan: must be between -24 and 24"),
    ],
)
def test_a_speed_or_pitch_that_no_voice_has_is_named(task, given, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        task.generate(text="ab", **given)


def test_what_is_cut_is_named_with_the_seconds_of_its_sound(task, capsys):
    torch.nn.init.zeros_(task.net.predictors.out_weight)
    torch.nn.init.constant_(task.net.predictors.out_bias, 5.0)  # 147 frames a character
    for speed, seconds in ((1.0, 1.3), (2.0, 0.65)):
        (sound,) = task.generate(text="ab", speed=speed)
        assert len(sound) / RATE == pytest.approx(seconds, abs=HOP / RATE)
        assert f'text "ab": did not end in {len(sound) / RATE:.1f} s' in capsys.readouterr().err


def test_each_speaker_of_the_data_has_a_voice():
    task = made(META._replace(speakers=("anna", "cid"))).eval()
    task.net.predictors.out_bias.data.fill_(math.log(9))  # 8 frames a character
    anna, cid = (task.generate(text="ab", speaker=name)[0] for name in ("anna", "cid"))
    assert not torch.equal(anna, cid) and torch.equal(task.generate(text="ab")[0], anna)


def test_notes_tell_the_pace(task, logged, monkeypatch):
    monkeypatch.setattr("time.perf_counter", iter([10.0, 11.0, 20.0, 20.5]).__next__)
    task.score(batch_of(["ab"]), "val")
    factor = 1.5 / task.records[0]["seconds"]
    assert task.notes("val")[0] == f"val: {factor:.3g} seconds of work for a second of sound, cpu"


def test_scores_do_not_depend_on_the_batch_nor_on_what_only_fills_it(task, logged):
    batch = batch_of()
    task.score(batch, "val")
    together = {record["id"]: record for record in task.records}
    scores = computed(logged)
    assert {"mcd", "length_error", "f0_error", "voicing_error"} <= set(scores)
    assert {"loss", "mcd", "length_error", "f0_error", "voicing_error"} <= set(logged)
    forgotten(task)
    for k in range(len(TEXTS)):
        task.score(one(batch, k), "val")
    assert {record["id"]: record for record in task.records} == together
    assert computed(logged) == pytest.approx(scores, rel=1e-3, nan_ok=True)
    task.forget()
    task.score(batch._replace(valid=torch.tensor([False, True, False, True])), "val")
    assert [record["id"] for record in task.records] == ["clip-1", "clip-3"]
    assert "Mels, made" in [panel.title for panel in task.panels("val")]


def test_an_aligner_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="model.aligner.run=null"):
        Aligner().read(mel())
    with pytest.raises(CheckpointError, match="no such run folder"):
        Aligner(str(tmp_path / "none")).read(mel())
