import pytest
from clip_sets import captions, clips, clotho, sizes, tone, write

from crossmedia.data.sources.clotho import Clotho
from crossmedia.errors import DataError

FIVE = "one,two,three,four,five"


def test_each_clip_has_its_five_captions(tmp_path):
    source = Clotho(str(clotho(tmp_path)))
    assert sizes(source) == [1, 1, 1] and not source.faults and not source.notes
    sample = source.split("test")[0]
    assert sample.id == "evaluation/tone.wav" and sample.sample_rate == 8000
    assert sample.captions == ("a tone", "a beep", "a note", "one tone", "one beep")
    assert source.split("test").texts() == list(sample.captions)


def test_blanks_at_the_ends_of_a_name_belong_to_it(tmp_path):
    names = (" harbour wind.wav", "tram  stop #2 (night).wav", "rain,_soft.wav")
    for hertz, name in enumerate(names, 1):
        tone(tmp_path / "development" / name, seconds=hertz / 10)
    rows = [f'"{name}",{FIVE}' if "," in name else f"{name},{FIVE}" for name in names]
    source = Clotho(str(clotho(tmp_path, development=rows)))
    assert not source.faults
    found = {name: clip.seconds for name, (_, clip) in clips(source).items()}
    assert [found[f"development/{name}"] for name in names] == pytest.approx([0.1, 0.2, 0.3])


def test_a_blank_too_many_is_told_with_the_nearest_name(tmp_path):
    tone(tmp_path / "development/bell.wav")
    source = Clotho(str(clotho(tmp_path, development=[f" bell.wav,{FIVE}"])))
    (line,) = source.faults
    assert line.startswith(
        f"{tmp_path}/clotho_captions_development.csv:3: no clip 'development/ bell.wav'. Nearest: 'bell.wav'"
    )
    assert sizes(source) == [1, 1, 1]


def test_a_caption_that_looks_like_a_missing_value_is_kept(tmp_path):
    tone(tmp_path / "development/a.wav")
    source = Clotho(str(clotho(tmp_path, development=["a.wav,N/A,null,nan,NA,-"])))
    assert captions(source)["development/a.wav"] == ("N/A", "null", "nan", "NA", "-") and not source.faults


def test_an_empty_caption_is_told_and_the_others_stay(tmp_path):
    tone(tmp_path / "development/a.wav")
    source = Clotho(str(clotho(tmp_path, development=["a.wav,one, ,three,,five"])))
    assert captions(source)["development/a.wav"] == ("one", "three", "five")
    (line,) = source.faults
    assert "development.csv:3: 'development/a.wav': empty caption. Mend it, or" in line


def test_a_clip_without_captions_is_left_out(tmp_path):
    tone(tmp_path / "development/a.wav")
    source = Clotho(str(clotho(tmp_path, development=["a.wav,,,,,"])))
    assert "development/a.wav" not in captions(source) and len(source.faults) == 1


def test_a_caption_is_cut_at_no_comma_and_a_lone_quote_swallows_no_line(tmp_path):
    for name in "abc":
        tone(tmp_path / f"development/{name}.wav")
    rows = [
        'a.wav,"Rain, then wind, then rain",two,"He says ""stop""",four,five',
        'b.wav,"Rain,two,three,four,five',
        'c.wav,A "loud" bang,two,three,four,five',
    ]
    source = Clotho(str(clotho(tmp_path, development=rows)))
    found = captions(source)
    assert found["development/a.wav"][0] == "Rain, then wind, then rain"
    assert found["development/a.wav"][2] == 'He says "stop"'
    assert found["development/c.wav"][0] == 'A "loud" bang'
    (line,) = source.faults
    assert "development.csv:4: 'b.wav,\"Rain,two" in line and "a quote without its partner" in line


def test_a_quoted_cell_that_goes_on_and_a_line_too_long_are_told_for_what_they_are(tmp_path):
    rows = ['a.wav,"Rain" falls,two,three,four,five', f"b.wav,{'x' * 140_000},two,three,four,five"]
    source = Clotho(str(clotho(tmp_path, development=rows)))
    quote, long = source.faults
    assert quote.endswith(": ',' expected after '\"'. Mend the line, or data.on_error=skip")
    assert "a line of 140026 characters, at most 131072. Mend the line" in long and len(long) <= 240


def test_a_clip_that_nothing_names_is_told_where_another_folder_has_its_name(tmp_path):
    for folder in ("development", "evaluation"):
        tone(tmp_path / folder / "rain.wav")
    source = Clotho(str(clotho(tmp_path, development=[f"rain.wav,{FIVE}"])))
    assert source.notes == ["1 clips without captions passed over: rain.wav"]


def test_a_line_with_a_column_too_many_is_told(tmp_path):
    source = Clotho(str(clotho(tmp_path, validation=[f"a.wav,Rain, wind,{FIVE}"])))
    assert "validation.csv:3: " in source.faults[0] and "8 columns, 6 expected" in source.faults[0]


def test_without_a_validation_list_a_tenth_of_development_is_val(tmp_path):
    rows = [f"{number}.wav,{FIVE}" for number in range(120)]
    for number in range(120):
        tone(tmp_path / f"development/{number}.wav")
    (clotho(tmp_path, development=rows) / "clotho_captions_validation.csv").unlink()
    source = Clotho(str(tmp_path))
    train, val, test = sizes(source)
    assert train + val == 121 and 4 <= val <= 24 and test == 1
    (note,) = source.notes
    assert note == "no clotho_captions_validation.csv: a tenth of development is val, by hash of the name"


def test_a_missing_column_or_list_is_told(tmp_path):
    write(clotho(tmp_path) / "clotho_captions_evaluation.csv", "file_name,caption_1", "tone.wav,a tone")
    with pytest.raises(DataError, match="evaluation.csv:1: no column caption_2 in the header 'file_name,"):
        Clotho(str(tmp_path))
    (tmp_path / "clotho_captions_evaluation.csv").unlink()
    with pytest.raises(DataError, match="evaluation.csv: no such file. Expected development/, validation/"):
        Clotho(str(tmp_path))
