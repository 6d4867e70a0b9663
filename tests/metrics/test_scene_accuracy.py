import pytest

from crossmedia.metrics.scenes import SceneAccuracy

TRUE = ("a small red circle left of a large blue square", "a big blue square is right of a small red disc")
INVERSE = "right of a small red circle there is a large blue square"
SWAPPED = "a large blue square left of a small red circle"
WRONG_SHAPE = "a small red circle left of a large blue circle"
ONE_ONLY = "a small red circle"
NONSENSE = "a small red circle left of left of"


def accuracy(*preds, part="scene"):
    metric = SceneAccuracy(part)
    metric.update(list(preds), [TRUE] * len(preds))
    return metric.compute().item()


def test_a_caption_is_right_if_it_means_what_the_references_mean():
    assert accuracy(*TRUE, INVERSE) == 1
    assert accuracy(SWAPPED, WRONG_SHAPE, ONE_ONLY, NONSENSE, "") == 0
    assert accuracy(INVERSE, SWAPPED, NONSENSE, TRUE[0]) == 0.5


def test_object_accuracy_counts_the_objects_that_are_named_right():
    assert accuracy(SWAPPED, part="objects") == 1
    assert accuracy(WRONG_SHAPE, part="objects") == accuracy(ONE_ONLY, part="objects") == 0.5
    assert accuracy(NONSENSE, part="objects") == 0


def test_an_object_named_twice_counts_once():
    assert accuracy("a small red circle left of a small red circle", part="objects") == 0.5


def test_relation_accuracy_counts_the_relations_that_are_stated_right():
    assert accuracy(INVERSE, part="relations") == 1
    assert accuracy(SWAPPED, part="relations") == accuracy(ONE_ONLY, part="relations") == 0


def test_three_relations_of_three_objects_count_each():
    true = "a small red circle left of a large blue square, both above a medium pink star"
    pred = "a large blue square left of a small red circle, both above a medium pink star"
    metric = SceneAccuracy("relations")
    metric.update([pred], [[true]])
    assert metric.compute().item() == pytest.approx(2 / 3)


def test_scenes_without_relations_leave_relation_accuracy_at_zero():
    metric = SceneAccuracy("relations")
    metric.update([ONE_ONLY], [[ONE_ONLY]])
    assert metric.compute().item() == 0 == metric.score(ONE_ONLY, [ONE_ONLY])


def test_a_single_caption_has_a_score_of_its_own():
    metric = SceneAccuracy()
    assert metric.score(INVERSE, TRUE) == 1.0 and metric.score(SWAPPED, TRUE) == 0.0
    assert metric.total == 0


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="part words: must be one of scene, objects, relations"):
        SceneAccuracy("words")


def test_a_reference_outside_the_grammar_is_named():
    with pytest.raises(ValueError, match="a dog on a lawn"):
        SceneAccuracy().update([ONE_ONLY], [["a dog on a lawn"]])
