import pytest
from clip_sets import ljspeech, sizes, transcripts

from crossmedia.data.sources.ljspeech import LJSpeech
from crossmedia.errors import DataError


def test_quotes_are_plain_characters(tmp_path):
    lines = [
        "A-01|The lamp is on.|The lamp is on.",
        'A-02|"Wait, said the boy.|Wait, said the boy.',
        "A-03|Nobody came.|Nobody came.",
        'A-04|He said "go" twice.|He said "go" twice.',
    ]
    source = LJSpeech(str(ljspeech(tmp_path, *lines)))
    assert not source.faults
    assert transcripts(source) == {
        "A-01": "The lamp is on.",
        "A-02": "Wait, said the boy.",
        "A-03": "Nobody came.",
        "A-04": 'He said "go" twice.',
    }


def test_the_normalised_text_is_taken(tmp_path):
    source = LJSpeech(str(ljspeech(tmp_path, "LJ-1|in 1901,|in nineteen oh one,")))
    assert transcripts(source) == {"LJ-1": "in nineteen oh one,"}


@pytest.mark.parametrize(
    ("line", "text"),
    [("B-01|Forty two lamps.", "Forty two lamps."), ("B-02|12 lamps.|", "12 lamps."), ("B-02|a b| ", "a b")],
)
def test_the_second_column_serves_for_an_empty_or_missing_third(tmp_path, line, text):
    source = LJSpeech(str(ljspeech(tmp_path, line)))
    assert not source.faults and list(transcripts(source).values()) == [text]


@pytest.mark.parametrize(("line", "number"), [("B-03|a|b|c", 4), ("B-03", 1)])
def test_another_number_of_columns_is_told_with_its_line(tmp_path, line, number):
    with pytest.raises(DataError) as caught:
        LJSpeech(str(ljspeech(tmp_path, line)))
    said = f"{tmp_path}/metadata.csv:1: {line!r}: {number} columns, 3 expected. Mend the line, or "
    said += "data.on_error=skip"
    assert caught.value.lines == [said]


def test_a_hash_of_the_id_splits_80_10_10(tmp_path):
    source = LJSpeech(str(ljspeech(tmp_path, *(f"LJ-{number}|Text {number}." for number in range(120)))))
    train, val, test = sizes(source)
    assert train + val + test == 120 and 80 <= train <= 110 and min(val, test) >= 4
    assert source.fields == {"waveform", "sample_rate", "transcript"} and source.classes == ()
