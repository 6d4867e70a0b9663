"""Recognisers: what they learn, score, keep of a batch with fillers, and hear of long sounds."""

import pytest
import torch
from scoring import overfitted, scored, stepped
from speller import ADAM, KINDS, META, RATE, TEXTS, TOKENIZER, Spells, batch, made, spelled
from torch import nn

from crossmedia import origin
from crossmedia.data.batches import Clips
from crossmedia.errors import DataError
from crossmedia.tasks.attention_recognition import Seq2SeqRecognition
from crossmedia.tasks.long_sounds import stretches
from crossmedia.tasks.recognition import CTCRecognition


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_one_batch_by_heart(kind):
    task, one = made(kind), batch(*TEXTS)
    losses = overfitted(task, one, ADAM(task.parameters()), 200)
    assert losses[-1] < 0.1 * losses[0]
    assert task.eval().generate(audio=[spelled(text) for text in TEXTS]) == TEXTS
    assert scored(task, one)["test/wer"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_filler_changes_no_score_and_leaves_no_record(kind):
    plain, filled = made(kind).eval(), made(kind).eval()
    expected = scored(plain, batch(*TEXTS[:2]))
    found = scored(filled, batch(TEXTS[0], TEXTS[2], TEXTS[1], valid=[True, False, True]))
    assert found == pytest.approx(expected, rel=1e-4)
    assert [r["reference"] for r in filled.records] == [r["reference"] for r in plain.records] == TEXTS[:2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rank_s_last_batch_may_be_all_filler(kind):
    found = scored(made(kind).eval(), batch(*TEXTS[:2]), batch(TEXTS[2], valid=[False]))
    assert found == pytest.approx(scored(made(kind).eval(), batch(*TEXTS[:2])), rel=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_score_that_may_be_monitored_is_logged_in_validation(kind):
    found = scored(made(kind).eval(), batch(*TEXTS), split="val")
    assert {f"val/{name}" for name in kind.scores} <= found.keys()


def test_the_rates_count_edits_and_records_tell_them():
    task = CTCRecognition(Spells(), META, ADAM).eval()
    found = scored(task, batch("a red ball", "two cats", heard=["a red", "two two cats"]))
    assert found["test/wer"] == pytest.approx(2 / 5)
    assert (found["test/deletions"], found["test/insertions"]) == pytest.approx((1 / 5, 1 / 5))
    first = task.records[0]
    assert first["output"] == "a red" and first["score"] == {"wer": 0.3333} and first["speaker"] == "f3"
    assert first["seconds"] == len(spelled("a red")) / RATE


def test_the_ctc_loss_is_that_of_the_sum_over_alignments_a_token():
    task, one = CTCRecognition(Spells(), META, ADAM), batch("a red ball", "two cats")
    logits, frames = task.net(one.inputs)
    log_probs = logits.log_softmax(-1)
    alone = [
        nn.functional.ctc_loss(
            log_probs[k, : frames[k]][:, None],
            one.tokens[k : k + 1, : one.lens[k]],
            frames[k : k + 1],
            one.lens[k : k + 1],
            reduction="sum",
        )
        / one.lens[k]
        for k in range(2)
    ]
    loss, logged = stepped(task, one)
    assert loss == logged["train/loss"] == pytest.approx(float(sum(alone).detach()) / 2, rel=1e-5)


def test_a_text_longer_than_its_frames_is_left_out_and_told():
    task = CTCRecognition(Spells(), META, ADAM)
    one = batch("a red ball", heard=["a"])
    loss, _ = stepped(task, one)
    assert loss == 0
    assert task.notes("test")[-1].startswith("1 times a training text had more tokens than frames")


def test_attention_learns_a_text_that_ctc_leaves_out_and_it_is_told():
    task = made(Seq2SeqRecognition)
    one = batch("a red ball", heard=["a"])
    _, logged = stepped(task, one)
    assert logged["train/ctc"] == 0 and logged["train/attention"] > 0
    assert task.notes("test")[-1].startswith("1 times a training text had more tokens than frames")


def test_the_weight_of_ctc_mixes_the_two_losses():
    one = batch(*TEXTS)
    both = [stepped(made(Seq2SeqRecognition, ctc_weight=weight), one) for weight in (0.0, 1.0, 0.25)]
    (only, parts), (ctc, _), (mixed, _) = both
    assert only == parts["train/attention"] and ctc == parts["train/ctc"]
    assert mixed == pytest.approx(0.75 * only + 0.25 * ctc, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS[:2])
def test_a_text_that_ctc_leaves_out_makes_no_loss_of_a_split_lower(kind):
    task = made(kind).eval()
    fits = scored(task, batch("two cats"))["test/loss"]
    said = ["two cats", "a red ball"]
    assert scored(task, batch(*said, heard=["two cats", "a"]))["test/loss"] == pytest.approx(fits, rel=1e-5)


def test_ctc_that_learns_nothing_decodes_nothing():
    with pytest.raises(ValueError, match="^ctc_decoding 0.3: must be 0 where ctc_weight is"):
        made(Seq2SeqRecognition, ctc_weight=0.0, ctc_decoding=0.3)


def test_the_decoder_is_taught_the_text_and_its_end():
    task, one = made(Seq2SeqRecognition, ctc_weight=0.0), batch("a red ball", "two cats")
    _, logged = stepped(task, one)
    total, count = 0.0, 0
    for row in range(2):
        tokens = one.tokens[row, : one.lens[row]]
        clips = Clips(
            one.inputs.waveforms[row : row + 1, : one.inputs.lens[row]], one.inputs.lens[row : row + 1]
        )
        out = task.net(clips, nn.functional.pad(tokens, (1, 0), value=1)[None])
        target = nn.functional.pad(tokens, (0, 1), value=2)
        total += float(nn.functional.cross_entropy(out.logits[0].detach(), target, reduction="sum"))
        count += len(target)
    assert logged["train/attention"] == pytest.approx(total / count, rel=1e-4)


def test_ctc_alone_writes_where_the_decoder_has_learnt_nothing():
    task, one = made(Seq2SeqRecognition, ctc_weight=1.0), batch(*TEXTS)
    overfitted(task, one, ADAM(task.parameters()), 200)
    assert scored(task.eval(), one)["test/wer"] > 0.5
    task.ctc_decoding = 1.0
    assert task.generate(audio=[spelled(text) for text in TEXTS]) == TEXTS


def test_a_sound_of_any_length_is_heard_whole():
    task = CTCRecognition(Spells(), META, ADAM).eval()
    long = " ".join(TEXTS * 20)  # 77 s
    assert task.generate(audio=[spelled("two cats"), spelled(long)]) == ["two cats", long]


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_sound_is_heard_between_its_pauses_as_if_each_part_were_alone(kind):
    task = made(kind).eval()
    overfitted(task, batch(*TEXTS), ADAM(task.parameters()), 200)
    task.eval()
    task.meta = task.meta._replace(seconds=0.5)
    pause = torch.zeros(4000)
    sound = torch.cat([part for text in TEXTS * 3 for part in (spelled(text), pause)])
    alone = [task.generate(audio=part)[0] for part in stretches(sound, RATE, 0.5)]
    assert task.generate(audio=[sound, pause.repeat(3)]) == [" ".join(filter(None, alone)), ""]
    assert len(alone) == len(TEXTS) * 3


def test_attention_hears_a_long_sound_in_pieces_that_overlap(monkeypatch):
    task = made(Seq2SeqRecognition).eval()
    words = [f"w{number}" for number in range(40)]  # a word a second
    monkeypatch.setattr(task.meta.tokenizer.__class__, "decode", lambda self, tokens: " ".join(tokens))
    monkeypatch.setattr(
        task,
        "_search",
        lambda clips, beam, whole: [
            type("H", (), {"tokens": [words[int(i) - 100] for i in row[::RATE][: -(-int(n) // RATE)]]})
            for row, n in zip(clips.waveforms, clips.lens, strict=True)
        ],
    )
    assert task.generate(audio=torch.arange(100.0, 140.0).repeat_interleave(RATE)) == [" ".join(words)]


def test_a_language_model_needs_a_beam():
    with pytest.raises(ValueError, match="beam 1: must be at least 2"):
        CTCRecognition(Spells(), META, ADAM, lm="m.arpa")


class Mishears(Spells):
    """Takes each c for a b, by a little."""

    def forward(self, clips):
        logits, lens = super().forward(clips)
        b, c = (TOKENIZER.encode(letter)[0] for letter in "bc")
        logits[..., b] += 1.05 * logits[..., c]
        return logits, lens


ARPA = "\\data\\\nngram 1=4\n\n\\1-grams:\n-1 two\n-1 cats\n-1 </s>\n-9 <unk>\n\n\\end\\\n"


def test_a_language_model_mends_what_was_misheard_in_scores_as_in_generate(tmp_path):
    path, one = tmp_path / "words.arpa", batch("two cats")
    path.write_text(ARPA)
    plain = CTCRecognition(Mishears(), META, ADAM, beam=4).eval()
    judged = CTCRecognition(Mishears(), META, ADAM, beam=4, lm=str(path)).eval()
    judged.ready()
    assert scored(plain, one)["test/wer"] == 0.5 and scored(judged, one)["test/wer"] == 0
    assert plain.generate(audio=spelled("two cats")) == ["two bats"]
    assert plain.generate(audio=spelled("two cats"), lm=str(path)) == ["two cats"]


def test_a_language_model_that_is_not_there_is_told_before_the_first_step(tmp_path):
    task = CTCRecognition(Mishears(), META, ADAM, beam=4, lm=str(tmp_path / "none.arpa"))
    with pytest.raises(DataError, match=r"none\.arpa: no such file"):
        task.ready()


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_is_transcribed_alone_as_in_a_batch(kind):
    task = made(kind, beam=3).eval()
    overfitted(task, batch(*TEXTS), ADAM(task.parameters()), 60)  # half learnt: texts of some length
    sounds = [spelled(text) for text in ("a red ball two cats a blue star", "two", "a blue ball")]
    alone = [task.generate(audio=sound)[0] for sound in sounds]
    assert task.generate(audio=sounds) == alone and any(alone)


@pytest.mark.parametrize("kind", KINDS)
def test_a_waveform_without_samples_is_refused(kind):
    with pytest.raises(ValueError, match="audio: a waveform without samples"):
        made(kind).generate(audio=torch.zeros(0))


def test_the_rules_of_beam_and_language_model_are_those_of_the_constructor():
    task = CTCRecognition(Spells(), META, ADAM).eval()
    with pytest.raises(ValueError, match="beam 1: must be at least 2"):
        task.generate(audio=spelled("a"), beam=1, lm="m.arpa")
    with pytest.raises(ValueError, match="beam 1: must be at least 2 with a length_bonus"):
        CTCRecognition(Spells(), META, ADAM, length_bonus=1.0)
    with pytest.raises(ValueError, match="beam 0: must be at least 1"):
        task.generate(audio=spelled("a"), beam=0)


def test_another_run_s_weights_come_without_its_count_of_texts_left_out(monkeypatch):
    task, other = CTCRecognition(Spells(), META, ADAM), CTCRecognition(Spells(), META, ADAM)
    other.left_out += 7
    other.net.sure.data += 1
    saved = {"state_dict": other.state_dict(), "meta": {"tokenizer": None}}
    monkeypatch.setattr(origin, "find_run", lambda *_: (None, None))
    monkeypatch.setattr(origin, "read_checkpoint", lambda _: saved)
    assert origin.warm_start(task, "other", "outputs").startswith("init: 1 of 1 weights from other")
    assert task.left_out == 0 and task.net.sure == 21


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_of_a_split_is_the_same_however_it_is_cut_into_batches(kind):
    task = made(kind).eval()
    texts = ["a", "two red cats", "ball"]
    together = scored(task, batch(*texts))["test/loss"]
    parts = scored(task, batch(*texts[:2]), batch(texts[2]))["test/loss"]
    assert together == pytest.approx(parts, rel=1e-5)
