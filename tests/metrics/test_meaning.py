import pytest

from crossmedia.metrics.scenes import SceneAccuracy
from crossmedia.metrics.sounds import EventAccuracy

KINDS = [
    (
        SceneAccuracy,
        "a small red circle left of a large blue square",
        "a large blue square right of a small red circle",
    ),
    (EventAccuracy, "a loud high tone, then quiet noise", "quiet noise follows a loud high tone"),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind[0].__name__)
def kind(request):
    return request.param


def test_batches_and_ranks_add_up_to_one_pass(kind):
    accuracy, true, same = kind
    first, second = accuracy("scene"), accuracy("scene")
    first.update([same, "nonsense", ""], [[true]] * 3)
    second.update([true], [[true]])
    first.merge_state(second)
    assert first.compute().item() == 0.5
    first.reset()
    assert first.total == 0


def test_config_builds_an_equal_metric(kind):
    accuracy, *_ = kind
    for metric in accuracy.parts().values():
        config = metric.config()
        module, _, name = config.pop("_target_").rpartition(".")
        assert (module, name) == (accuracy.__module__, accuracy.__name__)
        assert accuracy(**config).config() == metric.config()


def test_the_first_part_is_the_default(kind):
    accuracy, *_ = kind
    assert accuracy().part == next(iter(accuracy.parts().values())).part
