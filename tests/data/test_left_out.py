"""Samples that a model cannot use: told before the first step, or left out; and whose vocabulary counts."""

import pytest
from clip_sets import ljspeech, vctk

from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.batches import Sample
from crossmedia.data.loading import Collate, Item
from crossmedia.data.module import DataModule
from crossmedia.data.order import Key
from crossmedia.data.sources.ljspeech import LJSpeech
from crossmedia.data.sources.vctk import VCTK
from crossmedia.data.spoken_view import SynthesisView
from crossmedia.data.views import SpeechView
from crossmedia.errors import DataError
from crossmedia.images.transforms import ImageTransform
from crossmedia.text.frontend import SpeechText
from crossmedia.text.tokenizer import CharTokenizer, WordTokenizer


def spoken(root, **more):
    """Sentences of p1, and one each of p2 and p3 in other splits than training."""
    given = {"p1": 40, "p2": 40, "p3": 40}
    texts = {
        f"{name}_{k:03}": f"{name[1]} word {chr(97 + k % 26) * (k // 26 + 1)}"
        for name, n in given.items()
        for k in range(n)
    }
    source = VCTK(str(vctk(root, texts)))
    for clip in list(source.split("train").entries):
        if clip.speaker != "p1":
            source.split("train").entries.remove(clip)
    for split in ("val", "test"):
        entries = source.split(split).entries
        other = [clip for clip in entries if clip.speaker != "p1"]
        for clip in other[1:]:
            entries.remove(clip)
    view = SynthesisView(SpeechText(numbers=False), by_speaker=True)
    return DataModule(source, view, tokenizer=CharTokenizer(), audio=AudioTransform(8000), **more)


def test_a_speaker_whom_training_does_not_have_is_told_before_the_first_step(tmp_path):
    with pytest.raises(DataError) as caught:
        spoken(tmp_path).learn()
    fault = "whom no clip of training has. Leave them out"
    lines = caught.value.lines
    assert all(" clips of speaker p" in line and line.endswith(f", {fault}") for line in lines)
    assert {line.split(": ")[0] for line in lines} == {"val", "test"}


def test_such_a_speaker_s_clips_are_left_out_where_faults_are_skipped(tmp_path):
    data = spoken(tmp_path, on_error="skip")
    assert data.learn().speakers == ("p1",)
    assert len(data.skipped) == 2
    for name in data.source.splits:
        split = data.split(name)
        assert {split[index].speaker for index in range(len(split))} == {"p1"}
        assert len(split.texts()) == len(split)


def test_a_fault_that_the_view_finds_reaches_the_task_as_it_is():
    def view(samples, draws, meta):
        raise DataError("a: no good")

    found = Collate(view, None, 0, False)([Item(Sample("a"), Key(0, 0, True))])
    assert isinstance(found, DataError) and found.lines == ["a: no good"]


def test_a_split_of_unknown_speakers_alone_is_told_before_the_first_step(tmp_path):
    data = spoken(tmp_path, on_error="skip")
    entries = data.source.split("test").entries
    entries[:] = [clip for clip in entries if clip.speaker != "p1"]
    with pytest.raises(DataError, match="^test: this split has no samples"):
        data.learn()


def recogniser(root):
    lines = [f"A-{k:02}|x|{'ab'[k % 2]} cab {'abc'[k % 3] * (k + 1)}" for k in range(40)]
    return DataModule(
        LJSpeech(str(ljspeech(root, *lines))),
        SpeechView(),
        tokenizer=CharTokenizer(30),
        audio=AudioTransform(8000),
    )


@pytest.mark.parametrize(
    ("other", "taken"),
    [
        (CharTokenizer().fit(["ccc bbb aaaaa zzzzzzz"]), True),
        (CharTokenizer().fit(["bac  zzz"]), True),
        (CharTokenizer().fit(["bbb aa"]), False),  # has no c
        (WordTokenizer().fit(["a b cab"]), False),
        (CharTokenizer().fit(["".join(map(chr, range(97, 123)))]), False),  # more than are allowed
    ],
)
def test_the_vocabulary_of_another_run_is_kept_where_it_knows_all_of_training(tmp_path, other, taken):
    found = recogniser(tmp_path).learn(tokenizer=other).tokenizer
    assert (found == other) == taken
    assert {*"abc "} <= {*found.vocab} and isinstance(found, CharTokenizer)


def test_what_a_view_does_not_ask_for_a_task_does_not_see(tmp_path):
    data = recogniser(tmp_path)
    data.image = ImageTransform(8, 1)
    meta = data.learn()
    assert meta.image is None and meta.audio is data.audio
