import pytest
import torch

from crossmedia.data.sources import scenes
from crossmedia.data.sources.scenes import Scenes
from crossmedia.errors import DataError
from crossmedia.images.scenes import COLOURS, RADII, SHAPES
from crossmedia.text.grammar import CAPTIONS, scene_of


def same(first, second):
    tensors = [(first.image, second.image), (first.objects, second.objects)]
    plain = [sample._replace(image=None, objects=None) for sample in (first, second)]
    return all(torch.equal(*pair) for pair in tensors) and plain[0] == plain[1]


def test_a_sample_has_a_picture_and_five_captions():
    sample = Scenes(image_size=48).split("val")[3]
    assert sample.id == "val-3" and sample.label is None
    assert (
        sample.image is not None and sample.image.shape == (3, 48, 48) and sample.image.dtype == torch.uint8
    )
    assert len(set(sample.captions)) == CAPTIONS


def test_a_sample_is_the_same_alone_or_among_others_in_any_order():
    split = Scenes(image_size=32, max_objects=3).split("train")
    many = dict(zip([7, 3, 900, 3], split.__getitems__([7, 3, 900, 3]), strict=True))
    assert all(same(split[index], sample) for index, sample in many.items())


def test_a_longer_split_begins_with_the_shorter_one():
    short, long = (Scenes(image_size=32, num_train=count).split("train") for count in (20, 2_000))
    assert all(map(same, short, long.__getitems__(range(20))))
    assert long.texts()[: len(short.texts())] == short.texts()


def test_splits_have_the_lengths_asked_for():
    source = Scenes(num_train=7, num_val=5, num_test=3)
    assert {name: len(source.split(name)) for name in source.splits} == {
        "train": 7, "val": 5, "test": 3, "test_composition": 3
    }  # fmt: skip


def test_seeds_and_splits_make_other_scenes():
    sources = [Scenes(num_train=50, num_val=50, num_test=50, seed=seed) for seed in (0, 1)]
    texts = [source.split(name).texts() for source in sources for name in source.splits]
    assert len(set(map(tuple, texts))) == 8


def test_texts_are_the_captions_of_the_samples_and_need_no_picture(monkeypatch):
    split = Scenes(image_size=32, num_val=50).split("val")
    captions = [caption for sample in split for caption in sample.captions]
    monkeypatch.setattr(scenes, "draw", None)
    assert split.texts() == captions


def test_all_captions_of_a_sample_mean_the_same():
    for sample in Scenes(image_size=32, max_objects=3).split("test_composition").__getitems__(range(100)):
        assert None is not scene_of(sample.captions[0]) and len(set(map(scene_of, sample.captions))) == 1


def test_the_border_of_every_picture_is_ground():
    images = torch.stack([s.image for s in Scenes(32, max_objects=3).split("train").__getitems__(range(300))])
    ground = images[:, :, :1, :1]
    assert (images[:, :, [0, -1]] == ground).all() and (images[..., [0, -1]] == ground).all()


def test_single_objects_are_labelled_by_shape():
    source = Scenes(image_size=32, max_objects=1)
    assert source.classes == SHAPES and "label" in source.fields
    for sample in source.split("test").__getitems__(range(50)):
        meaning = scene_of(sample.captions[0])
        assert meaning is not None and meaning.things[0].shape == SHAPES[sample.label]


def test_scenes_of_several_objects_have_no_label():
    source = Scenes(min_objects=2)
    assert source.classes == () and source.fields == {"image", "captions", "objects"}


def test_no_indices_give_no_samples():
    assert Scenes(image_size=32).split("train").__getitems__([]) == []


def test_indices_past_the_end_are_refused():
    split = Scenes(image_size=32, num_val=4).split("val")
    assert same(split[-1], split[3]) and len(list(split)) == 4
    with pytest.raises(IndexError):
        split[4]


def test_an_unknown_split_names_those_that_are():
    with pytest.raises(DataError, match="no split dev. The splits are train, val, test, test_composition"):
        Scenes().split("dev")


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("image_size", 8, "at least 16"),
        ("num_train", 0, "at least 1"),
        ("min_objects", 0, "between 1 and 3"),
        ("max_objects", 4, "between 1 and 3"),
        ("seed", -1, "between 0 and 4294967295"),
    ],
)
def test_a_bad_argument_is_named_with_what_is_allowed(name, value, allowed):
    with pytest.raises(ValueError, match=f"^{name} {value}: must be {allowed}$"):
        Scenes(**{name: value})


def test_more_objects_at_least_than_at_most_are_refused():
    with pytest.raises(ValueError, match="max_objects 2: must be at least min_objects, 3"):
        Scenes(min_objects=3, max_objects=2)


def test_the_fingerprint_tells_other_data_apart():
    others = [{}, {"image_size": 32}, {"num_test": 10}, {"min_objects": 2}, {"max_objects": 3}, {"seed": 1}]
    assert len({Scenes(**other).fingerprint() for other in others}) == len(others)
    assert Scenes().fingerprint() == Scenes(seed=0).fingerprint()


def test_the_world_is_the_same_on_every_machine():
    assert Scenes().fingerprint()[:16] == "562abdcf0d4ccae6"


def test_objects_are_those_that_the_captions_name_and_the_rest_is_minus_one():
    for sample in Scenes(image_size=32, max_objects=3).split("train").__getitems__(range(20)):
        kinds = [(s, c, z) for s, c, z, *_ in sample.objects.tolist() if s >= 0]
        said = {
            (SHAPES.index(thing.shape), list(COLOURS).index(thing.colour), list(RADII).index(thing.size))
            for thing in scene_of(sample.captions[0]).things
        }
        assert {*kinds} == said and len(kinds) == len(said)
        assert (sample.objects[len(kinds) :] == -1).all()


def test_without_held_out_pairs_all_are_in_every_split_and_there_is_no_composition():
    source = Scenes(image_size=32, held_out=False, num_train=3000)
    assert source.splits == ("train", "val", "test")
    layout, _ = source.split("train").layout(range(3000))
    pairs = {*zip(layout.shapes[:, 0].tolist(), layout.colours[:, 0].tolist(), strict=True)}
    assert len(pairs) == 64
    kept, _ = Scenes(image_size=32, num_train=3000).split("train").layout(range(3000))
    assert len({*zip(kept.shapes[:, 0].tolist(), kept.colours[:, 0].tolist(), strict=True)}) == 56
    assert source.fingerprint() != Scenes(image_size=32, num_train=3000).fingerprint()
