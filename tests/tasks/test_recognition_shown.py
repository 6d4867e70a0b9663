"""What the page of a recogniser shows."""

import pytest
import torch
from scoring import overfitted, scored
from speller import ADAM, KINDS, META, RATE, TEXTS, Spells, batch, made, spelled

from crossmedia.report.panels import Alignment, Matrix, Sound, Table
from crossmedia.tasks.attention_recognition import Seq2SeqRecognition
from crossmedia.tasks.over_time import BANDS, spectrogram
from crossmedia.tasks.recognition import CTCRecognition
from crossmedia.tasks.transduction import TransducerRecognition


def test_panels_show_the_edits_the_voices_and_the_players():
    task = CTCRecognition(Spells(), META, ADAM).eval()
    said = ["a red ball", "two cats", "a blue star"]
    scored(task, batch(*said, heard=["a red", "two cats", "a blue star"], speakers=["f3", "m3", "m3"]))
    panels = task.panels("test")
    edits = next(panel for panel in panels if isinstance(panel, Alignment))
    assert edits.names[0] == "0-a red ball"  # the most wrong first
    assert edits.rows[0] == [["equal", "a red", "a red"], ["delete", "ball", ""]]
    voices = next(panel for panel in panels if panel.title == "Errors by voice")
    assert isinstance(voices, Table) and [row[:4] for row in voices.rows] == [
        ["f3", 1, 3, 0.3333],
        ["m3", 2, 5, 0],
    ]
    sounds = [panel for panel in panels if isinstance(panel, Sound)]
    assert len(sounds) == 3 and sounds[0].sample_rate == RATE and sounds[0].note == "a red"
    torch.testing.assert_close(sounds[1].waveform, spelled("two cats"))
    heard, sure = (panel for panel in panels if isinstance(panel, Matrix))
    assert heard.title == "Spectrogram of the first clip" and "(blank)" in sure.rows
    assert len(heard.columns) == 1 + len(spelled("a red")) // 80  # a frame every 10 ms


def test_panels_of_attention_have_a_row_for_each_token():
    task = made(Seq2SeqRecognition, max_len=5).eval()
    scored(task, batch(*TEXTS))
    looked = next(panel for panel in task.panels("test") if panel.title.startswith("Attention"))
    assert len(looked.rows) == len(looked.values) and all(
        sum(row) == pytest.approx(1, abs=1e-3) for row in looked.values
    )


def test_errors_by_length_stand_in_the_order_of_the_lengths():
    task = CTCRecognition(Spells(), META, ADAM).eval()
    scored(task, batch(*(" ".join(["a ball"] * times) for times in (120, 1, 40, 14))))
    table = next(panel for panel in task.panels("test") if panel.title == "Errors by length")
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["0-2", "2-4", "4-8", "16 and more"]


def test_a_player_has_the_transcript_of_its_own_sound_after_ranks_have_shared_theirs():
    task = CTCRecognition(Spells(), META, ADAM).eval()
    scored(task, batch(*TEXTS))
    task.records = [record for own in task.records for record in (own, {**own, "id": "of rank 1"})]
    sounds = [panel for panel in task.panels("test") if isinstance(panel, Sound)]
    assert [(panel.title, panel.note) for panel in sounds] == [
        (f"{place}-{text}", text) for place, text in enumerate(TEXTS)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_each_recogniser_shows_over_seconds_what_it_makes_of_the_first_clip(kind):
    task = made(kind).eval()
    scored(task, batch(*TEXTS))
    heard, made_of_it = (panel for panel in task.panels("test") if isinstance(panel, Matrix))
    assert heard.column_label == made_of_it.column_label == "seconds"
    seconds = len(spelled(TEXTS[0])) / RATE
    assert float(heard.columns[-1]) == pytest.approx(seconds, abs=0.02)
    assert float(made_of_it.columns[-1]) == pytest.approx(seconds, abs=0.02)


def test_the_transducer_shows_what_it_wrote_where_it_wrote_it():
    task = made(TransducerRecognition)
    overfitted(task, batch(*TEXTS), ADAM(task.parameters()), 200)
    task.eval()
    scored(task, batch(*TEXTS))
    shown = task.panels("test")[-4]
    assert isinstance(shown, Matrix) and shown.title == "Posteriors of the first clip"
    assert {"(blank)", "(space)"} | {*TEXTS[0]} - {" "} <= {*shown.rows}


@pytest.mark.parametrize("rate", [1_000, 8_000, 16_000])
def test_a_tone_is_bright_in_its_band_at_every_rate(rate):
    tone = torch.sin(2 * torch.pi * 300 * torch.arange(rate) / rate)
    shown = spectrogram("A tone", tone, rate)
    assert len(shown.rows) == BANDS and len(shown.columns) == 101  # a frame every 10 ms
    loudest = max(range(BANDS), key=lambda band: shown.values[band][50])
    assert int(shown.rows[loudest].removesuffix(" Hz")) == pytest.approx(300, abs=60)
