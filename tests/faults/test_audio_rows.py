"""Every bad sound file is one line that names it; every unusual one is read rightly."""

import math
import tracemalloc

import numpy as np
import pytest
import torch
from audio_rows import BROKEN, ROWS
from soundfile import SoundFile
from sounds import encoded, peak_hertz, save, tone

from crossmedia.audio.mels import LogMel
from crossmedia.audio.read import audio_info, need_seconds, read_audio
from crossmedia.audio.transforms import AudioTransform
from crossmedia.errors import DataError

OF_SAMPLES = {  # what only decoding can tell
    "flac cut",
    "not a number",
    "infinite",
    "integers as floats",
    "channels that cancel",
}
BOMBS = [row for row in BROKEN if row.name in ("longer than max", "ten minutes of silence", "4 GB")]


def line_of(call, path):
    with pytest.raises(DataError) as caught:
        call(path)
    (line,) = caught.value.lines
    assert line.startswith(f"{path}: ") and "\n" not in line
    assert len(caught.value.report()) <= 240 and "…" not in caught.value.report()
    return line.removeprefix(f"{path}: ")


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: row.name)
def test_a_bad_sound_is_told_in_one_line(tmp_path, row):
    path = tmp_path / "a.wav"
    row.make(path)
    line = line_of(read_audio, path)
    assert row.said in line and line.endswith(", or data.on_error=skip")


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: row.name)
def test_the_header_alone_tells_all_but_the_samples(tmp_path, row):
    path = tmp_path / "a.wav"
    row.make(path)
    if row.name in OF_SAMPLES or "s are read" in line_of(read_audio, path):
        assert audio_info(path).frames
    else:
        assert row.said in line_of(audio_info, path)


@pytest.mark.parametrize("row", [row for row in ROWS if not row.said], ids=lambda row: row.name)
def test_an_unusual_sound_is_read_and_gives_finite_mels(tmp_path, row):
    path = tmp_path / "a.wav"
    row.make(path)
    waveform, rate = read_audio(path)
    info = audio_info(path)
    assert waveform.shape == (row.samples,) == (info.frames,) and waveform.dtype == torch.float32
    assert rate == info.sample_rate
    prepared = AudioTransform(16_000).prepare(waveform, rate)
    assert LogMel()(prepared[None]).isfinite().all()
    if waveform.abs().max() > 0.4 and len(waveform) > 1:
        assert peak_hertz(prepared, 16_000) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("row", BOMBS, ids=lambda row: row.name)
def test_a_bomb_is_refused_without_decoding_it(tmp_path, row, monkeypatch):
    path = tmp_path / "a.wav"
    row.make(path)
    monkeypatch.setattr(SoundFile, "read", lambda *_, **__: pytest.fail("decoded"))
    tracemalloc.start()
    try:
        line_of(read_audio, path)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("kind", "subtype"), [("WAV", None), ("FLAC", None), ("OGG", None), ("OGG", "OPUS")])
def test_a_flipped_byte_never_crashes_or_shortens(tmp_path, kind, subtype):
    data = bytearray(encoded(tone(seconds=0.5), kind, subtype=subtype))
    path = tmp_path / "a.wav"
    told = 0
    for place in range(0, len(data), max(1, len(data) // 150)):
        data[place] ^= 0xFF
        path.write_bytes(data)
        data[place] ^= 0xFF
        try:
            waveform, _ = read_audio(path)
            assert len(waveform) == 8_000
        except DataError as error:
            told += len(error.lines)
    assert told > (0 if kind == "WAV" else 140)  # the others carry checksums


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", None), ("FLAC", None), ("OGG", None), ("OGG", "OPUS"), ("MP3", None)]
)
def test_a_cut_at_any_place_is_told(tmp_path, kind, subtype):
    data = encoded(tone(seconds=0.5), kind, subtype=subtype)
    path = tmp_path / "a.wav"
    for place in range(1, len(data), max(1, len(data) // 150)):
        path.write_bytes(data[:place])
        line_of(read_audio, path)


def test_channels_of_a_batch_may_differ(tmp_path):
    waveforms = []
    for channels in (1, 2, 5):
        path = save(tmp_path / "a.wav", np.stack([tone()] * channels, 1))
        waveforms.append(read_audio(path)[0])
    batch = torch.stack(waveforms)
    assert batch.shape == (3, 16_000) and torch.allclose(batch, batch[:1], atol=1e-6)


@pytest.mark.parametrize("said", [1.0, 1.009, 0.991])
def test_a_length_within_ten_milliseconds_is_right(said):
    need_seconds("a.wav", 1.0, said)


@pytest.mark.parametrize("said", [0.991, 1.0, 1.079])
def test_a_list_may_count_what_a_codec_adds(said):
    need_seconds("a.mp3", 1.0, said, trimmed=0.07)
    for wrong in (0.98, 1.09):
        with pytest.raises(DataError):
            need_seconds("a.mp3", 1.0, wrong, trimmed=0.07)


@pytest.mark.parametrize(("said", "words"), [(1.6, "1.600"), (0.98, "0.980"), (math.nan, "nan")])
def test_a_length_that_a_list_has_wrong_is_told(said, words):
    with pytest.raises(DataError) as caught:
        need_seconds("a\n.wav", 1.0, said)
    assert caught.value.lines == [
        f"a\\x0a.wav: 1.000 s, the list says {words} s. Mend the list, or data.on_error=skip"
    ]
