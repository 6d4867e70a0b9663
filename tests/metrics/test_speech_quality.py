"""The scores of made speech beside real speech, and of attentions."""

import math

import pytest
import torch
from sounds import tone

from crossmedia.metrics.cepstra import mel_cepstral_distortion
from crossmedia.metrics.ratios import Ratio
from crossmedia.metrics.speech import SCORES, SpeechQuality, diagonality

RATE = 16_000


def voice(hertz, seconds=0.3):
    """With more than one harmonic, then a pause of half its length."""
    parts = [torch.from_numpy(tone(hertz * k, seconds, peak=0.3 / k)) for k in range(1, 5)]
    return torch.cat([torch.stack(parts).sum(0), torch.zeros(round(seconds * RATE / 2))])


def scored(made, real):
    quality = SpeechQuality(RATE)
    quality.update(made, real)
    return {name: metric.compute().item() for name, metric in quality.scores().items()}


def test_the_same_sound_has_no_error():
    assert scored([voice(150)], [voice(150)]) == dict.fromkeys(SCORES, 0)


def test_a_higher_voice_is_wrong_by_its_cents():
    made, real = voice(150 * 2 ** (1 / 12)), voice(150)
    found = scored([made], [real])
    assert found["f0_error"] == pytest.approx(100, abs=5)
    assert found["voicing_error"] < 0.1
    assert found["mcd"] == pytest.approx(mel_cepstral_distortion(made, real, RATE))


def test_a_whisper_is_unvoiced_where_the_voice_is_not():
    found = scored([0.05 * torch.randn(7_200)], [voice(150)])
    assert found["voicing_error"] > 0.4 and found["f0_error"] == 0


def test_seconds_too_many_and_too_few_do_not_cancel():
    real = torch.from_numpy(tone(seconds=0.5))
    found = scored([torch.cat([real, real[:4_000]]), real[:6_000]], [real, real])
    assert found["length_error"] == pytest.approx((4_000 + 2_000) / 16_000)


@pytest.mark.parametrize("made", [torch.zeros(0), torch.zeros(1), torch.zeros(513), torch.zeros(9_000)])
def test_nothing_and_silence_have_numbers(made):
    found = scored([made], [voice(150)])
    assert all(map(math.isfinite, found.values()))
    assert found["mcd"] > 1 and found["f0_error"] == 0
    assert all(map(math.isfinite, scored([made], [made]).values()))


def test_batches_and_clips_in_them_make_no_difference():
    made, real = [voice(150), voice(210, 0.2), voice(100)], [voice(160), voice(180), voice(110, 0.2)]
    quality = SpeechQuality(RATE)
    quality.update(made[:1], real[:1])
    quality.update([], [])
    quality.update(made[1:], real[1:])
    parts = {name: metric.compute().item() for name, metric in quality.scores().items()}
    assert parts == pytest.approx(scored(made, real))
    each = [mel_cepstral_distortion(*pair, RATE) for pair in zip(made, real, strict=True)]
    assert parts["mcd"] == pytest.approx(sum(each) / 3)


def test_a_ratio_is_of_sums_and_has_a_value_of_nothing():
    ratio, root = Ratio(), Ratio(root=True)
    for metric in (ratio, root):
        metric.update([])
        assert metric.compute() == 0
        metric.update([(4, 1), (0, 3)])
        metric.update([(12, 0)])
    assert ratio.compute() == 4 and root.compute() == 2


def test_attention_along_the_diagonal_is_diagonal_and_even_attention_is_not():
    steps, tokens = torch.tensor([500]), torch.tensor([100])
    straight = torch.eye(100).repeat_interleave(5, 0)[None]  # (1, 500, 100)
    assert diagonality(straight, steps, tokens).tolist() == [1]
    assert diagonality(straight.flip(2), steps, tokens).item() == pytest.approx(0.2, abs=0.01)
    assert diagonality(torch.full((1, 500, 100), 0.01), steps, tokens).item() == pytest.approx(0.36, abs=0.01)


def test_a_band_by_hand():
    """Places ¼ and ¾ of two frames, 1/8, 3/8, 5/8, 7/8 of four tokens: within 0.2 are the nearest two."""
    attention = torch.tensor([[[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]]])
    assert diagonality(attention, torch.tensor([2]), torch.tensor([4])).item() == pytest.approx(0.3)


def test_padding_of_an_attention_does_not_count():
    attention = torch.rand(1, 6, 4).softmax(-1)
    batch = torch.full((2, 9, 7), 0.3)
    batch[1, :6, :4] = attention[0]
    found = diagonality(batch, torch.tensor([9, 6]), torch.tensor([7, 4]))
    assert found[1] == pytest.approx(diagonality(attention, torch.tensor([6]), torch.tensor([4])).item())
    assert diagonality(batch, torch.tensor([0, 6]), torch.tensor([0, 4]))[0] == 0
