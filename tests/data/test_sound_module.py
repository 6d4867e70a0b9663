"""Sounds through the DataModule: rates, lengths, padding, augmentation, bad files, views."""

import itertools

import numpy as np
import pytest
import torch
from clip_sets import ljspeech, tone
from sounds import peak_hertz, save
from sounds import tone as wave

from crossmedia.audio.augment import SoundAugment
from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.crops import CropView
from crossmedia.data.module import DataModule
from crossmedia.data.sources.audio_folder import AudioFolder
from crossmedia.data.sources.ljspeech import LJSpeech
from crossmedia.data.spoken_view import SynthesisView
from crossmedia.data.views import CaptionView, LabelView, SpeechView
from crossmedia.errors import ConfigError, DataError
from crossmedia.images.augment import Augment
from crossmedia.text.frontend import SpeechText
from crossmedia.text.tokenizer import CharTokenizer

RATE = 16_000
RATES = {"a.wav": 32_000, "b.wav": 16_000, "c.flac": 22_050, "d.mp3": 8_000, "e.ogg": 48_000}


def folder(root, names, split="train"):
    for name in names:
        tone(root / split / "beep" / name, 1.0, RATES[name])
    tone(root / split / "other" / "x.wav", 0.5, RATE, 900)
    return root


def module(source, view=None, **more):
    given = {"batch_size": 2, "eval_batch_size": 4, "audio": AudioTransform(RATE), **more}
    data = DataModule(source, view or LabelView(medium="waveform"), **given)
    data.learn()
    return data


def heard(data, split="val"):
    """Clip -> its waveform without padding."""
    found = {}
    for batch in data.loader(split):
        for name, waveform, length in zip(batch.ids, *batch.inputs, strict=True):
            assert not waveform[length:].any()
            found[name] = waveform[:length]
    return found


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("names", [list(RATES), list(RATES)[::-1]])
def test_each_file_is_heard_at_its_own_rate_whatever_came_before(tmp_path, names, workers):
    for split in ("train", "val", "test"):
        folder(tmp_path, RATES, split)
    source = AudioFolder(str(tmp_path))
    source.split("val").entries.sort(
        key=lambda clip: names.index(clip.id.rpartition("/")[2]) if "beep" in clip.id else 9
    )
    sounds = heard(module(source, num_workers=workers))
    assert len(sounds) == 6
    for name in names:
        sound = sounds[f"val/beep/{name}"]
        room = 1 if name.endswith(("wav", "flac")) else 1200  # a codec's frame
        assert len(sound) == pytest.approx(RATE, abs=room)
        assert peak_hertz(sound, RATE) == pytest.approx(440, abs=2)


def test_lengths_are_seconds_of_the_file_s_own_rate(tmp_path):
    for split in ("train", "val", "test"):
        folder(tmp_path, RATES, split)
    lengths = AudioFolder(str(tmp_path)).split("train").lengths()
    assert lengths == pytest.approx([1.0] * 5 + [0.5], abs=0.08)


def test_a_file_that_fails_while_it_is_decoded_is_named_by_a_worker(tmp_path):
    for split in ("train", "val", "test"):
        folder(tmp_path, ["b.wav"], split)
    save(tmp_path / "val/beep/z.wav", 5000 * torch.ones(RATE).numpy(), subtype="FLOAT")
    data = module(AudioFolder(str(tmp_path)), num_workers=1)
    found = [batch for batch in data.loader("val") if isinstance(batch, DataError)]
    assert len(found) == 1 and "z.wav: samples up to 5 000" in found[0].lines[0]


def test_speech_comes_with_its_tokens_and_the_vocabulary_of_training(tmp_path):
    lines = [f"A-{place:02}|Lamp {place}.|lamp number {place}" for place in range(42)]
    data = module(LJSpeech(str(ljspeech(tmp_path, *lines))), SpeechView(), tokenizer=CharTokenizer())
    batch = next(iter(data.loader("train", train=True)))
    assert {*"lampnuber "} <= set(data.meta.tokenizer.vocab)
    for row, text in enumerate(batch.references):
        assert data.meta.tokenizer.decode(batch.tokens[row, : batch.lens[row]].tolist()) == text
    assert batch.speakers == [None, None]


@pytest.mark.parametrize("workers", [0, 2])
def test_training_changes_each_clip_by_its_own_draw(tmp_path, workers):
    for split in ("train", "val", "test"):
        folder(tmp_path, ["a.wav", "b.wav", "c.flac"], split)
    view = LabelView(SoundAugment(RATE, snr=[0, 10]), "waveform")
    data = module(AudioFolder(str(tmp_path)), view, num_workers=workers)
    loader = data.loader("train", train=True)
    first = {n: s for batch in loader for n, s in zip(batch.ids, batch.inputs.waveforms, strict=True)}
    again = {
        n: s
        for batch in data.loader("train", train=True)
        for n, s in zip(batch.ids, batch.inputs.waveforms, strict=True)
    }
    loader.batch_sampler.set_epoch(1)
    second = {n: s for batch in loader for n, s in zip(batch.ids, batch.inputs.waveforms, strict=True)}
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(
        len(first[n]) != len(second[n]) or not torch.equal(first[n], second[n]) for n in first.keys() & second
    )
    assert peak_hertz(heard(data)["val/beep/b.wav"], RATE) == pytest.approx(440, abs=2)


def test_a_view_of_another_medium_names_what_the_source_lacks(tmp_path):
    folder(tmp_path, ["b.wav"])
    with pytest.raises(ConfigError, match="LabelView needs image, which AudioFolder does not have"):
        module(AudioFolder(str(tmp_path)), LabelView())
    with pytest.raises(ConfigError, match="SpeechView needs transcript"):
        module(AudioFolder(str(tmp_path)), SpeechView())


def test_sounds_need_one_rate(tmp_path):
    folder(tmp_path, ["b.wav"])
    with pytest.raises(ConfigError, match="data.audio: sounds need a rate"):
        module(AudioFolder(str(tmp_path)), audio=None)


def test_views_take_the_augmentation_of_their_medium():
    with pytest.raises(ValueError, match="medium waveform: must be that of augment, Augment"):
        LabelView(Augment(), "waveform")
    with pytest.raises(ValueError, match="medium image: must be that of augment, SoundAugment"):
        CaptionView(SoundAugment(RATE))
    with pytest.raises(ValueError, match="medium sound: must be one of image, waveform"):
        LabelView(medium="sound")


def test_longer_sounds_of_training_are_left_out_and_counted(tmp_path):
    for split in ("train", "val", "test"):
        folder(tmp_path, RATES, split)
    data = module(AudioFolder(str(tmp_path)), max_seconds=0.9)
    assert data.split("train").lengths() == [0.5] and len(data.split("val")) == 6
    assert data.source.notes[-1] == "5 sounds of training longer than 0.9 s left out"
    assert [name for batch in data.loader("train") for name in batch.ids] == ["train/other/x.wav"]
    assert data.meta.seconds == 0.5
    assert module(AudioFolder(str(tmp_path)), max_seconds=2).meta.seconds == pytest.approx(1, abs=0.1)


def test_texts_of_sounds_that_are_left_out_are_not_learnt(tmp_path):
    said = map("".join, itertools.product("lamp", repeat=3))
    lines = [f"A-{place:02}|x|{text}" for place, text in enumerate(said)]
    root = ljspeech(tmp_path, *lines)
    training = [clip.id for clip in LJSpeech(str(root)).split("train").entries]
    lines[int(training[0][-2:])] = f"{training[0]}|x|a quick zebra, quite far away"
    ljspeech(tmp_path, *lines)
    tone(root / "wavs" / f"{training[0]}.wav", 1.0)
    assert {clip.id for clip in LJSpeech(str(root)).split("train").entries} == {*training}
    view = SynthesisView(SpeechText())
    full, short = (
        module(LJSpeech(str(root)), view, tokenizer=CharTokenizer(), max_seconds=most) for most in (2, 0.5)
    )
    assert full.meta.longest == 29 and {*"zqk"} < {*full.meta.tokenizer.vocab}
    assert short.meta.longest == 3 and not {*"zqk"} & {*short.meta.tokenizer.vocab}
    assert len(short.split("train")) == len(training) - 1 == len(short.split("train").texts())


def test_a_limit_below_every_sound_of_training_is_told(tmp_path):
    for split in ("train", "val", "test"):
        folder(tmp_path, ["b.wav"], split)
    with pytest.raises(
        ConfigError, match=r"^data.max_seconds=0.2: .*; 2 sounds .* longer than 0.2 s left out"
    ):
        module(AudioFolder(str(tmp_path)), max_seconds=0.2)


def test_training_hears_sounds_of_about_one_length_together(tmp_path):
    for split in ("train", "val", "test"):
        for place in range(32):
            tone(tmp_path / split / "beep" / f"{place:02}.wav", 0.1 + 0.9 * (7 * place % 32) / 32, RATE)
        tone(tmp_path / split / "other/x.wav", 0.5, RATE)
    data = module(AudioFolder(str(tmp_path)), batch_size=4)

    def padding(train):
        lens = [batch.inputs.lens for batch in data.loader("train", train=train)]
        return sum(float((row.max() - row).sum()) for row in lens)

    assert padding(True) < 0.5 * padding(False)


@pytest.mark.parametrize(("most", "kept"), [(2.4, []), (2.6, ["a"]), (3.1, ["a", "b"])])
def test_crops_and_limits_are_seconds_of_the_file_whatever_its_rate(tmp_path, most, kept):
    for split in ("train", "val", "test"):
        tone(tmp_path / split / "other/c.wav", 2.0, RATE, 900)
    parts = np.concatenate([wave(300, 1.5, 44_100), wave(900, 1.0, 44_100)])
    save(tmp_path / "train/other/a.wav", parts, rate=44_100)
    tone(tmp_path / "train/other/b.wav", 3.0, 8_000)
    data = module(AudioFolder(str(tmp_path)), CropView(2 * RATE), max_seconds=most, batch_size=1)
    assert sorted(name[-5] for batch in data.loader("train") for name in batch.ids) == [*kept, "c"]
    loader, starts = data.loader("train", train=True), set()
    for epoch in range(20):
        loader.batch_sampler.set_epoch(epoch)
        for batch in loader:
            crop = batch.inputs.waveforms[0]
            assert len(crop) == 2 * RATE
            if batch.ids[0].endswith("a.wav") and crop.all():
                turn = int((crop.diff(n=2).abs() > 0.02).nonzero()[0])  # 900 Hz bends more than 300
                starts.add(turn)
                assert peak_hertz(crop[: turn - 100], RATE) == pytest.approx(300, abs=5)
                assert peak_hertz(crop[turn + 100 :], RATE) == pytest.approx(900, abs=5)
    assert len(starts) > 5 or not kept
