"""Bad sound files of a set, from each source of files: all of them told at once, or left out and listed."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import clip_sets
import pytest
from audio_rows import BROKEN
from clip_sets import tone
from made import letters, spoken_stamps

from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.module import DataModule
from crossmedia.data.sources.audio_folder import AudioFolder
from crossmedia.data.sources.audiocaps import AudioCaps
from crossmedia.data.sources.clotho import Clotho
from crossmedia.data.sources.common_voice import CommonVoice
from crossmedia.data.sources.librispeech import LibriSpeech
from crossmedia.data.sources.ljspeech import LJSpeech
from crossmedia.data.sources.prompts import Prompts
from crossmedia.data.sources.speech_commands import SpeechCommands
from crossmedia.data.sources.stamp_sounds import StampSounds, StampSpeech
from crossmedia.data.sources.vctk import VCTK
from crossmedia.data.views import CaptionView, LabelView, SpeechView
from crossmedia.errors import DataError
from crossmedia.text.tokenizer import CharTokenizer

NAMES = [f"n{number:03}" for number in range(2 * len(BROKEN))]
FIVE = "one,two,three,four,five"


def audio_folder(root: Path) -> Callable[[], Any]:
    for split in ("train", "val", "test"):
        for number, name in enumerate(NAMES):
            tone(root / split / ("beep" if number % 2 else "hum") / f"{split}-{name}.wav")
    return partial(AudioFolder, str(root))


def speech_commands(root: Path) -> Callable[[], Any]:
    return partial(SpeechCommands, str(clip_sets.speech_commands(root, speakers=len(NAMES))))


def ljspeech(root: Path) -> Callable[[], Any]:
    return partial(LJSpeech, str(clip_sets.ljspeech(root, *(f"{name}|{name}|{name}" for name in NAMES))))


def vctk(root: Path) -> Callable[[], Any]:
    return partial(VCTK, str(clip_sets.vctk(root, {f"p225_{name}": name for name in NAMES})))


def common_voice(root: Path) -> Callable[[], Any]:
    lists = {name: [(f"{name}{n}", f"{name} {n}") for n in NAMES] for name in ("train", "dev", "test")}
    return partial(CommonVoice, str(clip_sets.common_voice(root, **lists)))


def librispeech(root: Path) -> Callable[[], Any]:
    for number, name in enumerate(("train-clean-100", "dev-clean", "test-clean")):
        clip_sets.librispeech(root, name, number, number=len(NAMES))
    return partial(LibriSpeech, str(root))


def clotho(root: Path) -> Callable[[], Any]:
    for name in NAMES:
        tone(root / "development" / f"{name}.wav")
    return partial(Clotho, str(clip_sets.clotho(root, development=[f"{name}.wav,{FIVE}" for name in NAMES])))


def audiocaps(root: Path) -> Callable[[], Any]:
    for name in NAMES:
        tone(root / "audio" / f"{name}_30.wav")
    return partial(AudioCaps, str(clip_sets.audiocaps(root, train=[f"7,{name},30,Rain" for name in NAMES])))


def prompts(root: Path) -> Callable[[], Any]:
    return partial(Prompts, *clip_sets.prompts(root, *(f"{name}: {name}." for name in NAMES)))


def stamp_speech(root: Path) -> Callable[[], Any]:
    return partial(StampSpeech, str(spoken_stamps(root)))


def stamp_sounds(root: Path) -> Callable[[], Any]:
    for number, name in enumerate(letters(place) for place in range(len(NAMES))):
        clip_sets.write(root / f"food/{name}.txt", f"The {name}.")
        tone(root / f"food/{name}.ogg", hertz=300 + 10 * number)
    return partial(StampSounds, str(root))


LABELS, SPEECH, CAPTIONS = (
    partial(LabelView, medium="waveform"),
    SpeechView,
    partial(CaptionView, medium="waveform"),
)
SOURCES = {  # the view, and whether a list names the clips
    audio_folder: (LABELS, False),
    speech_commands: (LABELS, False),
    stamp_speech: (LABELS, False),
    stamp_sounds: (LABELS, False),
    ljspeech: (SPEECH, True),
    vctk: (SPEECH, True),
    common_voice: (SPEECH, True),
    librispeech: (SPEECH, True),
    prompts: (SPEECH, False),
    clotho: (CAPTIONS, True),
    audiocaps: (CAPTIONS, True),
}


@pytest.fixture(params=SOURCES, ids=lambda build: build.__name__)
def spoilt(request, tmp_path):
    """A source with a bad file in the place of many of its training clips, its view, and which is where."""
    source = request.param(tmp_path)
    entries = source().split("train").entries
    where = {}
    for clip, row in zip(entries, BROKEN, strict=False):
        path = Path(clip.path)
        path.unlink()
        row.make(path)
        where[clip.id] = row
    assert len(where) == len(BROKEN) < len(entries)
    return source, *SOURCES[request.param], where


def module(source, view, **more):
    given = {"batch_size": 1, "eval_batch_size": 1, **more}
    return DataModule(source, view(), None, CharTokenizer(), AudioTransform(), **given)


def tell_each_row_once(lines, where, listed):
    """What cannot be reached is told in the list's words; of what no list names it cannot be known."""
    assert all(len(line) <= 240 and "\n" not in line for line in lines)
    for name, row in where.items():
        found = [line for line in lines if name in line.split("Nearest")[0]]
        assert len(found) == (listed or row.name != "missing"), (row.name, found)
        assert row.name in ("missing", "folder", "link") or row.said in found[0], found
    assert len(lines) == sum(listed or row.name != "missing" for row in where.values())


def test_each_bad_sound_is_told_once_by_the_list_or_by_a_worker(spoilt):
    build, view, listed, where = spoilt
    source = build()
    told = list(source.faults)
    source.faults.clear()  # as if they were mended, to come to the others
    data = module(source, view, num_workers=2)
    data.learn()
    heard = [batch for name in source.splits for batch in data.loader(name)]
    decoded = [line for batch in heard if isinstance(batch, DataError) for line in batch.lines]
    assert decoded
    tell_each_row_once(told + decoded, where, listed)


def test_skip_leaves_out_the_bad_sounds_and_nothing_else(spoilt):
    build, view, listed, where = spoilt
    data = module(build(), view, on_error="skip")
    data.learn()
    tell_each_row_once(data.skipped, where, listed)
    left = [batch for name in data.source.splits for batch in data.loader(name)]
    assert not any(isinstance(batch, DataError) for batch in left)
    assert not {name for batch in left for name in batch.ids} & where.keys()
