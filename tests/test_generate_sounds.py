"""`crossmedia generate` for tasks that hear: a file, a folder, the wrong kind of input."""

import re
import sys

import pytest
from made import TINY, small
from sounds import save, tone

from benchmarks import seams
from crossmedia import cli, given, run
from crossmedia.errors import ConfigError
from crossmedia.tasks.recognition import CTCRecognition


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    for name in ("asr_ctc_scenes", "spoken_digits"):
        run.train([f"experiments={name}", *TINY, *small(name, home), f"out_dir={home}"])
    return home


@pytest.fixture
def call(outputs, monkeypatch, capsys):
    """The exit code, and the lines it printed."""

    def call(name, *words):
        monkeypatch.setattr(sys, "argv", ["crossmedia", "generate", str(outputs / name), *map(str, words)])
        capsys.readouterr()
        code = cli.main()
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return call


def test_a_file_is_transcribed_as_python_does_it(call, outputs, tmp_path):
    path = save(tmp_path / "a.wav", tone(rate=8000), rate=8000)
    task = run.load(outputs / "asr_ctc_scenes")
    assert call("asr_ctc_scenes", "--audio", path) == (0, task.generate(audio=str(path)), [])
    assert call("asr_ctc_scenes", "--audio", path, "--beam", 4)[0] == 0


def test_a_folder_is_heard_in_the_order_of_its_names_and_the_rest_counted(call, tmp_path):
    for name, kind in (("b.flac", "FLAC"), ("a.wav", "WAV")):
        save(tmp_path / name, kind=kind)
    (tmp_path / "list.txt").write_text("x")
    code, out, err = call("spoken_digits", "--audio", tmp_path, "--top", 2)
    assert code == 0 and [line.partition(": ")[0] for line in out] == [
        str(tmp_path / n) for n in ("a.wav", "b.flac")
    ]
    assert err == [f"1 other files in {tmp_path} passed over"]


def test_what_cannot_be_heard_is_one_line(call, tmp_path):
    (tmp_path / "x.wav").write_text("hello")
    code, out, err = call("asr_ctc_scenes", "--audio", tmp_path / "x.wav")
    assert (code, out) == (3, []) and len(err) == 1 and "x.wav: not an audio file that can be read" in err[0]
    assert "on_error" not in err[0]
    code, _, err = call("asr_ctc_scenes", "--audio", save(tmp_path / "y.wav"), "--lm", tmp_path / "no.arpa")
    assert code == 3 and len(err) == 1 and "no.arpa: no such file. Give an ARPA file" in err[0]


def test_the_rate_of_a_trained_model_cannot_be_changed(outputs):
    with pytest.raises(ConfigError, match="rate of sounds and"):
        run.evaluate(outputs / "asr_ctc_scenes", "test", ["data.audio.sample_rate=8000"])


def test_the_wrong_kind_of_input_is_told(call, tmp_path):
    code, _, err = call("asr_ctc_scenes", "--image", tmp_path / "x.png")
    assert code == 2 and err == ["config: --image: CTCRecognition takes --audio, --beam, --lm"]
    code, _, err = call("asr_ctc_scenes", "--audoi", tmp_path / "x.wav")
    assert code == 2 and err[0].endswith("takes --audio, --beam, --lm. Nearest: --audio")
    code, _, err = call("spoken_digits", "--image", save(tmp_path / "x.wav"))
    assert code == 2 and err == ["config: --image: Classification takes --audio, --top"]


def test_long_sounds_are_heard_a_few_at_a_time(call, tmp_path, monkeypatch):
    for name in "abcde":
        save(tmp_path / f"{name}.wav", tone(seconds=0.5))
    parts = []
    plain = CTCRecognition.generate
    monkeypatch.setattr(
        CTCRecognition, "generate", lambda task, *, audio: parts.append(audio) or plain(task, audio=audio)
    )
    monkeypatch.setattr(given, "SECONDS", 1.2)
    code, out, _ = call("asr_ctc_scenes", "--audio", tmp_path)
    assert code == 0 and len(out) == 5 and [len(part) for part in parts] == [2, 2, 1]


def test_every_bad_file_of_a_folder_is_named_and_the_good_ones_are_heard(call, tmp_path):
    save(tmp_path / "b.wav")
    (tmp_path / "a.wav").write_text("hello")
    (tmp_path / "c.mp3").write_bytes(bytes(1000))
    code, out, err = call("asr_ctc_scenes", "--audio", tmp_path)
    assert code == 3 and [line.partition(": ")[0] for line in out] == [str(tmp_path / "b.wav")]
    assert len(err) == 3 and "a.wav: " in err[0] and "c.mp3: " in err[1] and err[2] == "data: 2 faults"


def test_what_is_lost_at_the_seams_is_measured(outputs, capsys, monkeypatch):
    heard = []
    plain = CTCRecognition.transcribed

    def transcribed(task, audio, write):
        return plain(task, audio, lambda *given: heard.append(given) or write(*given))

    monkeypatch.setattr(CTCRecognition, "transcribed", transcribed)
    monkeypatch.setattr(seams, "SPLIT", "train")
    assert seams.main([str(outputs / "asr_ctc_scenes")]) == 0
    whole, cut = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d+ clips: WER \d+\.\d\d %", whole)
    assert re.fullmatch(r"in pieces of \d\.\d s: WER \d+\.\d\d %", cut)
    assert heard[1][1] == heard[0][1] / 2 and all(len(one) > heard[1][1] * 16_000 for one in heard[0][0])
    assert seams.main([str(outputs / "nothing")]) != 0


def test_a_start_from_another_run_keeps_its_vocabulary(outputs, tmp_path, capsys):
    words = [*small("asr_ctc_scenes", outputs), "data.source.num_train=32"]
    start = f"init={outputs / 'asr_ctc_scenes'}"
    run.train(["experiments=asr_ctc_scenes", *TINY, *words, f"out_dir={tmp_path}", start])
    assert "init: " in (told := capsys.readouterr().out) and "its vocabulary is another" not in told
    first, second = (run.load(home / "asr_ctc_scenes") for home in (outputs, tmp_path))
    assert second.meta.tokenizer == first.meta.tokenizer
