"""`crossmedia generate` for tasks that speak: a text, a file of lines, sound by another run's vocoder."""

import sys
import wave
from pathlib import Path

import pytest
from made import ALONE, FEW_SCENES, LITTLE, TINY, small

from crossmedia import cli, run


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    for name in ("tacotron_scenes", "hifigan_scenes"):
        words = [f"experiments={name}", *TINY, *small(name, home), "data.batch_size=8"]
        run.train([*words, f"out_dir={home}"])
    few = [*FEW_SCENES, *LITTLE["fastspeech"], *ALONE, f"model.aligner.run={home / 'tacotron_scenes'}"]
    words = ["experiments=fastspeech_scenes", *TINY, *few, "data.batch_size=8", "model.schedule=null"]
    run.train([*words, f"out_dir={home}"])
    return home


@pytest.fixture
def call(outputs, monkeypatch, capsys, tmp_path):
    """The exit code, and the lines it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*words, name="tacotron_scenes"):
        monkeypatch.setattr(sys, "argv", ["crossmedia", "generate", str(outputs / name), *map(str, words)])
        capsys.readouterr()
        code = cli.main()
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return call


def seconds(path):
    with wave.open(str(path)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 16_000)
        return sound.getnframes() / 16_000


def test_a_text_becomes_a_wav_file(call, outputs):
    code, out, _ = call("--text", "a small red circle", "--out", "new/out.wav")
    assert (code, out) == (0, ["new/out.wav"]) and seconds("new/out.wav") > 0
    code, out, _ = call("--text", "a small red circle")
    folder = (outputs / "tacotron_scenes" / "latest").resolve()
    assert (code, out) == (0, [str(folder / "generated" / "a_small_red_circle.wav")])
    assert Path(out[0]).read_bytes() == Path("new/out.wav").read_bytes()


def test_a_text_is_spoken_faster_and_higher_by_another_vocoder(call, outputs):
    words = ["--text", "a small red circle", "--vocoder", outputs / "hifigan_scenes", "--pitch", 2]
    name = "fastspeech_scenes"
    code, out, _ = call(*words, "--speed", 1.2, "--out", "out.wav", name=name)
    assert (code, out) == (0, ["out.wav"]) and seconds("out.wav") > 0
    code, _, err = call(*words, "--speed", 0, name=name)
    assert code == 2 and len(err) == 1 and "speed" in err[0]


def test_lines_of_a_file_are_spoken_and_those_that_cannot_be_are_named(call):
    Path("lines.txt").write_text("a red circle\n\na red circle   \n...\nein süßer Kreis\na blue star\n")
    code, out, err = call("--text", "lines.txt", "--out", "said")
    assert code == 3
    files = sorted(path.name for path in Path("said").iterdir())
    assert files == [f"{number:06d}.wav" for number in (1, 2, 5)]
    assert out == [
        f"{text}: said/{name}"
        for text, name in zip(("a red circle", "a red circle   ", "a blue star"), files, strict=True)
    ]
    assert seconds("said/000001.wav") == pytest.approx(seconds("said/000002.wav"), abs=256 / 16_000)
    faults = [line for line in err if not line.startswith("text ")]
    assert 'generate: "...": has no words to speak' in faults[0]
    assert "\"ein süßer Kreis\": 'ß', 'ü' were not in the training texts" in faults[1]


def test_the_vocoder_of_another_run_makes_the_sound(call, outputs):
    words = ["--text", "a red circle", "--out"]
    assert call(*words, "plain.wav")[0] == 0
    assert call(*words, "voice.wav", "--vocoder", outputs / "hifigan_scenes")[0] == 0
    assert seconds("plain.wav") == seconds("voice.wav")
    assert Path("plain.wav").read_bytes() != Path("voice.wav").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--text", "a star", "--vocoder", "none"], "checkpoint: none: no such run folder"),
        (["--text", "a star", "--speaker", "anna"], "speaker anna: this model has one voice"),
        (["--text", "a star", "--out", "a.mp3"], "--out=a.mp3: sounds are written as .wav"),
        (["--text", "empty.txt"], "empty.txt: no line with a text"),
        (["--text", "two.txt", "--out", "a.wav"], "2 sounds do not fit in a file"),
        (["--image", "x.png"], "TTS takes --text"),
        (["--text", "a star", "--speed", "2"], "--speed: TTS takes"),
    ],
)
def test_a_mistake_is_one_line(call, words, said):
    Path("empty.txt").write_text("\n \n")
    Path("two.txt").write_text("a star\na circle\n")
    code, out, err = call(*words)
    faults = [line for line in err if not line.startswith("text ")]
    assert code in (2, 3, 4) and not out and len(faults) == 1 and said in faults[0]
