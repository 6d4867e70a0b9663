"""Pieces of a long sound: every frame once, heard in its surroundings."""

import pytest
import torch

from crossmedia.tasks.long_sounds import HEARD, MARGIN, TOGETHER, by_length, encoded, pieces, stretches

RATE, EVERY = 100, 10


def hears(clips):
    """A frame is the sample where it begins."""
    return clips.waveforms[:, ::EVERY, None], -(-clips.lens // EVERY)


@pytest.mark.parametrize("seconds", [0.5, 16, 19.9, 20, 20.1, 35.95, 36.0, 36.1, 100.3])
def test_every_frame_of_a_sound_is_there_once_and_in_order(seconds):
    sound = torch.arange(round(seconds * RATE), dtype=torch.float32)
    short, long = encoded(hears, [sound[:30], sound], EVERY, RATE)
    assert torch.equal(long[:, 0], sound[::EVERY])
    assert torch.equal(short[:, 0], sound[:30:EVERY])


def test_a_frame_is_taken_where_both_its_sides_are_heard():
    heard = []

    def noted(clips):
        heard.extend(waveform[: int(n)] for waveform, n in zip(clips.waveforms, clips.lens, strict=True))
        return hears(clips)

    encoded(noted, [torch.arange(100.0 * RATE)], EVERY, RATE)
    for before, after in zip(heard, heard[1:], strict=False):
        assert before[-1] - after[0] == pytest.approx(2 * MARGIN * RATE, abs=1)
    assert max(map(len, heard)) <= HEARD * RATE


def test_sounds_are_decoded_with_others_of_about_their_length_and_their_texts_keep_their_order():
    lengths = [3, 900, *[5] * 20, 1, 7, 0]
    sounds, sizes = [torch.full((length, 1), length) for length in lengths], []

    def decode(frames, lens):
        sizes.append(frames.shape[:2])
        assert all(int(row.sum()) == int(length) ** 2 for row, length in zip(frames, lens, strict=True))
        return [str(int(length)) for length in lens]

    assert by_length(decode, sounds) == [str(length) for length in lengths]
    assert (1, 900) in sizes and max(count for count, _ in sizes) <= TOGETHER
    assert by_length(decode, []) == []


def test_pieces_cover_a_sound_and_overlap():
    sound = torch.arange(50.0 * RATE)
    parts = pieces(sound, RATE)
    assert torch.equal(torch.cat([parts[0], *(part[int(2 * MARGIN * RATE) :] for part in parts[1:])]), sound)
    assert len(pieces(sound[: 20 * RATE], RATE)) == 1


@pytest.mark.parametrize("seconds", [1.3, 5.0, 60.0])
def test_no_piece_is_longer_than_what_the_net_is_used_to(seconds):
    sound, heard = torch.arange(100.0 * RATE), []

    def noted(clips):
        heard.extend(clips.lens.tolist())
        return hears(clips)

    (frames,) = encoded(noted, [sound], EVERY, RATE, seconds)
    assert torch.equal(frames[:, 0], sound[::EVERY])
    assert max(heard) <= seconds * RATE >= max(map(len, pieces(sound, RATE, seconds)))


@pytest.mark.parametrize("seconds, count", [(18.5, 1), (20, 1), (20.1, 2)])
def test_a_sound_of_the_length_that_the_net_is_used_to_is_one_piece(seconds, count):
    heard = []

    def noted(clips):
        heard.extend(clips.lens.tolist())
        return hears(clips)

    encoded(noted, [torch.zeros(round(seconds * RATE))], EVERY, RATE, 20.0)
    assert len(heard) == count


def spoken(*seconds, rate=1000, noise=0.0):
    """Tones of these seconds, silence of the negative ones."""
    parts = [torch.sin(torch.arange(round(abs(s) * rate)) * 0.7) * (s > 0) for s in seconds]
    sound = torch.cat(parts)
    return sound + noise * torch.randn(len(sound))


def syllables(seconds, decibels, rate=1000):
    """A tone that is 20 dB quieter for 0.1 s of each 0.3."""
    number = round(seconds * rate)
    dip = torch.arange(number) % (0.3 * rate) >= 0.2 * rate
    return spoken(seconds, rate=rate) * 10 ** ((decibels - 20 * dip) / 20)


def spans(found, rate=1000):
    """Seconds where each stretch begins and ends in the sound that it is a part of."""
    return [(part.storage_offset() / rate, (part.storage_offset() + len(part)) / rate) for part in found]


def kept(sound, found):
    """(S,), true where a sample is in a stretch."""
    inside = torch.zeros(len(sound), dtype=torch.bool)
    for part in found:
        inside[part.storage_offset() : part.storage_offset() + len(part)] = True
    return inside


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_long_sound_is_cut_at_its_pauses_and_keeps_their_edges(noise):
    sound = spoken(-0.5, 3, -0.4, 2, -0.1, 1, -2, 4, noise=noise)
    found = stretches(sound, 1000, longest=5)
    edges = [(0.35, 3.65), (3.75, 7.15), (8.85, 13.0)]
    assert sum(spans(found), ()) == pytest.approx(sum(edges, ()), abs=0.05)
    assert torch.equal(found[1], sound[found[1].storage_offset() :][: len(found[1])])


def test_a_short_pause_is_cut_once_and_nothing_of_it_is_lost():
    (_, first), (second, _) = spans(stretches(spoken(3, -0.28, 3), 1000, longest=5))
    assert first == second and 3.1 < first < 3.2


@pytest.mark.parametrize("quieter", [15, 28, 40])
@pytest.mark.parametrize("pause", [0.0, 0.4, 3.0])
def test_a_quiet_turn_between_two_loud_ones_is_kept(quieter, pause):
    turns = [syllables(10, 0), syllables(10, -quieter), syllables(10, 0)]
    silence = torch.zeros(round(1000 * pause))
    sound = torch.cat([turns[0], silence, turns[1], silence, turns[2]])
    sound += 10 ** (-65 / 20) * torch.randn(len(sound))
    found = stretches(sound, 1000, longest=12)
    said = torch.cat([torch.ones(10_000), silence, torch.ones(10_000), silence, torch.ones(10_000)]) > 0
    assert kept(sound, found)[said].all()
    assert len(found) == 3 or not pause
    assert kept(sound, found).float().mean() < 0.9 or pause < 1


def test_a_quiet_turn_as_the_first_and_the_last_is_kept():
    sound = torch.cat([syllables(4, -30), syllables(6, 0), syllables(4, -30)])
    assert kept(sound, stretches(sound, 1000, longest=5)).all()


def test_a_word_keeps_its_weak_consonants():
    hiss, rate = 10 ** (-30 / 20) * torch.randn(150), 1000
    word = torch.cat([hiss, torch.zeros(60), spoken(0.4), torch.zeros(60), hiss])  # s-i-x … th
    silence = torch.zeros(2 * rate)
    sound = torch.cat([silence, word, silence, word, silence]) + 10 ** (-55 / 20) * torch.randn(7640)
    edges = sum(spans(stretches(sound, rate, longest=5)), ())
    assert edges == pytest.approx((2 - 0.15, 2.82 + 0.15, 4.82 - 0.15, 5.64 + 0.15), abs=0.05)


@pytest.mark.parametrize("seed", range(40))
def test_all_that_rises_above_the_floor_is_in_some_stretch(seed):
    draw = torch.Generator().manual_seed(seed)
    floor, parts, heard = -55.0, [], []
    for _ in range(60):  # bursts of 0.08 to 0.5 s at any level, pauses of any length between them
        pause, burst = (torch.rand(2, generator=draw) ** 3 * torch.tensor([4000, 420])).int().tolist()
        level = floor + 15 + float(torch.rand(1, generator=draw)) * (-floor - 15)
        parts += [torch.zeros(pause + 1), spoken((burst + 80) / 1000) * 10 ** (level / 20)]
        heard += [torch.zeros(pause + 1), torch.ones(burst + 80)]
    sound = torch.cat(parts)
    sound += 10 ** (floor / 20) * torch.randn(len(sound), generator=draw)
    found = stretches(sound, 1000, longest=5)
    assert kept(sound, found)[torch.cat(heard) > 0].all()
    edges = sum(spans(found), ())
    assert len(found) > 3 and list(edges) == sorted(edges)


def test_a_pause_of_even_noise_is_no_stretch_of_its_own():
    sound = spoken(3, -6, 3, -9, noise=0.02)
    assert sum(spans(stretches(sound, 1000, longest=5)), ()) == pytest.approx(
        (0, 3.15, 8.85, 12.15), abs=0.05
    )


def test_a_sound_that_is_not_longer_is_left_as_it_is():
    sound = spoken(1, -1, 1)
    assert stretches(sound, 1000, longest=3) == [sound]


def test_of_digital_silence_there_is_nothing_and_of_noise_all():
    assert stretches(torch.zeros(9000), 1000, longest=3) == []
    noise = torch.randn(9000)
    (part,) = stretches(noise, 1000, longest=3)
    assert len(part) == 9000


def test_the_loudness_of_the_whole_changes_no_cut():
    sound = spoken(-0.5, 3, -0.4, 2, -2, 4)
    cuts = spans(stretches(sound, 1000, longest=5))
    assert all(spans(stretches(sound * factor, 1000, longest=5)) == cuts for factor in (1e-4, 1e4))
