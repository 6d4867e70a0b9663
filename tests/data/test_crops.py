import pytest
import torch

from crossmedia.data.batches import Meta, Sample
from crossmedia.data.crops import CropView
from crossmedia.data.order import generator


def sample(length, name="a"):
    return Sample(name, waveform=torch.arange(1.0, length + 1), sample_rate=16_000, transcript="red")


def crops(length, samples, number=200):
    """Crops of one clip, whose samples are numbered from 1, from many draws."""
    draws = [generator(place) for place in range(number)]
    return CropView(samples)([sample(length)] * number, draws, Meta())


def test_training_sees_a_crop_of_each_clip():
    batch = crops(1_000, 80)
    assert batch.inputs.waveforms.shape == (200, 80) and batch.inputs.lens.tolist() == [80] * 200
    for crop in batch.inputs.waveforms:
        own = crop[crop > 0]
        assert len(own) >= 70 and torch.equal(own, torch.arange(own[0].item(), own[0].item() + len(own)))


def test_crops_reach_over_both_ends_by_an_eighth_at_most_and_are_spread_evenly():
    batch = crops(100, 80)
    first, last = batch.inputs.waveforms[:, 0], batch.inputs.waveforms[:, -1]
    assert first.max() == 31 and last.max() == 100
    assert {int((crop == 0).sum()) for crop in batch.inputs.waveforms} == {*range(11)}


def test_a_short_clip_lies_somewhere_in_its_crop():
    batch = crops(20, 80)
    found = [crop.nonzero().flatten() for crop in batch.inputs.waveforms]
    assert all(10 <= len(places) <= 20 for places in found)
    assert min(places[0] for places in found) == 0 and max(places[-1] for places in found) == 79


def test_a_draw_always_gives_the_same_crop():
    one, two = (crops(1_000, 80, 5).inputs.waveforms for _ in range(2))
    assert torch.equal(one, two) and len({int(crop.max()) for crop in one}) > 1


def test_scoring_sees_whole_clips_and_what_is_said():
    batch = CropView(80)([sample(1_000, "x"), sample(20, "y")._replace(transcript=None)], None, Meta())
    assert batch.inputs.waveforms.shape == (2, 1_000) and batch.inputs.lens.tolist() == [1_000, 20]
    assert batch.ids == ["x", "y"] and batch.references == ["red", None] and batch.valid.all()


def test_a_crop_without_samples_is_refused():
    with pytest.raises(ValueError, match="^samples 0: must be at least 1$"):
        CropView(0)
