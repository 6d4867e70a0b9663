"""What a recogniser learns to write is the text as it is spelled: no blank that the script does not have."""

import pytest
import torch

from crossmedia.data.batches import Meta, Sample
from crossmedia.data.views import SpeechView
from crossmedia.metrics.error_rates import edits
from crossmedia.text.bpe import BpeTokenizer
from crossmedia.text.tokenizer import CharTokenizer, WordTokenizer

TEXTS = ["日本語。", "iPhone を買う", "สีแดง กลม", "A red, round ball."]


@pytest.mark.parametrize(
    "text, expected",
    [("日本語。", "日本語"), ("iPhone を買う", "iphone を買う"), ("A red, round ball.", "a red round ball")],
)
def test_the_target_of_a_transcript_has_its_own_blanks_alone(text, expected):
    tokenizer = CharTokenizer().fit(map(SpeechView.text, TEXTS))
    sample = Sample("a", waveform=torch.zeros(80), sample_rate=8000, transcript=text)
    batch = SpeechView()([sample], None, Meta(tokenizer=tokenizer))
    assert tokenizer.decode(batch.tokens[0].tolist()) == expected
    assert batch.lens.tolist() == [len(expected)]


@pytest.mark.parametrize("kind", [CharTokenizer, BpeTokenizer, WordTokenizer])
def test_a_target_read_back_has_no_error(kind):
    tokenizer = kind().fit(map(SpeechView.text, TEXTS))
    for text in TEXTS[:2] + TEXTS[3:]:
        output = tokenizer.decode(tokenizer.encode(SpeechView.text(text)))
        assert edits(output, text, "characters").rate == edits(output, text).rate == 0
