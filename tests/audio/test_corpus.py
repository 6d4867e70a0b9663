"""The cache of spoken texts: made once, whole or not there, by however many processes that start together."""

import errno
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from spoken import COUNTED, SAID

from crossmedia.audio import corpus
from crossmedia.audio.corpus import Corpus, cache_folder
from crossmedia.audio.speak import speak
from crossmedia.errors import SystemFault

MANY = COUNTED[:7]  # three shards


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSMEDIA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(corpus, "SHARD", 3)
    return tmp_path / "cache" / "speech"


@pytest.fixture
def silent(monkeypatch):
    """From when it is called on, nothing more may be spoken."""
    return lambda: monkeypatch.setattr(corpus, "speak", lambda *_: pytest.fail("spoken"))


def files(folder):
    return {path: path.read_bytes() for path in folder.glob("*.sounds")}


def test_a_sound_is_what_was_spoken_from_minus_one_to_one():
    made = Corpus(SAID)
    for place, sound in enumerate(speak(SAID, 16_000)):
        waveform = made[place]
        assert waveform.dtype == torch.float32 and 0.2 < waveform.abs().max() <= 1
        assert torch.equal(waveform, torch.from_numpy(sound / np.float32(2**15)))
    assert torch.equal(made[-1], made[3]) and len(made) == 4
    with pytest.raises(IndexError):
        made[4]


def test_lengths_are_seconds_and_read_no_sound(monkeypatch):
    made = Corpus(MANY, sample_rate=8_000)
    seconds = [len(made[place]) / 8_000 for place in range(7)]
    monkeypatch.setattr(np, "fromfile", None)
    assert made.lengths() == seconds


def test_it_is_spoken_once(cache, capsys, silent):
    fingerprint = Corpus(MANY).fingerprint()
    assert capsys.readouterr().err == f"speaking 7 texts, once: {cache}\n"
    silent()
    assert Corpus(MANY).fingerprint() == fingerprint
    assert capsys.readouterr() == ("", "")


def test_the_number_of_processes_changes_no_byte(cache, tmp_path, monkeypatch):
    Corpus(MANY).lengths()
    monkeypatch.setenv("CROSSMEDIA_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(corpus, "MOST", 1)
    Corpus(MANY).lengths()
    one, other = files(cache), files(tmp_path / "other" / "speech")
    assert len(one) == 3 and sorted(one.values()) == sorted(other.values())


def test_a_longer_corpus_keeps_the_whole_shards_and_begins_with_the_same_sounds(capsys):
    short, long = Corpus(COUNTED[:5]), Corpus(MANY)
    sounds = [short[place] for place in range(5)]
    capsys.readouterr()
    assert all(torch.equal(long[place], sound) for place, sound in enumerate(sounds))
    assert capsys.readouterr().err.startswith("speaking 4 texts")


def test_other_texts_voices_and_rates_have_another_fingerprint():
    others = [Corpus(SAID), Corpus(SAID[:3]), Corpus(SAID[::-1]), Corpus(SAID, sample_rate=8_000)]
    assert len({other.fingerprint() for other in others}) == len(others)


@pytest.mark.parametrize("harm", ["byte", "cut", "empty", "longer"])
def test_a_damaged_shard_is_told_and_made_anew_alone(cache, capsys, harm):
    Corpus(MANY).lengths()
    before = files(cache)
    path, data = next(iter(before.items()))
    flipped = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    path.write_bytes(
        {"byte": flipped, "cut": data[: len(data) // 2], "empty": b"", "longer": data + b"\0"}[harm]
    )
    capsys.readouterr()
    Corpus(MANY).lengths()
    told, speaking = capsys.readouterr().err.splitlines()
    assert told == f"{path}: damaged, it is made anew" and speaking.startswith("speaking ")
    assert files(cache) == before


PROGRAM = """
import sys
sys.path[:0] = {paths}
from spoken import COUNTED
from crossmedia.audio import corpus
corpus.SHARD, corpus.MOST = 1, 1
print(corpus.Corpus(COUNTED).fingerprint())
"""


@pytest.fixture
def speaking(cache, monkeypatch):
    """A process that has spoken the first of twenty shards; shards are of one utterance in this one, too."""
    monkeypatch.setattr(corpus, "SHARD", 1)
    command = [sys.executable, "-c", PROGRAM.format(paths=sys.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not files(cache):
            assert process.poll() is None, process.communicate()
            time.sleep(0.002)
        yield process
        process.kill()


def test_a_second_process_says_that_it_waits_for_the_first_and_speaks_nothing(
    cache, speaking, silent, capsys
):
    silent()
    second = Corpus(COUNTED).fingerprint()
    assert capsys.readouterr().err == f"waiting for another process that speaks: {cache}\n"
    first, said = speaking.communicate()
    assert first.decode().strip() == second
    assert said.decode() == f"speaking 20 texts, once: {cache}\n"


def test_after_a_kill_in_the_midst_the_rest_is_spoken_next_time(cache, speaking, capsys):
    speaking.kill()
    assert speaking.wait() == -signal.SIGKILL
    scrap = cache / ".half.sounds.1.tmp"
    scrap.write_bytes(b"half")  # as a kill in the midst of a write leaves it
    kept = files(cache)
    Corpus(COUNTED).lengths()
    assert len(files(cache)) == 20 and kept.items() <= files(cache).items()
    assert capsys.readouterr().err == f"speaking {20 - len(kept)} texts, once: {cache}\n"
    assert not scrap.exists()


def test_it_goes_to_another_process_open_and_without_a_sound(silent):
    made = Corpus(MANY)
    first = made[0]
    sent = pickle.dumps(made)
    assert len(sent) < 2_000
    silent()
    assert torch.equal(pickle.loads(sent)[0], first)


def test_a_cache_that_goes_while_it_is_read_is_told(cache):
    made = Corpus(SAID)
    made.lengths()
    for path in files(cache):
        path.unlink()
    with pytest.raises(
        SystemFault, match=rf"^{cache}/\w+\.sounds: No such file .*\. Start again: it is made anew"
    ):
        made[0]


def test_a_shard_that_is_cut_while_it_is_read_is_told(cache):
    made = Corpus(SAID)
    made.lengths()
    for path in files(cache):
        os.truncate(path, path.stat().st_size - 2)
    with pytest.raises(SystemFault, match=rf"^{cache}/\w+\.sounds: cut short\. Start again: it is made anew"):
        made[-1]


def test_a_fault_of_the_disk_while_others_wait_is_told(cache, monkeypatch):
    looks = iter([dict, Path("/dev/null/x").read_bytes])
    monkeypatch.setattr(corpus, "_whole", lambda _: next(looks)())
    with pytest.raises(SystemFault, match="x: Not a directory. Name another place with CROSSMEDIA_CACHE"):
        Corpus(SAID).lengths()


def test_what_a_killed_process_left_may_be_anothers(cache, monkeypatch):
    cache.mkdir(parents=True)
    (cache / ".half.sounds.1.tmp").mkdir()  # is not for this process to remove, as another user's file
    assert len(Corpus(SAID).lengths()) == 4


@pytest.mark.parametrize("where", ["", "/below"])
def test_a_place_that_cannot_be_written_is_told(tmp_path, monkeypatch, where):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CROSSMEDIA_CACHE", f"{tmp_path}/file{where}")
    with pytest.raises(
        SystemFault, match=r"/file.*: Not a directory\. Name another place with CROSSMEDIA_CACHE"
    ):
        Corpus(SAID).lengths()


def test_a_full_disk_is_told_and_leaves_nothing_half(cache, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with (
        monkeypatch.context() as patch,
        pytest.raises(SystemFault, match=r"\.sounds: No space left on device"),
    ):
        patch.setattr("os.fsync", full)
        Corpus(MANY).lengths()
    assert [path.name for path in cache.iterdir()] == [".lock"]
    assert len(Corpus(MANY).lengths()) == 7


def test_a_file_system_without_locks_does_as_well(monkeypatch):
    monkeypatch.setattr(corpus.fcntl, "flock", lambda *_: (_ for _ in ()).throw(OSError(95, "not supported")))
    assert len(Corpus(SAID).lengths()) == 4


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("CROSSMEDIA_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "crossmedia"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "crossmedia"


def test_a_rate_out_of_range_is_refused():
    with pytest.raises(ValueError, match="^sample_rate 100: must be between 1000 and 384000$"):
        Corpus(SAID, sample_rate=100)
