import gzip
import re
from pathlib import Path

import pytest
from clip_sets import clips, prompts, shared, sizes, tone, transcripts, write

from crossmedia.data.sources.prompts import Prompts
from crossmedia.errors import DataError

INSTALLED = Path("/usr/share/asterisk/sounds/en_US_f_Allison")


def test_texts_are_what_is_spoken(tmp_path):
    lines = [
        "activated: Activated.",
        "beep: [this is a simple beep tone]",
        "letters/dash: dash [-]",
        "letters/space: space [ ]",
        "silence/2: (2 seconds of silence)",
        "join: <beep ascending>",
        "intro: After the tone. (simple tone sound plays)",
        'iax2: IAX (note: does not say "2")',
        "status: not at their desk; I will try: wait",
    ]
    source = Prompts(*prompts(tmp_path, *lines))
    assert transcripts(source) == {
        "activated": "Activated.",
        "letters/dash": "dash",
        "letters/space": "space",
        "intro": "After the tone.",
        "iax2": "IAX",
        "status": "not at their desk; I will try: wait",
    }
    assert not source.faults
    assert source.notes == ["3 sounds and silences left out: beep, silence/2, join"]


def test_a_clip_that_the_list_does_not_name_is_passed_over_and_counted(tmp_path):
    root, texts = prompts(tmp_path, "a: One.", "beep: [a tone]")
    tone(tmp_path / "sounds/other.wav")
    source = Prompts(root, texts)
    assert source.notes == [
        "1 sounds and silences left out: beep",
        "1 clips without text passed over: other.wav",
    ]


def test_a_line_without_a_text_is_told(tmp_path):
    source = Prompts(*prompts(tmp_path, "a: One.", "b:"))
    assert list(transcripts(source)) == ["a"] and len(source.faults) == 1


def test_a_packed_list_reads_the_same(tmp_path):
    root, texts = prompts(tmp_path, "activated: Activated.")
    packed = tmp_path / "texts.txt.gz"
    packed.write_bytes(gzip.compress(Path(texts).read_bytes()))
    assert Prompts(root, str(packed)).fingerprint() == Prompts(root, texts).fingerprint()
    packed.write_bytes(packed.read_bytes()[:30])
    with pytest.raises(DataError, match="texts.txt.gz: cut short or damaged"):
        Prompts(root, str(packed))


def test_a_packed_list_of_gigabytes_is_refused(tmp_path):
    root, texts = prompts(tmp_path, "activated: Activated.")
    with gzip.open(texts, "wb", compresslevel=1) as file:
        for _ in range(101):
            file.write(bytes(10**6))
    with pytest.raises(DataError, match="texts.txt: unpacks to more than 100000000 bytes. Unpack it"):
        Prompts(root, texts)


def test_the_same_text_is_in_one_split(tmp_path):
    lines = [f"a{number}: {'Thank you.' if number % 2 else f'Number {number}.'}" for number in range(80)]
    source = Prompts(*prompts(tmp_path, *lines))
    assert len({split for split, clip in clips(source).values() if clip.transcript == "Thank you."}) == 1
    assert min(sizes(source)) > 0


def test_a_text_without_a_clip_is_left_out_and_said(tmp_path):
    root, texts = prompts(tmp_path, "a: One.", "b: Two.")
    (tmp_path / "sounds/b.wav").unlink()
    source = Prompts(root, texts)
    assert list(transcripts(source)) == ["a"] and source.notes == ["1 texts without a clip left out: b"]


def test_a_line_without_a_colon_is_told_with_its_number(tmp_path):
    root, texts = prompts(tmp_path, "a: One.")
    write(Path(texts), "a: One.", "b Two.")
    said = f"{texts}:2: 'b Two.': a path, a colon and a text expected. Mend the line"
    assert Prompts(root, texts).faults == [f"{said}, or data.on_error=skip"]


def test_a_missing_set_tells_how_to_install(tmp_path):
    with pytest.raises(DataError, match="no such folder. .*apt-get install asterisk-core-sounds-en-wav"):
        Prompts(str(tmp_path / "sounds"))
    tone(tmp_path / "sounds/a.wav")
    with pytest.raises(DataError, match="no such file. .*apt-get install asterisk-core-sounds-en-wav"):
        Prompts(str(tmp_path / "sounds"), str(tmp_path / "texts.txt"))


@pytest.mark.skipif(not INSTALLED.is_dir(), reason="apt-get install asterisk-core-sounds-en-wav and -en")
def test_the_installed_prompts_are_551_clips_of_words_of_which_a_tenth_is_the_test():
    source = Prompts()
    assert sizes(source) == [428, 67, 56] and not source.faults and not shared(source)
    assert not [text for text in transcripts(source).values() if re.search(r"[][()<>]", text)]
    said = "17 sounds and silences left out: ascending-2tone, beep, beeperr, confbridge-join,"
    assert source.notes[0].startswith(said)
    minutes = sum(clip.seconds for _, clip in clips(source).values()) / 60
    assert minutes == pytest.approx(24.3, abs=0.1)
