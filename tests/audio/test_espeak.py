"""The process that speaks: the same bits in every process, order and company; its faults in one line."""

import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly
from spoken import CAPTION, SAID, utterance

from crossmedia.audio import espeak, speak
from crossmedia.errors import SystemFault

NATIVE = espeak.SAMPLE_RATE


def same(first, second):
    return all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


def test_a_sound_depends_neither_on_the_process_nor_on_what_was_said_before():
    sounds = speak.speak(SAID, NATIVE)
    assert same(speak.speak(SAID[::-1], NATIVE)[::-1], sounds)
    assert same(speak.speak([SAID[2], SAID[2]], NATIVE), [sounds[2]] * 2)


def test_a_sound_is_loud_and_as_long_as_its_text():
    short, long = speak.speak([utterance("a star"), utterance(CAPTION)], NATIVE)
    for sound in (short, long):
        assert sound.dtype == np.int16 and 1_000 < sound.std() < 10_000
    assert 0.3 < len(short) / NATIVE < 1.2 and 2 < len(long) / NATIVE < 5


def test_text_voice_rate_and_pitch_make_other_sounds():
    plain = utterance()
    others = [
        plain,
        plain._replace(text="two"),
        plain._replace(voice="en+f2"),
        plain._replace(rate=130),
        plain._replace(pitch=80),
    ]
    sounds = speak.speak(others, NATIVE)
    assert len({sound.tobytes() for sound in sounds}) == len(others)
    assert len(sounds[3]) > 1.1 * len(sounds[0])


def test_the_pitch_is_heard():
    low, high = (pitch_of(sound) for sound in speak.speak([utterance(pitch=20), utterance(pitch=80)], NATIVE))
    assert high > 1.2 * low


def pitch_of(sound):
    """The lag of the best match with itself, as a frequency."""
    middle = sound[len(sound) // 2 :][:2048].astype(float)
    matches = np.correlate(middle, middle, "full")[2048:]
    return NATIVE / (60 + np.argmax(matches[60:400]))


def test_a_sound_comes_at_the_rate_asked_for():
    (sound,), (resampled,) = speak.speak(SAID[:1], NATIVE), speak.speak(SAID[:1], 16_000)
    expected = resample_poly(sound.astype(float), 320, 441)
    assert resampled.dtype == np.int16 and len(resampled) == len(expected)
    assert np.abs(resampled - expected).max() <= 0.5


@pytest.mark.parametrize("voice", ["xx+f1", "en+nobody"])
def test_an_unknown_voice_is_named(voice):
    with pytest.raises(SystemFault, match=rf"^espeak-ng: {voice[:2]}\+\w+: espeak-ng has no such voice\. "):
        speak.speak([*SAID, utterance(voice=voice)], NATIVE)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_dies_is_told_in_one_line(tmp_path, monkeypatch, number):
    program = tmp_path / "dies.py"
    program.write_text(f"import os; os.kill(os.getpid(), {int(number)})")
    monkeypatch.setattr(espeak, "__file__", str(program))
    with pytest.raises(SystemFault) as caught:
        speak.speak(SAID, NATIVE)
    (line,) = caught.value.lines
    assert line.startswith(f"espeak-ng: ended by {number.name}. Start again, or reinstall espeakng-loader")


def test_an_utterance_on_which_the_library_dies_is_named(tmp_path, monkeypatch):
    program = tmp_path / "dies.py"
    program.write_text(
        "import os, runpy, sys\n"
        f"espeak = runpy.run_path({espeak.__file__!r})\n"
        "espeak['main'].__globals__['_speak'] = lambda *_: os.abort()\n"
        "espeak['main'](*sys.argv[1:])"
    )
    monkeypatch.setattr(espeak, "__file__", str(program))
    with pytest.raises(
        SystemFault, match=r'espeak-ng: \["nine", "en-gb-x-rp\+f4", 140, 50\]: .*SIGABRT\. Start'
    ):
        speak.speak(SAID[3:], NATIVE)


def test_a_text_without_an_end_is_named_and_no_process_stays(tmp_path, monkeypatch):
    program, left = tmp_path / "hangs.py", tmp_path / "left"
    program.write_text(
        "import os, runpy, sys, time\n"
        f"espeak = runpy.run_path({espeak.__file__!r})\n"
        "names = espeak['main'].__globals__\n"
        "speak = names['_speak']\n"
        "def hangs(library, data, text, *rest):\n"
        "    if text != 'nine':\n"
        "        return speak(library, data, text, *rest)\n"
        f"    open({str(left)!r}, 'w').write(str(os.getpid()))\n"
        "    time.sleep(60)\n"
        "names['_speak'] = hangs\n"
        "espeak['main'](*sys.argv[1:])"
    )
    monkeypatch.setattr(espeak, "__file__", str(program))
    monkeypatch.setattr(speak, "PATIENCE", 3.0)
    began = time.monotonic()
    with pytest.raises(SystemFault) as caught:
        speak.speak(SAID[::-1], NATIVE)
    (line,) = caught.value.lines
    said = 'espeak-ng: 3 s, and no end of "nine" (en-gb-x-rp+f4). Start again, or leave this text out'
    assert line == said and time.monotonic() - began < 30
    assert gone(int(left.read_text()))


def gone(pid):
    """Whether a process ends within a few seconds; a zombie has, and waits for its new parent alone."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("cut, whole", [(0, 2), (1, 1), (7, 1), (8, 1), (9, 0), (16, 0)])
def test_sounds_that_are_there_are_counted(cut, whole):
    sounds = b"".join((2).to_bytes(4, "little") + b"abcd" for _ in range(2))
    assert speak._whole(sounds[: 16 - cut]) == whole


def test_without_the_package_the_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    for call in (speak.engine, lambda: speak.speak(SAID, NATIVE)):
        with pytest.raises(SystemFault) as caught:
            call()
        assert caught.value.report() == (
            'environment: speech and phonemes need espeakng-loader: pip install "crossmedia[speech]"'
        )
