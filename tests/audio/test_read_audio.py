import errno
import os
import struct
from io import BytesIO

import numpy as np
import pytest
import torch
from sounds import encoded, fmt, frames_of, integers, peak_hertz, riff, save, tone

from crossmedia.audio import read
from crossmedia.audio.read import AudioInfo, audio_info, read_audio
from crossmedia.errors import DataError

NOISE = np.random.default_rng(0).uniform(-1, 1, (4_000, 2)).astype(np.float32)


def fault(path, **options):
    with pytest.raises(DataError) as caught:
        read_audio(path, **options)
    (line,) = caught.value.lines
    return line.removeprefix(f"{path}: ").removesuffix(", or data.on_error=skip")


@pytest.mark.parametrize(
    ("kind", "subtype", "error"),
    [
        ("WAV", "PCM_U8", 2**-7), ("WAV", "PCM_16", 2**-15), ("WAV", "PCM_24", 2**-23),
        ("WAV", "PCM_32", 2**-23), ("WAV", "FLOAT", 0), ("WAV", "DOUBLE", 0), ("WAV", "ULAW", 0.03),
        ("WAV", "ALAW", 0.03), ("WAVEX", "PCM_16", 2**-15), ("WAVEX", "PCM_24", 2**-23),
        ("WAVEX", "FLOAT", 0), ("RF64", "PCM_16", 2**-15),
        ("FLAC", "PCM_S8", 2**-7), ("FLAC", "PCM_16", 2**-15), ("FLAC", "PCM_24", 2**-23),
    ],
)  # fmt: skip
@pytest.mark.parametrize("channels", [1, 2])
def test_a_lossless_file_comes_as_the_mean_of_its_channels(tmp_path, kind, subtype, error, channels):
    path = save(tmp_path / "a", NOISE[:, :channels], kind, rate=8_000, subtype=subtype)
    waveform, rate = read_audio(path)
    assert waveform.dtype == torch.float32 and rate == 8_000
    assert np.abs(waveform.numpy() - NOISE[:, :channels].mean(1)).max() <= error + 1e-7
    assert audio_info(path) == AudioInfo(8_000, 4_000, channels)


@pytest.mark.parametrize(("kind", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None)])
def test_a_lossy_file_keeps_length_pitch_and_loudness(tmp_path, kind, subtype):
    path = save(tmp_path / "a", kind=kind, rate=48_000, subtype=subtype)
    waveform, rate = read_audio(path)
    assert len(waveform) == rate == audio_info(path).frames == 48_000
    assert peak_hertz(waveform, rate) == pytest.approx(440, abs=0.5)
    assert float(waveform.square().sum()) == pytest.approx(np.square(tone(rate=48_000)).sum(), rel=0.03)


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.raw", "a", "ä\n.txt"])
def test_content_tells_the_format_not_the_suffix(tmp_path, name):
    for kind in ("WAV", "FLAC", "OGG", "MP3"):
        assert len(read_audio(save(tmp_path / name, kind=kind))[0]) == 16_000


def test_seconds_are_those_of_the_files_own_rate(tmp_path):
    assert audio_info(save(tmp_path / "a.wav", tone(300, 2.5, 44_100), rate=44_100)).seconds == 2.5


def test_a_limit_counts_seconds_before_any_resampling(tmp_path):
    low = save(tmp_path / "low.wav", tone(300, 3, 8_000), rate=8_000)
    high = save(tmp_path / "high.wav", tone(300, 2, 44_100), rate=44_100)
    assert fault(low, max_seconds=2) == "3 s, at most 2 s are read. Cut it"
    assert len(read_audio(high, max_seconds=2)[0]) == 88_200


def test_a_long_clip_is_decoded_in_blocks_to_the_same_samples(tmp_path, monkeypatch):
    path = save(tmp_path / "a.flac", NOISE, "FLAC")
    whole, _ = read_audio(path)
    monkeypatch.setattr(read, "_BLOCK", 1_000)
    assert torch.equal(read_audio(path)[0], whole)


def test_wild_channels_that_cancel_are_seen(tmp_path):
    wild = np.stack([tone(peak=5_000), -tone(peak=5_000)], 1)
    assert fault(save(tmp_path / "a.wav", wild, subtype="FLOAT")).startswith(
        "samples up to 5 000: a float file"
    )


def test_a_foreign_chunk_never_reaches_the_decoder(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("crossmedia.audio.wav.BytesIO", lambda data: seen.append(data) or BytesIO(data))
    samples = integers(tone(seconds=0.1))
    path = tmp_path / "a.wav"
    path.write_bytes(
        riff((b"LIST", b"INFOIART\xff\xff\xff\xff"), fmt(), (b"bext", b"x" * 7), (b"data", samples))
    )
    assert len(read_audio(path)[0]) == 1_600 and seen == [samples]


@pytest.mark.parametrize("trailer", [b"", b"\0", b"\0" * 512, b"LIST\4\0\0\0INFO", b"TAG" + bytes(125)])
def test_what_tools_leave_behind_the_samples_is_passed_over(tmp_path, trailer):
    path = tmp_path / "a.wav"
    path.write_bytes(riff(fmt(), (b"data", integers(tone()))) + trailer)
    assert len(read_audio(path)[0]) == 16_000


def test_a_writer_may_forget_the_pad_byte_of_an_odd_chunk(tmp_path):
    body = b"WAVE" + b"".join(
        name + struct.pack("<I", len(content)) + content
        for name, content in (
            (b"note", b"odd"),
            fmt(),
            (b"data", integers(tone()) + b"\1"),
            (b"LIST", b"INFO"),
        )
    )
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert len(read_audio(path)[0]) == 16_000


def test_a_wrong_length_of_the_whole_file_does_not_matter(tmp_path):
    data = bytearray(riff(fmt(), (b"data", integers(tone()))))
    for length in (0, 0xFFFFFFFF):
        data[4:8] = struct.pack("<I", length)
        (tmp_path / "a.wav").write_bytes(data)
        assert len(read_audio(tmp_path / "a.wav")[0]) == 16_000


@pytest.mark.parametrize("bits", [12, 20])
def test_samples_of_odd_bits_stand_at_the_top_of_their_bytes(tmp_path, bits):
    width = (bits + 7) // 8
    kind, layout = fmt(bits=8 * width)
    layout = layout[:14] + struct.pack("<H", bits)
    half = (1 << (8 * width - 2)).to_bytes(width, "little")
    (tmp_path / "a.wav").write_bytes(riff((kind, layout), (b"data", half * 10)))
    assert read_audio(tmp_path / "a.wav")[0].tolist() == [0.5] * 10


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ([(b"fmt ", b"\1\0\1\0"), (b"data", b"\0\0")], "damaged: its fmt chunk is too short"),
        ([(b"fmt ", fmt()[1][:12] + b"\3\0\x10\0"), (b"data", b"\0\0")], "3 bytes for 1 channels of 16 bits"),
        ([(b"note", b"")] * 1_001 + [fmt(), (b"data", b"\0\0")], "a WAV file without a fmt chunk"),
        ([fmt(1, bits=64), (b"data", bytes(8))], "WAV codec 0x0001 (PCM) of 64 bits"),
        ([fmt(0xFFFE), (b"data", bytes(8))], "WAV codec 0x0000 (unknown) of 16 bits"),
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_is_named(tmp_path, chunks, said):
    (tmp_path / "a.wav").write_bytes(riff(*chunks))
    assert said in fault(tmp_path / "a.wav")


@pytest.mark.parametrize("kind", ["FLAC", "MP3"])
def test_id3_tags_in_front_are_passed_over(tmp_path, kind):
    path = save(tmp_path / "a", kind=kind)
    path.write_bytes(b"ID3\4\0\0\0\0\2\0" + b"\xff\xfb" * 128 + path.read_bytes())
    assert len(read_audio(path)[0]) == 16_000


TAG = b"TAG" + bytes(125)
APE = b"APETAGEX" + struct.pack("<4I8x", 2000, 40, 1, 0) + bytes(40)
ID3 = b"ID3\4\0\0\0\0\0\4" + bytes(4)
LYRICS = b"LYRICSBEGININD00002100000LYRICS200"


@pytest.mark.parametrize(
    "tags", [TAG, APE, ID3, LYRICS + TAG, APE + LYRICS + TAG, ID3 + TAG, bytes(300), APE + TAG + bytes(300)]
)
def test_tags_behind_an_mp3_are_passed_over(tmp_path, tags):
    path = save(tmp_path / "a.mp3", kind="MP3")
    path.write_bytes(path.read_bytes() + tags)
    assert len(read_audio(path)[0]) == 16_000


AMID = [(bytes(300), 5), (TAG, 5), (APE, 5), (ID3, 5), (LYRICS, 5)]
CUT = [(TAG[:50], 0), (APE[:50], 0), (ID3[:12], 0), (LYRICS[:-1], 0), (bytes(1_025), 0)]


@pytest.mark.parametrize(("rest", "more"), AMID + CUT)
def test_an_mp3_that_announces_nothing_ends_where_its_frames_do(tmp_path, rest, more):
    frames = frames_of(encoded(kind="MP3"))[1:]
    path = tmp_path / "a.mp3"
    path.write_bytes(b"".join([*frames[:9], rest, *frames[:more]]))
    assert fault(path) == f"cut short or damaged after {sum(map(len, frames[:9]))} bytes. Remove it"


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_an_mp3_cut_between_frames_is_told_by_what_its_first_frame_announces(tmp_path, rate):
    path = save(tmp_path / "a.mp3", kind="MP3", rate=rate)
    frames = frames_of(path.read_bytes())
    path.write_bytes(b"".join(frames[:-3]))
    numbers = f"{len(frames) - 1} MP3 frames, {len(frames) - 4} follow"
    assert fault(path) == f"its first frame announces {numbers}. Cut short: remove it"


def test_two_mp3s_in_one_file_are_not_read_as_the_first(tmp_path):
    path = save(tmp_path / "a.mp3", kind="MP3")
    frames = frames_of(path.read_bytes())
    path.write_bytes(path.read_bytes() * 2)
    numbers = f"{len(frames) - 1} MP3 frames, {2 * len(frames) - 1} follow"
    assert fault(path) == f"its first frame announces {numbers}. Save it again"


def test_two_mp3s_of_different_rates_in_one_file_are_damaged(tmp_path):
    path = save(tmp_path / "a.mp3", kind="MP3")
    path.write_bytes(path.read_bytes() + encoded(kind="MP3", rate=8_000))
    assert fault(path).startswith("cut short or damaged after ")


DELAY = 529  # samples that every decoder is late by (LAME's technical FAQ)


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("mark", [b"", b"Xing", b"VBRI"])
def test_an_mp3_of_another_writer_is_as_long_as_its_frames(tmp_path, rate, mark):
    path = save(tmp_path / "a.mp3", kind="MP3", rate=rate)
    first, *frames = frames_of(path.read_bytes())
    if mark == b"Xing":  # without the number of frames
        place = first.index(b"Xing")
        first = first[: place + 4] + bytes(len(first) - place - 4)
    elif mark == b"VBRI":
        told = bytes(32) + b"VBRI" + bytes(10) + struct.pack(">I", len(frames))
        first = (first[:4] + told).ljust(len(first), b"\0")
    path.write_bytes(b"".join([first] * bool(mark) + frames))
    waveform, _ = read_audio(path)
    assert len(waveform) == (1152 if rate > 24_000 else 576) * len(frames) - DELAY
    assert peak_hertz(waveform, rate) == pytest.approx(440, abs=2)


def pages_of(data):
    return [b"OggS" + page for page in data.split(b"OggS")[1:]]


def test_an_ogg_without_its_last_page_is_cut_short(tmp_path):
    pages = pages_of(encoded(NOISE.reshape(-1), "OGG"))
    path = tmp_path / "a.ogg"
    path.write_bytes(b"".join(pages[:-1]))
    assert fault(path) == f"cut short after {path.stat().st_size:,} bytes".replace(",", " ") + (
        ", its last OGG page is missing. Remove it"
    )


def test_an_ogg_that_lacks_a_page_amid_it_is_damaged(tmp_path):
    pages = pages_of(encoded(tone(seconds=20), "OGG"))
    path = tmp_path / "a.ogg"
    path.write_bytes(b"".join(pages[:3] + pages[4:]))
    assert fault(path) == "damaged: page 3 of its OGG stream is missing. Remove it"


def test_two_oggs_in_one_file_are_named(tmp_path):
    path = save(tmp_path / "a.ogg", kind="OGG")
    path.write_bytes(path.read_bytes() * 2)
    assert fault(path) == "several streams in one OGG file, one is read. Split it"


def test_another_codec_in_ogg_is_named(tmp_path):
    path = save(tmp_path / "a.ogg", kind="OGG")
    path.write_bytes(path.read_bytes().replace(b"\1vorbis", b"Speex  "))
    assert fault(path) == "a codec in OGG other than Vorbis and Opus. Convert it"


@pytest.mark.parametrize(
    "number, said",
    [
        (errno.EACCES, "cannot be read (permission denied). Mend its rights"),
        (errno.EIO, "cannot be read (input/output error). See to its disk"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(number, said, tmp_path, monkeypatch):
    path = save(tmp_path / "a.wav")

    def denied(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("builtins.open", denied)
    assert fault(path) == said
