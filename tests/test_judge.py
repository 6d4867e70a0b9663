"""The independent judge: its grammar, what it hears in the embedded speech, the files it is given."""

import pytest
import torch
from made import TINY, small
from pocketsphinx import Decoder
from sounds import save
from spoken import utterance

from benchmarks.judge import RATE, captions_grammar, main, transcribed
from crossmedia.audio.speak import speak
from crossmedia.data.sources.scenes import Scenes
from crossmedia.run import train

TEXTS = ["a small red circle", "there is a medium-sized blue rhombus"]


@pytest.fixture(scope="module")
def clips():
    sounds = speak([utterance(text, "en-us", 160) for text in TEXTS], RATE)
    return [torch.from_numpy(sound).float() / 2**15 for sound in sounds]


@pytest.fixture(scope="module")
def accepts():
    parsed = Decoder(lm=None, loglevel="FATAL").parse_jsgf(captions_grammar())
    return lambda caption: bool(parsed.accept(caption.replace(",", "")))


def test_every_caption_of_the_test_splits_is_in_the_grammar(accepts):
    scenes = Scenes(32, num_train=1, num_val=1, num_test=60, max_objects=3)
    captions = {text for name in ("test", "test_composition") for text in scenes.split(name).texts()}
    assert len(captions) > 400 and all(map(accepts, captions))


@pytest.mark.parametrize("text", ["a red circle", "a small red circle left of", "the small red circle"])
def test_what_is_no_caption_is_not(accepts, text):
    assert not accepts(text)


def test_it_writes_down_what_is_said_alone_and_among_others(clips):
    heard = transcribed(clips, RATE, captions_grammar())
    assert heard == TEXTS
    assert transcribed(clips[1:], RATE, captions_grammar()) == TEXTS[1:]


def test_silence_and_nothing_are_no_words():
    assert transcribed([torch.zeros(0), torch.zeros(8_000)], RATE, captions_grammar()) == ["", ""]


def test_a_folder_of_clips_is_judged_by_the_lines_of_its_text(clips, tmp_path, capsys):
    for place, clip in enumerate(clips):
        save(tmp_path / f"{place}.wav", clip.numpy())
    (tmp_path / "lines.txt").write_text("a small red circle\nthere is a large blue rhombus\n")
    assert main(["--clips", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path}: WER 10.00 %, 1 of 2 clips wrong"
    assert lines[1] == '  "there is a large blue rhombus" heard as "there is a medium-sized blue rhombus"'


def test_a_run_is_judged_beside_the_real_sounds(tmp_path, capsys):
    few = small("tacotron_scenes", tmp_path)
    train(["experiments=tacotron_scenes", *TINY, *few, "data.batch_size=8", f"out_dir={tmp_path}"])
    run = tmp_path / "tacotron_scenes"
    capsys.readouterr()
    assert main([str(run), "--count", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"made by {run}: WER ")
    assert "real: WER 0.00 %, 0 of 2 clips wrong" in lines


def test_a_folder_whose_lines_do_not_fit_is_named(clips, tmp_path, capsys):
    save(tmp_path / "1.wav", clips[0].numpy())
    assert main(["--clips", str(tmp_path)]) == 2
    (tmp_path / "lines.txt").write_text("\n".join(TEXTS))
    assert main(["--clips", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "0 .txt files, must be one" in said and "1 .wav files, 2 lines of text" in said
