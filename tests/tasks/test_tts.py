import pytest
import torch
from announcer import ADAM, HOP, MELS, META, RATE, TEXTS, batch_of, computed, forgotten, mel, one, samples

from crossmedia.losses.attention import guided
from crossmedia.nets.tacotron import Tacotron2
from crossmedia.tasks.tts import TTS

SIZES = {"dim": 16, "decoder_dim": 24, "prenet_dim": 16, "attention_dim": 8, "postnet_dim": 8}


def made(meta=META, speakers=0, reduction=2):
    torch.manual_seed(0)
    net = Tacotron2(meta.tokenizer.vocab_size, MELS, **SIZES, reduction=reduction, speakers=speakers)
    return TTS(net, meta, ADAM, mel())


@pytest.fixture
def task():
    return made().eval()


@pytest.fixture
def logged(task, monkeypatch):
    found = {}
    monkeypatch.setattr(task, "log", lambda name, value, **_: found.__setitem__(name, value))
    monkeypatch.setattr(task, "log_score", lambda split, name, value, size: found.__setitem__(name, value))
    return found


def test_targets_are_whole_steps_filled_up_with_silence(task):
    batch = batch_of(["ab", "a"])  # 25 and 13 frames, of two a step
    mels, frames = task._target(batch.inputs)
    assert frames.tolist() == [26, 14] and mels.shape == (2, 26, MELS)
    assert torch.allclose(mels[1, 13], task.mel.silence.expand(MELS)) and (mels[1, 14:] == 0).all()


def test_losses_of_a_clip_are_the_same_alone_and_in_a_batch(task):
    batch = batch_of()
    losses = task._losses(batch)[0]
    for k in range(len(TEXTS)):
        for name, alone in task._losses(one(batch, k))[0].items():
            assert alone[0].item() == pytest.approx(losses[name][k].item(), rel=1e-4)


def test_the_last_step_alone_is_to_say_that_it_is_the_last(task):
    torch.nn.init.zeros_(task.net.stop.weight)
    torch.nn.init.constant_(task.net.stop.bias, 2.0)
    end = torch.tensor(2.0).sigmoid()
    (loss,) = task._losses(batch_of(["ab"]))[0]["end"]  # thirteen steps
    assert loss.item() == pytest.approx((-8 * end.log() - 12 * (1 - end).log()).item() / 13, rel=1e-5)


def test_a_frame_costs_its_errors_squared_and_l1_times_their_sizes_before_and_after_the_postnet(task):
    batch = batch_of(["ab"])
    _, spoken, mels, _ = task._losses(batch)
    errors = [(found - mels).double() for found in (spoken.before, spoken.mels)]
    for task.l1 in (0.0, 0.5):
        (loss,) = task._losses(batch)[0]["mel"]
        expected = sum((error**2).mean() + task.l1 * error.abs().mean() for error in errors)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_guided_attention_by_hand():
    attention = torch.tensor([[[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]])
    # of two steps and two characters; cells off the diagonal are half a text away
    away = 1 - torch.exp(torch.tensor(-(0.5**2) / (2 * 0.2**2)))
    found = guided(attention, torch.tensor([2]), torch.tensor([2]))
    assert found.item() == pytest.approx((0.3 * away).item() / 4, rel=1e-5)


def test_one_batch_is_learnt_and_spoken_from_its_texts_alone():
    task = made()
    optimizer, batch = ADAM(task.parameters(), lr=1e-2), batch_of()
    task.log = lambda *_, **__: None
    first = None
    for step in range(150):
        torch.manual_seed(step)
        optimizer.zero_grad()
        loss = task.training_step(batch, 0)
        loss.backward()
        optimizer.step()
        first = first or loss.item()
    assert loss.item() < first / 4
    sounds = task.eval().generate(text=TEXTS)
    real = [len(sample.waveform) for sample in samples()]
    assert [len(sound) for sound in sounds] == pytest.approx(real, rel=0.3)


def test_a_waveform_has_a_hop_a_frame_and_is_the_same_alone_and_in_a_list(task):
    together = task.generate(text=["ab", "a cad", "ab   "])
    assert [len(sound) % HOP for sound in together] == [0, 0, 0]
    assert torch.equal(together[0], together[2])  # blanks at the end say nothing
    (alone,) = task.generate(text="a cad")
    assert torch.allclose(together[1], alone, atol=1e-4)


def test_a_runaway_is_cut_at_its_limit_and_named_and_the_next_text_is_spoken(task, capsys):
    torch.nn.init.zeros_(task.net.stop.weight)
    torch.nn.init.constant_(task.net.stop.bias, -1.0)
    sounds = task.generate(text=["ab", "bad"])
    for sound, characters in zip(sounds, (2, 3), strict=True):
        assert len(sound) / RATE == pytest.approx(1 + 0.15 * characters, abs=2 * 2 * HOP / RATE)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and 'text "ab": did not end in 1.3 s' in lines[0] and '"bad"' in lines[1]


def test_unknown_characters_and_texts_without_words_are_named(task):
    with pytest.raises(ValueError, match="\"za\": 'z' was not in the training texts"):
        task.generate(text=["ab", "za"])
    with pytest.raises(ValueError, match="has no words to speak"):
        task.generate(text="  ")
    with pytest.raises(ValueError, match="speaker x: this model has one voice"):
        task.generate(text="ab", speaker="x")


def test_each_speaker_of_the_data_has_a_voice_and_the_first_one_speaks_by_itself():
    task = made(META._replace(speakers=("anna", "cid")), speakers=3).eval()
    anna, cid = (task.generate(text="ab", speaker=name)[0] for name in ("anna", "cid"))
    assert not torch.equal(anna, cid) and torch.equal(task.generate(text="ab")[0], anna)
    with pytest.raises(ValueError, match="speaker bob: must be one of anna, cid"):
        task.generate(text="ab", speaker="bob")


@pytest.mark.parametrize(
    ("names", "speakers", "said"),
    [
        (("anna", "bob", "cid"), 2, "net.speakers 2: must be at least 3, as many as the data have"),
        (("anna", "cid"), 0, "net.speakers 0: must be at least 2, as many as the data have"),
        ((), 3, "net.speakers 3: must be 0 without data.view.by_speaker=true"),
    ],
)
def test_a_net_for_other_speakers_than_the_data_s_is_refused(names, speakers, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        made(META._replace(speakers=names), speakers)


def test_a_long_text_is_spoken_in_parts_with_pauses(task):
    (whole,) = task.generate(text="bad. dab a.")
    parts = [task.generate(text=part)[0] for part in task.meta.front.sentences("bad. dab a.", 5)]
    assert len(parts) == 3  # "bad.", "dab", "a."
    assert len(whole) == sum(map(len, parts)) + 2 * round(0.2 * RATE)


def test_notes_tell_the_pace(task, logged, monkeypatch):
    monkeypatch.setattr("time.perf_counter", iter([10.0, 11.0, 20.0, 20.5]).__next__)
    task.score(batch_of(["ab"]), "val")
    factor = 1.5 / task.records[0]["seconds"]
    assert task.notes("val")[0] == f"val: {factor:.3g} seconds of work for a second of sound, cpu"


def test_scores_do_not_depend_on_the_batch_nor_on_what_only_fills_it(task, logged):
    batch = batch_of()
    task.score(batch, "val")
    together = {record["id"]: record for record in task.records}
    scores = computed(logged)
    assert {"mcd", "length_error", "f0_error", "voicing_error"} <= set(scores)
    forgotten(task)
    for k in range(len(TEXTS)):
        task.score(one(batch, k), "val")
    assert {record["id"]: record for record in task.records} == together
    assert computed(logged) == pytest.approx(scores, rel=1e-3, nan_ok=True)
    task.forget()
    task.score(batch._replace(valid=torch.tensor([True, False, True, False])), "val")
    assert [record["id"] for record in task.records] == ["clip-0", "clip-2"]


def test_durations_sum_up_to_the_frames_of_each_clip(task):
    batch = batch_of()
    found = task.durations(batch)
    assert [len(part) for part in found] == batch.lens.tolist()
    assert [int(part.sum()) for part in found] == task.mel.mel.frames(batch.inputs.lens).tolist()


@pytest.mark.parametrize("reduction", [2, 5])
def test_durations_are_the_same_alone_and_in_a_batch(reduction):
    task, batch = made(reduction=reduction).eval(), batch_of()
    for k, part in enumerate(task.durations(batch)):
        assert torch.equal(task.durations(one(batch, k))[0], part)


def test_the_page_has_alignment_mels_and_players(task, logged):
    task.score(batch_of(), "val")
    titles = [panel.title for panel in task.panels("val")]
    assert titles[:4] == [
        "Alignment of the first text",
        "Mels",
        "Mels, made",
        "Mels, made less real",
    ]
    assert "clip-0, made" in titles and "clip-0, real" in titles
    assert task.panels("val")[0].through
