"""Texts as a synthesiser is given them, and those that nobody can read."""

import pytest
from clip_sets import ljspeech

from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.module import DataModule
from crossmedia.data.sources.ljspeech import LJSpeech
from crossmedia.data.spoken_view import SynthesisView
from crossmedia.errors import ConfigError, DataError
from crossmedia.text import frontend
from crossmedia.text.frontend import SpeechText
from crossmedia.text.tokenizer import UNK, CharTokenizer, WordTokenizer

BAD = {7: "a ☃ man", 30: "go ↻ on"}


def module(tmp_path, front=None, bad=BAD, **more):
    lines = [f"L-{k:02}|{bad.get(k, f'{chr(97 + k % 26)} word')}." for k in range(60)]
    source = LJSpeech(str(ljspeech(tmp_path, *lines)))
    view = SynthesisView(front or SpeechText())
    return DataModule(source, view, tokenizer=CharTokenizer(), audio=AudioTransform(8000), **more)


def test_a_text_that_nobody_can_read_is_a_fault_that_names_its_clip(tmp_path):
    with pytest.raises(DataError) as caught:
        module(tmp_path).learn()
    assert sorted(caught.value.lines) == [
        "L-07: '☃' has no reading, in '☃'; write it in words",
        "L-30: '↻' has no reading, in '↻'; write it in words",
    ]


def test_such_clips_are_left_out_where_faults_are_skipped(tmp_path):
    data = module(tmp_path, on_error="skip")
    meta = data.learn()
    assert len(data.skipped) == 2 and "☃" not in meta.tokenizer.vocab
    names = {split: [batch.ids for batch in data.loader(split)] for split in data.source.splits}
    found = {name for batches in names.values() for ids in batches for name in ids}
    assert {f"L-{k:02}" for k in range(60)} - found == {"L-07", "L-30"}


def test_one_process_finds_the_phonemes_of_all_texts(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(frontend, "phonemes_of", lambda words, voice: asked.append(words) or words)
    data = module(tmp_path, SpeechText(phonemes="en-us"), bad={}, batch_size=8)
    data.learn()
    next(iter(data.loader("train", train=True)))
    assert len(asked) == 1


def test_a_character_that_no_training_text_has_is_told(tmp_path):
    first = module(tmp_path, bad={}).source.split("test").entries[0]
    data = module(tmp_path, bad={int(first.id[2:]): "a caf\u00e9"})
    data.learn()
    assert data.source.notes[-1] == "test: has '\u00e9', which the vocabulary lacks"
    assert data.meta.tokenizer.encode("\u00e9") == [UNK]


def test_only_characters_are_spoken(tmp_path):
    data = module(tmp_path, bad={})
    data.tokenizer = WordTokenizer()
    with pytest.raises(ConfigError, match="^data.tokenizer: .* Use data/tokenizer=characters"):
        data.learn()
