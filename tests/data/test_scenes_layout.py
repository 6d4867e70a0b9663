import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from crossmedia.data.sources.scenes_layout import CLEAR, HELD_OUT, KINDS, SHARES, layouts, meaning, share
from crossmedia.images.scenes import COLOURS, RADII, SHAPES, UNIT
from crossmedia.text.grammar import SIZE_WORDS, paraphrases

ALL = list(SHARES)


def scenes(split="train", count=1000, least=1, most=3, seed=0, start=0):
    return layouts(seed, split, range(start, start + count), least, most)[0]


def kinds(layout):
    return (layout.shapes * len(COLOURS) + layout.colours) * len(RADII) + layout.sizes


def live(layout):
    """(B, N): the objects that the scenes have."""
    return np.arange(layout.shapes.shape[1]) < layout.counts[:, None]


def contents(layout):
    """Each scene as the set of its objects and their places."""
    rows = np.concatenate((kinds(layout)[..., None], layout.places), -1).tolist()
    return [frozenset(map(tuple, row[:n])) for row, n in zip(rows, layout.counts.tolist(), strict=True)]


def pairs(layout, held_out=HELD_OUT):
    """(B,) whether a scene has a held-out pair of shape and colour."""
    return (held_out[kinds(layout)] & live(layout)).any(1)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_scene_is_in_two_splits(most):
    count = 5_000 if most == 1 else 1_000
    found = [set(contents(scenes(split, count, most=most, seed=seed))) for split in ALL for seed in (0, 1)]
    by_split = [found[2 * k] | found[2 * k + 1] for k in range(len(ALL))]
    assert sum(map(len, by_split)) == len(set.union(*by_split))


def test_without_the_shares_scenes_would_meet():
    other = set(contents(scenes("train", 5_000, most=1, seed=1)))
    assert len(other & set(contents(scenes("train", 5_000, most=1)))) > 2


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_split_holds_only_scenes_of_its_own_shares(split):
    layout = scenes(split)
    assert set(share(layout.places, kinds(layout), layout.counts).tolist()) == set(SHARES[split])


def test_the_share_does_not_depend_on_the_order_of_the_objects():
    layout = scenes(least=3)
    turned = share(layout.places[:, ::-1], kinds(layout)[:, ::-1], layout.counts)
    assert np.array_equal(turned, share(layout.places, kinds(layout), layout.counts))


def test_shares_of_splits_with_the_same_pairs_do_not_overlap():
    assert sorted(SHARES["train"] + SHARES["val"] + SHARES["test"]) == [0, 1, 2, 3]


@pytest.mark.parametrize("most", [1, 3])
def test_every_scene_of_test_composition_has_a_held_out_pair_and_no_other_split_has_one(most):
    assert pairs(scenes("test_composition", most=most)).all()
    assert not any(pairs(scenes(split, most=most)).any() for split in ("train", "val", "test"))


def test_one_pair_of_each_shape_and_each_colour_is_held_out():
    held_out = {(shape, colour) for shape, colour, _ in KINDS[HELD_OUT].tolist()}
    assert (
        len(held_out) == len({shape for shape, _ in held_out}) == len({colour for _, colour in held_out}) == 8
    )


def test_all_kinds_that_are_not_held_out_occur_equally_often_in_training():
    layout = scenes(count=20_000)
    counts = np.bincount(kinds(layout)[live(layout)], minlength=len(KINDS))
    expected = counts.sum() / (~HELD_OUT).sum()
    assert np.abs(counts[~HELD_OUT] - expected).max() < 5 * expected**0.5 and not counts[HELD_OUT].any()


@pytest.mark.parametrize("split", ALL)
def test_objects_keep_off_the_border_and_off_each_other(split):
    layout = scenes(split, least=3)
    radii = np.array(list(RADII.values()))[layout.sizes]  # (B, N)
    assert (layout.places - radii[..., None]).min() > 0 and (layout.places + radii[..., None]).max() < UNIT
    for first, second in ((0, 1), (0, 2), (1, 2)):
        away = np.abs(layout.places[:, first] - layout.places[:, second]).max(1)
        assert (away > radii[:, first] + radii[:, second]).all()


def test_every_relation_holds_clearly_along_one_axis():
    layout = scenes(least=3)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        away = np.sort(np.abs(layout.places[:, first] - layout.places[:, second]), axis=1)
        assert (CLEAR[1] * away[:, 1] >= CLEAR[0] * away[:, 0]).all()


def test_the_objects_of_a_scene_differ():
    layout = scenes(least=3, count=5000)
    assert (np.diff(np.sort(kinds(layout), axis=1), axis=1) > 0).all()


def test_the_meaning_says_where_objects_are():
    layout = scenes(least=2, most=2)
    for row in range(200):
        ((left, side, right),) = meaning(layout, row).relations
        found = KINDS[kinds(layout)[row, :2]]
        names = [(tuple(RADII)[z], tuple(COLOURS)[c], SHAPES[s]) for s, c, z in found]
        first, second = (layout.places[row, names.index(tuple(thing))] for thing in (left, right))
        assert second[0 if side == "left" else 1] - first[0 if side == "left" else 1] >= 2 * RADII["large"]


def test_counts_are_drawn_between_least_and_most():
    counts = np.bincount(scenes(count=6000).counts, minlength=4)
    assert counts[0] == 0 and np.abs(counts[1:] - 2000).max() < 5 * 2000**0.5


def chance(cue, answer):
    """A linear probe's accuracy on unseen scenes, in standard errors above the commonest answer's."""
    cut = len(answer) // 2
    cue = (cue - cue.mean(0)) / cue.std(0)
    probe = LogisticRegression().fit(cue[:cut], answer[:cut])
    share = np.bincount(answer[cut:]).max() / cut
    return (probe.score(cue[cut:], answer[cut:]) - share) / (share * (1 - share) / cut) ** 0.5


def cues(layout):
    """What must not tell anything: the ground, the places and how far the objects are apart."""
    places = layout.places[:, :2].reshape(len(layout.counts), -1)
    away = np.abs(layout.places[:, 0] - layout.places[:, 1])
    return np.column_stack((layout.shades, places, places**2, away, away.max(1))).astype(float)


@pytest.mark.parametrize("answer", ["shapes", "colours", "sizes"])
def test_ground_and_places_tell_nothing_of_an_object(answer):
    layout = scenes(count=6000, least=2, most=2)
    assert chance(cues(layout), getattr(layout, answer)[:, 0]) < 3


def test_the_ground_tells_nothing_of_count_or_relation():
    layout = scenes(count=6000)
    assert chance(layout.shades[:, None], layout.counts) < 3
    across, down = (layout.places[:, 0] - layout.places[:, 1]).T
    assert chance(layout.shades[:, None], (np.abs(across) > np.abs(down)).astype(int)) < 3


def test_the_first_object_of_a_caption_tells_nothing_of_size_or_of_the_second():
    layout, words = layouts(0, "train", range(3000), 2, 2)
    names = {word: size for size, options in enumerate(SIZE_WORDS.values()) for word in options}
    sizes = [
        [names[word] for word in paraphrases(meaning(layout, row), words[row])[0].split() if word in names]
        for row in range(len(words))
    ]
    first, second = np.array(sizes).T
    one_hot = np.eye(3)
    assert abs(chance(one_hot[first], second)) < 3
    assert np.abs(np.bincount(first) - 1000).max() < 4 * 667**0.5


def test_the_probe_finds_a_cue_that_is_there():
    layout = scenes(count=2000, least=2, most=2)
    side = (layout.places[:, 0, 0] < layout.places[:, 1, 0]).astype(int)
    assert chance(cues(layout), side) > 20
