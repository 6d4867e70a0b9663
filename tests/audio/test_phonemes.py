"""Phonemes by espeak-ng's process: the same in any company, its faults in one line."""

import signal

import pytest
from spoken import CAPTION

from crossmedia.audio import espeak_ipa, speak
from crossmedia.audio.speak import phonemes_of
from crossmedia.errors import SystemFault

TEXTS = ["a red ball", CAPTION, "read", "the apple", "", "don't", "nine"]


def test_words_are_written_in_the_phonetic_alphabet():
    assert phonemes_of(["a red ball", "the apple", ""], "en-us") == ["ɐ ɹˈɛd bˈɔːl", "ðɪ ˈæpəl", ""]


def test_phonemes_do_not_depend_on_what_was_said_before():
    said = phonemes_of(TEXTS, "en-us")
    assert phonemes_of(TEXTS[::-1], "en-us")[::-1] == said
    assert phonemes_of(TEXTS[1:2], "en-us") == said[1:2]


def test_each_voice_has_its_own_and_writes_no_name_of_a_language():
    american, english = (phonemes_of(["a car", "a star"], voice) for voice in ("en-us", "en"))
    assert american[0].endswith("ɹ") and not english[0].endswith("ɹ")
    (french,) = phonemes_of(["le week-end software"], "fr")
    assert "ɒftw" in french and "(" not in french


def test_a_text_of_several_clauses_is_one_row():
    (row,) = phonemes_of(["one. two, three\nfour"], "en-us")
    assert row.split() == ["wˈʌn", "tˈuː", "θɹˈiː", "fˈɔːɹ"]


def test_an_unknown_voice_is_named():
    with pytest.raises(ValueError, match="^phonemes 'xx': espeak-ng has no such voice; en-us"):
        phonemes_of(["one"], "xx")


def test_a_process_that_dies_is_told_in_one_line(tmp_path, monkeypatch):
    program = tmp_path / "dies.py"
    program.write_text(f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})")
    monkeypatch.setattr(espeak_ipa, "__file__", str(program))
    with pytest.raises(SystemFault, match="^espeak-ng: ended by SIGSEGV. Start again, or reinstall"):
        phonemes_of(TEXTS, "en-us")


def test_a_text_without_an_end_is_named(tmp_path, monkeypatch):
    program = tmp_path / "hangs.py"
    program.write_text("import time\nprint('\"wˈʌn\"', flush=True)\ntime.sleep(60)")
    monkeypatch.setattr(espeak_ipa, "__file__", str(program))
    monkeypatch.setattr(speak, "PATIENCE", 0.7)
    with pytest.raises(SystemFault, match='^espeak-ng: 0.7 s, and no phonemes of "two". Start again'):
        phonemes_of(["one", "two", "three"], "en-us")
