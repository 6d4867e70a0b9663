import pytest

from crossmedia.metrics.sounds import EventAccuracy

TRUE = ("a loud high tone, then quiet noise", "soft static after a loud high beep")
INVERSE = "quiet noise follows a loud high tone"
SWAPPED = "quiet noise, then a loud high tone"
WRONG_PITCH = "a loud low tone, then quiet noise"
WRONG_LOUDNESS = "a loud high tone, then loud noise"
WRONG_KIND = "a loud high rising tone, then quiet noise"
ONE_ONLY = "quiet noise"
ONE_MORE = "a loud high tone, then quiet noise, then loud noise"
NONSENSE = "a loud high tone, then then"


def accuracy(*preds, part="events"):
    metric = EventAccuracy(part)
    metric.update(list(preds), [TRUE] * len(preds))
    return metric.compute().item()


def test_a_caption_is_right_if_it_means_what_the_references_mean():
    assert accuracy(*TRUE, INVERSE, part="scene") == 1
    wrong = (SWAPPED, WRONG_PITCH, WRONG_LOUDNESS, WRONG_KIND, ONE_ONLY, ONE_MORE, NONSENSE, "")
    assert accuracy(*wrong, part="scene") == 0
    assert accuracy(INVERSE, SWAPPED, NONSENSE, TRUE[0], part="scene") == 0.5


@pytest.mark.parametrize("pred", [WRONG_PITCH, WRONG_LOUDNESS, WRONG_KIND, ONE_ONLY])
def test_event_accuracy_counts_the_events_that_are_named_right_in_all(pred):
    assert accuracy(pred) == 0.5


def test_event_accuracy_asks_for_no_order_and_nothing_outside_the_grammar():
    assert accuracy(SWAPPED) == accuracy(ONE_MORE) == 1 and accuracy(NONSENSE, "") == 0


def test_an_event_named_twice_counts_once():
    assert accuracy("quiet noise, then soft noise") == 0.5


def test_another_word_is_another_event():
    metric = EventAccuracy()
    metric.update(
        ["someone saying red loudly"] * 2, [["a loud voice saying red"], ["a loud voice saying dog"]]
    )
    assert metric.compute().item() == 0.5


def test_events_weigh_alike_whatever_clip_they_are_in():
    metric = EventAccuracy()
    metric.update(["loud noise", ONE_ONLY], [["loud noise"], TRUE])
    assert metric.compute().item() == pytest.approx(2 / 3)


def test_a_single_caption_has_a_score_of_its_own():
    metric = EventAccuracy()
    assert metric.score(INVERSE, TRUE) == 1.0 and metric.score(ONE_ONLY, TRUE) == 0.5
    assert metric.total == 0


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="part words: must be one of events, scene"):
        EventAccuracy("words")


def test_a_reference_outside_the_grammar_is_named():
    with pytest.raises(ValueError, match="a dog on a lawn"):
        EventAccuracy().update([ONE_ONLY], [["a dog on a lawn"]])
