"""What a recogniser hears of made speech, and the helpers that are runs of their own."""

import pytest
import torch
from announcer import META, RATE, batch_of, mel

from crossmedia.audio.mels import LogMel
from crossmedia.audio.speech_mel import SpeechMel
from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.batches import Meta
from crossmedia.errors import CheckpointError, ConfigError
from crossmedia.tasks import frozen
from crossmedia.tasks.frozen import Aligner, Judge, Vocoder
from crossmedia.tasks.round_trip import RoundTrip
from crossmedia.text.frontend import SpeechText
from crossmedia.text.tokenizer import CharTokenizer


class Ears:
    """A recogniser that hears `bad` in loud sounds and nothing in silence, at half the rate."""

    meta = Meta(audio=AudioTransform(RATE // 2))

    def transcribed(self):
        pass

    def generate(self, *, audio):
        self.lens = [len(waveform) for waveform in audio]
        return ["bad" if waveform.abs().max() > 0.1 else "" for waveform in audio]


class Task:
    meta = Meta(audio=AudioTransform(RATE))

    def __init__(self):
        self.logged = {}

    def log_score(self, split, name, value, size):
        self.logged[f"{split}/{name}"] = (value, size)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A name that is a run; what it loads is put there by the test."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best.ckpt").touch()
    return str(tmp_path)


def loads(monkeypatch, task):
    monkeypatch.setattr(frozen, "_task", lambda name: task)


def test_made_speech_is_scored_beside_the_real_one(run, monkeypatch):
    ears, task = Ears(), Task()
    loads(monkeypatch, ears)
    loud, quiet = 0.5 * torch.ones(RATE), torch.zeros(RATE)
    trip = RoundTrip(Judge(run))
    found = trip.score(task, "test", [loud, quiet], [loud, loud], ["bad", "a bad"])
    assert found == [{"output": "bad", "score": {"wer": 0.0}}, {"output": "", "score": {"wer": 1.0}}]
    assert ears.lens == [RATE // 2] * 4  # at the recogniser's own rate
    rates = {name: (float(value.compute()), size) for name, (value, size) in task.logged.items()}
    assert rates["test/wer"] == (pytest.approx(2 / 3), 2)  # two of three words
    assert rates["test/wer_floor"] == (pytest.approx(1 / 3), 2)
    assert "recogniser of" in trip.note() and not trip.unscored()


def test_a_number_is_what_is_heard_of_it(run, monkeypatch):
    ears, task = Ears(), Task()
    ears.generate = lambda audio: ["dr. three balls", "doctor 3 balls", "3 balls", "$$"]
    loads(monkeypatch, ears)
    task.meta = Meta(audio=AudioTransform(RATE), front=SpeechText())
    sounds = [torch.ones(RATE)] * 2
    found = RoundTrip(Judge(run)).score(task, "test", sounds, sounds, ["Dr. 3 balls", "three balls"])
    assert [one["score"]["wer"] for one in found] == [0.0, 0.5]
    assert found[0]["output"] == "doctor three balls"


def test_without_a_recogniser_nothing_is_scored_and_it_is_said_why(tmp_path):
    task = Task()
    missing = str(tmp_path / "x")
    for judge, said in ((Judge(), "no recogniser is named"), (Judge(missing), "is not there yet")):
        trip = RoundTrip(judge)
        trip.ready()
        assert trip.score(task, "val", [torch.zeros(9)], [torch.zeros(9)], ["a"]) == [{"output": None}]
        assert said in trip.note()
        assert trip.unscored() == dict.fromkeys(["wer", "cer", "wer_floor"], trip.note())
    assert not task.logged


def test_clips_whose_text_nobody_knows_are_not_scored(run, monkeypatch):
    loads(monkeypatch, Ears())
    task = Task()
    assert RoundTrip(Judge(run)).score(task, "val", [torch.zeros(9)], [torch.zeros(9)], [None])
    assert not task.logged


@pytest.mark.parametrize(
    ("helper", "said"),
    [
        (lambda run: Vocoder(run).read(mel()), "makes no sound of mels"),
        (lambda run: Judge(run).read(), "writes down no speech"),
        (lambda run: Aligner(run).read(mel()), "has no durations"),
    ],
)
def test_a_run_of_another_kind_is_named(helper, said, run, monkeypatch):
    loads(monkeypatch, Task())
    with pytest.raises(ConfigError, match=f"Task {said}"):
        helper(run)


def test_a_vocoder_of_other_mels_is_refused_with_each_difference(run, monkeypatch):
    other = Task()
    other.mel, other.waveforms = SpeechMel(LogMel(RATE, 256, 256, 64, 16), mean=-5.0), None
    loads(monkeypatch, other)
    with pytest.raises(ConfigError, match=r"other mels: hop_length 64, 128 here; mean -5, -5.5 here$"):
        Vocoder(run).read(mel())


def test_an_aligner_of_other_texts_or_speakers_is_refused_and_one_that_tells_none_apart_is_not(
    run, monkeypatch
):
    other = Task()
    other.mel, other.durations = mel(), None
    loads(monkeypatch, other)
    named = META._replace(speakers=("anna", "cid"))
    for meta, theirs in ((named, META), (META, META), (named, named)):
        other.meta = theirs
        assert Aligner(run).read(mel(), meta) is other
    for meta, theirs, said in (
        (META, named, "on other speakers"),
        (named, META._replace(speakers=("cid",)), "on other speakers"),
        (META, META._replace(tokenizer=CharTokenizer().fit(["x"])), "with another vocabulary"),
    ):
        other.meta = theirs
        with pytest.raises(ConfigError, match=f"^model.aligner.run={run}: was trained {said}$"):
            Aligner(run).read(mel(), meta)


def test_a_run_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(CheckpointError, match="no such run folder"):
        Vocoder(str(tmp_path / "none")).read(mel())


def test_without_a_run_sound_is_made_by_griffin_lim():
    batch = batch_of(["ab"])
    mels, frames = mel()(batch.inputs.waveforms, batch.inputs.lens)
    sound = Vocoder().waveforms(mel(), mels, frames)
    again, _ = mel()(sound[:, : int(batch.inputs.lens[0])], batch.inputs.lens)
    assert (again - mels).abs().mean() < 0.1
    assert Vocoder().name == "Griffin-Lim" and Vocoder("x").name == "the vocoder of x"
