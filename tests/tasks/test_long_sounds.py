"""Pieces of a long sound: every frame once, heard in its surroundings."""

import pytest
import torch

from crossmedia.tasks.long_sounds import HEARD, MARGIN, encoded, pieces, stretches

RATE, EVERY = 100, 10


def hears(clips):
    """A frame is the sample where it begins."""
    return clips.waveforms[:, ::EVERY, None], -(-clips.lens // EVERY)


@pytest.mark.parametrize("seconds", [0.5, 16, 19.9, 20, 20.1, 35.95, 36.0, 36.1, 100.3])
def test_every_frame_of_a_sound_is_there_once_and_in_order(seconds):
    sound = torch.arange(round(seconds * RATE), dtype=torch.float32)
    frames, lens = encoded(hears, [sound[:30], sound], EVERY, RATE)
    assert torch.equal(frames[1, : lens[1], 0], sound[::EVERY])
    assert torch.equal(frames[0, : lens[0], 0], sound[:30:EVERY])


def test_a_frame_is_taken_where_both_its_sides_are_heard():
    heard = []

    def noted(clips):
        heard.extend(waveform[: int(n)] for waveform, n in zip(clips.waveforms, clips.lens, strict=True))
        return hears(clips)

    encoded(noted, [torch.arange(100.0 * RATE)], EVERY, RATE)
    for before, after in zip(heard, heard[1:], strict=False):
        assert before[-1] - after[0] == pytest.approx(2 * MARGIN * RATE, abs=1)
    assert max(map(len, heard)) <= HEARD * RATE


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

    frames, lens = encoded(noted, [sound], EVERY, RATE, seconds)
    assert torch.equal(frames[0, : lens[0], 0], sound[::EVERY])
    assert max(heard) <= seconds * RATE >= max(map(len, pieces(sound, RATE, seconds)))


def spoken(*seconds, rate=1000, noise=0.0):
    """Tones of these seconds, silence of the negative ones."""
    parts = [torch.sin(torch.arange(round(abs(s) * rate)) * 0.7) * (s > 0) for s in seconds]
    sound = torch.cat(parts)
    return sound + noise * torch.randn(len(sound))


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_long_sound_is_cut_at_its_pauses(noise):
    sound = spoken(-0.5, 3, -0.4, 2, -0.1, 1, -2, 4, noise=noise)
    found = stretches(sound, 1000, longest=5)
    assert [len(part) / 1000 for part in found] == pytest.approx([3.0, 3.1, 4.0], abs=0.03)
    assert torch.equal(found[1], sound[3900 : 3900 + len(found[1])])


def test_a_sound_that_is_not_longer_is_left_as_it_is():
    sound = spoken(1, -1, 1)
    assert stretches(sound, 1000, longest=3) == [sound]


def test_of_digital_silence_there_is_nothing_and_of_noise_all():
    assert stretches(torch.zeros(9000), 1000, longest=3) == []
    noise = torch.randn(9000)
    (part,) = stretches(noise, 1000, longest=3)
    assert len(part) == 9000
