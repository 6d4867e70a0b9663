"""Pieces of a long sound: every frame once, heard in its surroundings."""

import pytest
import torch

from crossmedia.tasks.long_sounds import MARGIN, WINDOW, encoded, pieces

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
    assert max(map(len, heard)) <= (WINDOW + 2 * MARGIN) * RATE


def test_pieces_cover_a_sound_and_overlap():
    sound = torch.arange(50.0 * RATE)
    parts = pieces(sound, RATE)
    assert torch.equal(torch.cat([parts[0], *(part[int(2 * MARGIN * RATE) :] for part in parts[1:])]), sound)
    assert len(pieces(sound[: 20 * RATE], RATE)) == 1
