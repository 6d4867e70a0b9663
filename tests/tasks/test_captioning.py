from math import exp, log

import pytest
import torch
from PIL import Image
from scoring import run_over, scored, stepped
from talker import CAPTIONS, SCENES, SGD, SOUNDS, TOKENIZER, V, batch, made, random_table, rows_of, says

from crossmedia.audio.mels import LogMel
from crossmedia.audio.transforms import AudioTransform
from crossmedia.data.batches import Clips, Meta
from crossmedia.metrics.scenes import SceneAccuracy
from crossmedia.metrics.sounds import EventAccuracy
from crossmedia.nets.conv_gru import ConvGRU
from crossmedia.nets.encoder_decoder import EncoderDecoder
from crossmedia.nets.frontend import MelFrontEnd
from crossmedia.nets.lstm_attention import LSTMAttentionDecoder
from crossmedia.report.panels import Grid, Matrix
from crossmedia.tasks.captioning import Captioning
from crossmedia.text.tokenizer import EOS, UNK
from crossmedia.trainer.trackers import Pictures

DOG = TOKENIZER.encode("dog")[0]


def costs(table, sample, text):
    """-log p of each token of one caption, by itself."""
    ids = [*TOKENIZER.encode(text), EOS]
    return [-table[sample, place].log_softmax(-1)[token].item() for place, token in enumerate(ids)]


def test_the_loss_of_a_padded_batch_is_the_mean_over_its_tokens():
    table = random_table()
    tokens = [cost for k in range(3) for cost in costs(table, k, CAPTIONS[k][0])]
    expected = pytest.approx(sum(tokens) / len(tokens))
    assert stepped(made(table), batch(0, 1, 2))[0] == expected
    assert scored(made(table), batch(0, 1, 2))["test/loss"] == expected


def test_the_loss_of_several_captions_a_picture_is_the_mean_over_all_their_tokens():
    table, sample = random_table(), batch(0, 1)
    rows, lens = rows_of([text for k in (0, 1) for text in CAPTIONS[k][:2]])
    sample = sample._replace(tokens=rows.unflatten(0, (2, 2)), lens=lens.unflatten(0, (2, 2)))
    tokens = [cost for k in (0, 1) for text in CAPTIONS[k][:2] for cost in costs(table, k, text)]
    assert stepped(made(table), sample)[0] == pytest.approx(sum(tokens) / len(tokens))


def test_the_loss_of_a_split_is_the_same_however_it_is_cut_into_batches():
    task = made(random_table())
    alone = scored(task, batch(0), batch(1), batch(2), split="val")
    assert scored(task, batch(0, 1, 2), split="val")["val/loss"] == pytest.approx(alone["val/loss"])


def test_label_smoothing_spreads_its_share_over_the_vocabulary_in_training_only():
    table = torch.zeros(1, 2, V)
    table[0, 0, DOG] = table[0, 1, EOS] = 3.0
    sample = batch(0, captions=(("dog",),))
    total = exp(3) + V - 1
    spread = -(0.7 + 0.3 / V) * (3 - log(total)) + (V - 1) * 0.3 / V * log(total)
    assert stepped(made(table, label_smoothing=0.3), sample)[0] == pytest.approx(spread)
    plain = scored(made(table, label_smoothing=0.3), sample)["test/loss"]
    assert plain == pytest.approx(log(total) - 3)


def test_the_attention_penalty_enters_the_loss_over_written_tokens_only():
    sample = batch(0, 1, captions=(("dog",), ("a dog runs",)))
    # 2 and 4 tokens, each looking with 1/4 at 4 cells: Σ (1 - 2/4)² = 1 and Σ (1 - 4/4)² = 0
    plain, _ = stepped(made(random_table()), sample)
    loss, logged = stepped(made(random_table(), attention_penalty=0.3), sample)
    assert logged["train/attention"] == pytest.approx(0.5) and logged["train/loss"] == pytest.approx(plain)
    assert loss == pytest.approx(plain + 0.3 * 0.5)


def test_filler_changes_no_score_and_leaves_no_record():
    table = says(CAPTIONS[0][1], "two cars", CAPTIONS[2][0])
    plain, filled = made(table), made(table)
    expected = scored(plain, batch(0, 1), batch(2, 1))
    found = scored(filled, batch(0, 2, 1, filler=[1]), batch(0, 2, 1, filler=[0]))
    assert found == pytest.approx(expected, abs=1e-6) and 0 < found["test/bleu1"] < 1
    assert filled.records == plain.records and len(plain.records) == 4
    assert all(torch.equal(one[1], other[1]) for one, other in zip(filled.first, plain.first, strict=True))


def test_a_rank_s_last_batch_may_be_all_filler():
    table = random_table()
    expected = scored(made(table), batch(0, 1, 2))
    assert scored(made(table), batch(0, 1, 2), batch(0, filler=[0])) == pytest.approx(expected)


def test_an_unfinished_caption_counts_as_cut_and_as_an_output():
    task = made(says([DOG], "two red cars"), max_len=5)
    found = scored(task, batch(0, 1), split="val")
    assert found["val/cut"] == 0.5
    assert [(record["output"], record["finished"]) for record in task.records] == [
        ("dog dog dog dog dog", False),
        ("two red cars", True),
    ]


def test_the_captions_are_those_the_scores_speak_of():
    task = made(says(*(known[0] for known in CAPTIONS)))
    found = scored(task, batch(0, 1, 2))
    assert [found[f"test/{name}"] for name in ("bleu1", "bleu4", "rouge_l", "cut")] == [1, 1, 1, 0]
    assert found["test/cider_d"] > 3 and "test/scene_accuracy" not in found
    assert task.records[1] == {
        "id": "1",
        "reference": list(CAPTIONS[1]),
        "output": "two red cars wait",
        "finished": True,
        "score": {"rouge_l": 1.0},
    }


def test_two_references_stand_beside_the_scores_of_test_splits_only():
    task = made(says(*(known[0] for known in CAPTIONS)))
    found = scored(task, batch(0, 1, 2), split="test_other")
    assert {name for name in found if name.endswith(("_paraphrase", "_chance"))} == {
        "test_other/bleu4_paraphrase",
        "test_other/bleu4_chance",
        "test_other/cider_d_chance",
    }
    found = scored(task, batch(0, 1, 2), split="val")
    assert "val/bleu4" in found and not any(name.endswith(("_paraphrase", "_chance")) for name in found)


def test_a_paraphrase_is_a_caption_held_out_and_chance_another_sample_s():
    first, second = "a dog runs on grass", "two red cars wait there"
    sample = batch(0, 1, captions=((first, first), (second, second)))
    found = scored(made(says("", "")), sample)
    assert (found["test/bleu4_paraphrase"], found["test/bleu4_chance"]) == (1, 0)
    alike = batch(0, 1, captions=((first, second), (second, first)))
    found = scored(made(says("", "")), alike)
    assert (found["test/bleu4_paraphrase"], found["test/bleu4_chance"]) == (0, 1)
    assert "test/bleu4_paraphrase" not in scored(made(says("")), batch(0, captions=((first,),)))


def test_chance_is_another_sample_s_caption_in_a_batch_of_one_too():
    found = scored(made(says("", "", "")), batch(0, 1), batch(2))
    assert found["test/bleu4_chance"] == 0


def test_a_sample_is_paraphrased_whatever_shares_its_batch():
    captions = (("a dog runs on grass",) * 2, ("two red cars wait there",))
    alone = scored(made(says("", "")), batch(0, captions=captions), batch(1, captions=captions))
    found = scored(made(says("", "")), batch(0, 1, captions=captions))
    assert alone["test/bleu4_paraphrase"] == 1 == found.get("test/bleu4_paraphrase")


@pytest.mark.parametrize("name", ["cider_d", "rouge_l", "bleu1", "bleu2", "bleu3"])
def test_a_score_that_may_be_monitored_is_logged_in_validation(name):
    assert name in Captioning.scores
    assert f"val/{name}" in scored(made(random_table()), batch(0, 1, 2), split="val")


def test_notes_say_why_bleu_4_of_short_texts_is_0():
    short = (("a red dog", "one red dog"), ("two cars", "the cars"))
    task = made(says(*(known[0] for known in short)))
    found = scored(task, batch(0, 1, captions=short))
    assert [found[f"test/bleu{order}"] for order in (1, 2, 3, 4)] == [1, 1, 1, 0]
    assert task.notes("test")[-1] == "test: BLEU-4 is 0: no 4-grams in the references"
    task = made(says(*(known[0] for known in CAPTIONS)))
    scored(task, batch(0, 1, 2))
    assert [note.split(":")[0] for note in task.notes("test")] == ["texts compared as words-1"]


def test_a_data_set_with_a_scorer_has_its_scores_logged():
    swapped = "a small green ring above a medium pink star"
    task = made(says(SCENES[0][0], swapped), SceneAccuracy())
    found = scored(task, batch(0, 1, captions=SCENES))
    parts = ("scene_accuracy", "scene_objects", "scene_relations")
    assert [found[f"test/{name}"] for name in parts] == [0.5, 1, 0.5]
    assert [record["score"]["scene_accuracy"] for record in task.records] == [1, 0]
    assert scored(task, batch(0, 1, captions=SCENES), split="val")["val/scene_accuracy"] == 0.5


def test_the_scorer_of_sounds_has_its_own_scores_and_records():
    task = made(says(SOUNDS[0][0], "quiet noise"), EventAccuracy())
    found = scored(task, batch(0, 1, captions=SOUNDS))
    assert found["test/event_accuracy"] == pytest.approx(2 / 3) and found["test/sound_scene_accuracy"] == 0.5
    assert [record["score"]["event_accuracy"] for record in task.records] == [1, 0]
    assert {*EventAccuracy.parts(), *SceneAccuracy.parts()} <= {*Captioning.scores}
    assert "test/scene_accuracy" not in found


def hearing(**more):
    """A captioner of sounds, and a batch of two for it."""
    encoder = ConvGRU(MelFrontEnd(LogMel(8000, 128, 128, 100, 16)), 16, 1, (2,))
    net = EncoderDecoder(encoder, LSTMAttentionDecoder(V, 16, 16, 8, 8, 0.0))
    meta = Meta(tokenizer=TOKENIZER, audio=AudioTransform(8000))
    clips = Clips(0.3 * torch.randn(2, 8000), torch.tensor([8000, 5000]))
    return Captioning(net, meta, SGD, max_len=5, **more).eval(), batch(0, 1)._replace(inputs=clips)


def test_a_sound_has_its_spectrogram_the_attention_of_each_word_and_a_player():
    task, sounds = hearing()
    scored(task, sounds)
    table, heard, looked, *players = task.panels("test")
    assert isinstance(heard, Matrix) and isinstance(looked, Matrix) and len(heard.columns) == 101
    assert len(looked.columns) == 41 and looked.columns[1] == "0.03"  # 0.025 s
    assert len(looked.rows) == len(looked.values) >= 5
    assert all(sum(row) == pytest.approx(1, abs=1e-4) for row in looked.values)
    assert [panel.title for panel in players] == ["0", "1"]


def test_sounds_have_no_attention_penalty():
    with pytest.raises(ValueError, match="attention_penalty 0.5: must be 0 for sounds"):
        hearing(attention_penalty=0.5)


def grids_of(task):
    return [panel for panel in task.panels("val") if isinstance(panel, Grid)]


def test_panels_show_the_attention_of_each_word_and_of_an_empty_output():
    task = made(says("a dog", "", CAPTIONS[2][0]))
    scored(task, batch(0, 1, 2), split="val")
    captions, *grids = grids_of(task)
    assert captions.images.shape == (3, 3, 4, 4)
    assert captions.captions[1] == "(empty)\n" + "\n".join(CAPTIONS[1])
    assert [grid.note for grid in grids] == ["a dog", "(empty)", CAPTIONS[2][0]]
    assert [grid.captions for grid in grids][:2] == [["a", "dog", "(end)"], ["(end)"]]
    assert [len(grid.images) for grid in grids] == [3, 1, 7]
    assert grids[1].images.unique().tolist() == [140]  # looked at alike, so nowhere darker


def test_panels_show_the_attention_of_the_tokens_that_were_said():
    task = made(says([DOG, UNK, EOS]))
    scored(task, batch(0), split="val")
    assert grids_of(task)[1].captions == ["dog", "<unk>", "(end)"]


def test_panels_after_a_test_are_drawn_in_eval_mode(tmp_path):
    task = made(says("a dog", "a dog", "a dog")).train()  # as it is after trainer.fit
    trainer = run_over(task, batch(0, 1, 2))
    Pictures.draw(trainer, task, tmp_path, "test")
    assert task.net.modes == [False] * 4


def test_generate_gives_a_caption_for_each_picture(tmp_path):
    task = made(says("a dog", "two red cars"))
    grey = [torch.full((1, 5, 5), 128).byte(), torch.full((1, 5, 5), 140).byte()]  # 0.0 and 0.1
    Image.new("L", (5, 5), 128).save(tmp_path / "a.png")
    assert task.generate(image=tmp_path / "a.png") == ["a dog"]
    assert task.generate(image=[*grey, tmp_path / "a.png"]) == ["a dog", "two red cars", "a dog"]


def test_generate_searches_with_the_beam_it_is_given():
    table = torch.zeros(1, 2, V)
    table[0, 0, DOG], table[0, 0, EOS] = 9.0, 8.5  # the end at once is likelier than any text
    table[0, 1, EOS] = 0.1
    task, grey = made(table, beam=3), torch.full((1, 5, 5), 128).byte()
    assert (task.generate(image=grey), task.generate(image=grey, beam=1)) == ([""], ["dog"])


def test_a_beam_of_nothing_is_refused():
    with pytest.raises(ValueError, match="beam 0: must be at least 1"):
        made(says("a dog")).generate(image=torch.full((1, 5, 5), 128).byte(), beam=0)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("label_smoothing", 1.0, "must be at least 0 and below 1"),
        ("attention_penalty", -1.0, "must be at least 0"),
        ("length_penalty", -0.1, "must be at least 0"),
        ("beam", 0, "must be at least 1"),
        ("max_len", 0, "must be at least 1"),
    ],
)
def test_a_value_that_cannot_be_is_refused(name, value, fault):
    with pytest.raises(ValueError, match=f"{name} {value}: {fault}"):
        made(random_table(), **{name: value})
