import pytest
import torch
from made import Pictures

from crossmedia.data.module import DataModule
from crossmedia.data.views import CaptionView, LabelView
from crossmedia.errors import ConfigError, DataError
from crossmedia.images.augment import Augment
from crossmedia.images.transforms import ImageTransform
from crossmedia.text.tokenizer import WordTokenizer


def made(view=None, **changes):
    given = {"batch_size": 4, "image": ImageTransform(8, 1), **changes}
    source = given.pop("source", None) or Pictures()
    module = DataModule(source, view or LabelView(), **given)
    return module


def test_workers_change_no_batch():
    batches = []
    for workers in (0, 2):
        module = made(LabelView(Augment(shift=0.2, rotate=20)), num_workers=workers)
        module.learn()
        batches.append(list(module.loader("train", train=True)))
    for one, two in zip(*batches, strict=True):
        assert one.ids == two.ids
        assert torch.equal(one.inputs, two.inputs)


def test_augmentation_is_another_one_in_another_epoch():
    module = made(LabelView(Augment(shift=0.3)))
    module.learn()
    loader = module.loader("train", train=True)
    first = {name: image for batch in loader for name, image in zip(batch.ids, batch.inputs, strict=True)}
    loader.batch_sampler.set_epoch(1)
    second = {name: image for batch in loader for name, image in zip(batch.ids, batch.inputs, strict=True)}
    assert not torch.equal(first["train/1"], second["train/1"])


def test_evaluation_is_never_augmented():
    module = made(LabelView(Augment(shift=0.5)))
    module.learn()
    batch = next(iter(module.loader("val")))
    expected = module.image.normalise(
        torch.stack([module.split("val")[i].image for i in range(len(batch.ids))])
    )
    assert torch.equal(batch.inputs, expected)


def test_the_cache_changes_no_batch():
    plain, cached = made(), made(cache=True)
    for module in (plain, cached):
        module.learn()
    loaders = [module.loader("train", train=True) for module in (plain, cached)]
    for _ in range(2):
        for one, two in zip(*loaders, strict=True):
            assert torch.equal(one.inputs, two.inputs)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_member_stops_with_its_name_also_from_a_worker(workers):
    module = made(source=Pictures(bad=3), num_workers=workers)
    module.learn()
    faults = [batch for batch in module.loader("train", train=True) if isinstance(batch, DataError)]
    assert [fault.lines for fault in faults] == [["train/3.png: cut short after 3 bytes"]]


def test_skip_leaves_broken_members_out_and_lists_them():
    module = made(source=Pictures(bad=3, faults=("x.png: missing",)), on_error="skip")
    module.learn()
    assert len(module.split("train")) == 23
    assert module.skipped == ["x.png: missing", "train/3.png: cut short after 3 bytes"]
    assert "train/3" not in {name for batch in module.loader("train", train=True) for name in batch.ids}


def test_stop_raises_every_fault_of_the_list_at_once():
    with pytest.raises(DataError) as caught:
        made(source=Pictures(faults=("a: missing", "b: empty"))).learn()
    assert caught.value.lines == ["a: missing", "b: empty"]


def test_a_view_that_needs_more_than_the_source_has_says_so():
    source = Pictures()
    source.fields = frozenset({"image"})
    with pytest.raises(ConfigError, match="LabelView needs label, which Pictures does not have"):
        made(source=source)


def test_several_captions_of_a_picture_come_as_one_more_dimension():
    module = made(CaptionView(captions_per_image=3), tokenizer=WordTokenizer())
    module.learn()
    batch = next(iter(module.loader("train", train=True)))
    assert batch.tokens.shape[:2] == batch.lens.shape == (4, 3)
    texts = [module.meta.tokenizer.decode(row) for row in batch.tokens[0].tolist()]
    assert len(set(texts)) == 2 and texts[0] == texts[2]


def test_meta_holds_what_the_view_needs_only():
    labels, captions = made(), made(CaptionView(), tokenizer=WordTokenizer())
    assert labels.learn().classes == ("dark", "light") and labels.meta.tokenizer is None
    assert captions.learn().classes == () and captions.meta.tokenizer.vocab_size > 4


def test_a_number_of_classes_that_the_data_denies_is_refused():
    with pytest.raises(ConfigError, match="data.num_classes=3: the data has 2"):
        made(num_classes=3).learn()
