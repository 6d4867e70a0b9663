import pytest
from clip_sets import clips, common_voice, sizes, tone, transcripts, write
from sounds import frames_of

from crossmedia.data.sources.common_voice import CommonVoice
from crossmedia.errors import DataError

WORDS = ["null", "NA", "nan", "None", "true", "007", "1e5", "-"]


def filled(root, suffix=".wav"):
    return common_voice(
        root, suffix, train=[("a", "One."), ("b", "Two.")], dev=[("c", "Three.")], test=[("d", "Four.")]
    )


def test_each_list_is_a_split_and_the_client_a_speaker(tmp_path):
    source = CommonVoice(str(filled(tmp_path)))
    assert sizes(source) == [2, 1, 1] and not source.faults and not source.notes
    sample = source.split("val")[0]
    assert (sample.id, sample.transcript, sample.speaker) == ("dev-0.wav", "Three.", "c")


@pytest.mark.parametrize("announced", [True, False])
def test_an_mp3_is_as_long_as_its_publisher_counts_in_whole_frames(tmp_path, announced):
    path = tone(filled(tmp_path, ".mp3") / "clips/test-0.mp3", seconds=1, rate=32_000)
    first, *frames = frames_of(path.read_bytes())
    path.write_bytes(first * announced + b"".join(frames))
    seconds = 1152 * len(frames) / 32_000
    for wrong in (0.0, 0.1, -0.2):
        told = round(1000 * (seconds + wrong))
        write(tmp_path / "clip_durations.tsv", "clip\tduration[ms]", f"test-0.mp3\t{told}")
        split = CommonVoice(str(tmp_path)).split("test")
        if wrong:
            with pytest.raises(DataError, match="test-0.mp3: 1.0.* s, the list says"):
                split[0]
        else:
            samples = 32_000 if announced else 1152 * len(frames) - 529  # the decoder's delay
            assert len(split[0].waveform) == samples and split.lengths() == [round(seconds, 3)]


def test_a_word_that_looks_like_a_missing_value_is_text(tmp_path):
    filled(tmp_path)
    common_voice(tmp_path, train=[("a", word) for word in WORDS])
    source = CommonVoice(str(tmp_path))
    assert not source.faults and source.split("train").texts() == WORDS


def test_accents_and_quotes_stay_as_they_are(tmp_path):
    filled(tmp_path)
    common_voice(tmp_path, train=[("a", "Le café est fermé."), ("a", '"Go, she said.')])
    assert CommonVoice(str(tmp_path)).split("train").texts() == ["Le café est fermé.", '"Go, she said.']


def test_without_dev_and_test_a_tenth_of_the_speakers_each_is_theirs(tmp_path):
    common_voice(tmp_path, train=[(f"s{number // 2}", f"Text {number}.") for number in range(120)])
    source = CommonVoice(str(tmp_path))
    assert sum(sizes(source)) == 120 and min(sizes(source)) > 0
    speakers = [{clip.speaker for clip in source.split(split).entries} for split in source.splits]
    assert not (speakers[0] & speakers[1] or speakers[0] & speakers[2] or speakers[1] & speakers[2])
    assert source.notes == ["no list for val and test: a tenth of the speakers of train.tsv each, by hash"]


def test_the_validated_clips_serve_where_there_are_no_lists_of_splits(tmp_path):
    common_voice(tmp_path, validated=[(f"s{number}", f"Text {number}.") for number in range(60)])
    source = CommonVoice(str(tmp_path))
    assert sum(sizes(source)) == 60 and "speakers of validated.tsv" in source.notes[0]


def test_a_clip_in_none_of_the_lists_is_passed_over(tmp_path):
    tone(filled(tmp_path) / "clips/other.wav")
    source = CommonVoice(str(tmp_path))
    assert source.notes == ["1 clips without a place in these lists passed over: other.wav"]


def test_announced_lengths_are_taken_from_their_list(tmp_path):
    filled(tmp_path)
    tone(tmp_path / "clips/train-1.wav", seconds=0.3)
    lines = ["clip\tduration[ms]", "train-0.wav\t105", "train-1.wav\t292", "dev-0.wav\t100"]
    write(tmp_path / "clip_durations.tsv", *lines)
    source = CommonVoice(str(tmp_path))
    assert source.split("train").lengths() == [0.105, 0.292]
    assert source.split("test").lengths() == [0.1]
    assert len(source.split("train")[0].waveform) == 800
    assert len(source.split("train")[1].waveform) == 2400


def test_a_length_off_by_more_than_10_ms_is_a_fault_of_the_clip(tmp_path):
    write(filled(tmp_path) / "clip_durations.tsv", "clip\tduration[ms]", "dev-0.wav\t111", "test-0.wav\t89")
    for split, said in (("val", "0.111"), ("test", "0.089")):
        with pytest.raises(DataError, match=f"-0.wav: 0.100 s, the list says {said} s"):
            CommonVoice(str(tmp_path)).split(split)[0]


def test_a_length_that_is_no_number_is_told(tmp_path):
    write(filled(tmp_path) / "clip_durations.tsv", "clip\tduration[ms]", "dev-0.wav\tlong")
    source = CommonVoice(str(tmp_path))
    assert source.faults == [
        f"{tmp_path}/clip_durations.tsv:2: 'long' is no number of milliseconds. Mend the line, "
        "or data.on_error=skip"
    ]


def test_a_tab_or_line_break_in_a_sentence_is_told_with_its_lines(tmp_path):
    filled(tmp_path)
    common_voice(tmp_path, train=[("a", "One\ttwo."), ("a", "Three\nfour."), ("a", "Five.")])
    source = CommonVoice(str(tmp_path))
    assert transcripts(source)["train-2.wav"] == "Five." and sizes(source)[0] == 1
    assert [line.split(": ")[0][-1] for line in source.faults] == ["2", "3", "4"]
    assert "6 columns, 5 expected. Mend the line, or data.on_error=skip" in source.faults[0]


def test_a_missing_column_is_told(tmp_path):
    write(filled(tmp_path) / "dev.tsv", "client_id\tpath\ttext", "c\tdev-0.wav\tThree.")
    with pytest.raises(DataError, match="dev.tsv:1: no column sentence in the header 'client_id"):
        CommonVoice(str(tmp_path))


def test_columns_may_stand_in_any_order(tmp_path):
    write(filled(tmp_path) / "dev.tsv", "sentence\tpath\tage\tclient_id", "Three!\tdev-0.wav\t\tc")
    _, clip = clips(CommonVoice(str(tmp_path)))["dev-0.wav"]
    assert (clip.transcript, clip.speaker) == ("Three!", "c")


def test_an_empty_list_is_told(tmp_path):
    (filled(tmp_path) / "test.tsv").write_bytes(b"")
    with pytest.raises(DataError, match="test.tsv: zero bytes. Fetch the file again"):
        CommonVoice(str(tmp_path))


def test_a_line_of_other_bytes_is_told_by_its_byte(tmp_path):
    path = filled(tmp_path) / "train.tsv"
    path.write_bytes(path.read_bytes().replace(b"One.", b"caf\xe9"))
    source = CommonVoice(str(tmp_path))
    assert source.faults[0].startswith(f"{path}:2: not UTF-8 (byte 0xe9") and sizes(source) == [1, 1, 1]
    assert source.faults[0].endswith(". Save the file as UTF-8, or data.on_error=skip")


def test_a_folder_without_lists_is_refused(tmp_path):
    with pytest.raises(DataError, match="validated.tsv: no such file. Expected train.tsv, dev.tsv and"):
        CommonVoice(str(tmp_path))
