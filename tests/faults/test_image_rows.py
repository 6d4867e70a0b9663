"""Every bad picture is one line that names its file, from each source of files and from `generate`."""

import json
import sys
import tracemalloc

import pytest
import torch
from made import TINY
from picture_rows import BROKEN, ROWS, SOURCES, image_folder, packed
from PIL import Image, ImageFile

from crossmedia import cli, run
from crossmedia.data.batches import Meta
from crossmedia.data.module import DataModule
from crossmedia.errors import DataError
from crossmedia.images.read import read_image
from crossmedia.images.transforms import ImageTransform
from crossmedia.tasks.base import Task
from crossmedia.terminal import explained
from crossmedia.text.tokenizer import WordTokenizer

BOMBS = [row for row in BROKEN if row.name in ("169 MP", "400 MP", "long text")]


def module(source, view, **changes):
    given = {"batch_size": 1, "eval_batch_size": 1, **changes}
    return DataModule(source, view(), ImageTransform(8), WordTokenizer(), **given)


def batches(data):
    return [batch for name in data.source.splits for batch in data.loader(name)]


def tell_each_row_once(lines, where):
    for part, row in where.items():
        found = [line for line in lines if part in line]
        assert len(found) == 1 and row.said in found[0], (row.name, found)
    assert len(lines) == len(where)
    assert all(len(line) <= 240 and "\n" not in line for line in lines)


@pytest.mark.parametrize("name", SOURCES)
def test_each_bad_picture_is_told_once_by_the_list_or_by_a_worker(tmp_path, name):
    build, view = SOURCES[name]
    source, where = build(tmp_path, BROKEN)
    listed = list(source.faults)
    source.faults.clear()  # as if they were mended, to come to the others
    data = module(source, view, num_workers=2)
    data.learn()
    decoded = [line for batch in batches(data) if isinstance(batch, DataError) for line in batch.lines]
    tell_each_row_once(listed + decoded, where)


@pytest.mark.parametrize("name", SOURCES)
def test_skip_leaves_out_the_bad_pictures_and_nothing_else(tmp_path, name):
    build, view = SOURCES[name]
    clean, _ = build(tmp_path / "clean", [])
    source, where = build(tmp_path / "mixed", ROWS)
    bad = {part: row for part, row in where.items() if row.said}
    data = module(source, view, on_error="skip")
    data.learn()
    tell_each_row_once(data.skipped, bad)
    expected = sum(len(clean.split(split)) for split in clean.splits) + len(where) - len(bad)
    assert sum(len(batch.ids) for batch in batches(data)) == expected


@pytest.mark.parametrize("row", [row for row in ROWS if not row.said], ids=lambda row: row.name)
def test_an_unusual_picture_is_seen_as_a_person_sees_it(tmp_path, row):
    path = tmp_path / "a.png"
    row.make(path)
    seen = ImageTransform(8).read(path)
    assert seen.shape == (3, 8, 8)
    if row.colour:
        assert (seen[:, 4, 4].int() - torch.tensor(row.colour)).abs().max() <= 2


def test_a_flipped_byte_of_a_jpeg_never_crashes(tmp_path):
    data = bytearray(packed(Image.new("RGB", (16, 16), "red"), "JPEG"))
    path = tmp_path / "a.jpg"
    told = 0
    for place in range(0, len(data), 5):
        data[place] ^= 0xFF
        path.write_bytes(data)
        data[place] ^= 0xFF
        try:
            assert read_image(path).dtype == torch.uint8
        except DataError as error:
            told += len(error.lines)
    assert 0 < told < len(data)


@pytest.mark.parametrize("row", BOMBS, ids=lambda row: row.name)
def test_a_bomb_is_refused_without_unpacking_it(tmp_path, row, monkeypatch):
    row.make(tmp_path / "a.png")
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("unpacked"))
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            read_image(tmp_path / "a.png")
        assert tracemalloc.get_traced_memory()[1] < 16e6
    finally:
        tracemalloc.stop()


def test_a_picture_that_goes_after_it_was_listed_is_told(tmp_path):
    source, _ = image_folder(tmp_path, [])
    gone = tmp_path / "train/ant/good.png"
    gone.unlink()
    data = module(source, SOURCES["image_folder"][1], num_workers=1)
    data.learn()
    (fault,) = [batch for batch in batches(data) if isinstance(batch, DataError)]
    assert fault.lines == [f"{gone}: no such file. Mend the path, or data.on_error=skip"]


class Brightness(Task):
    """Says how bright a picture is."""

    def generate(self, *, image):
        return [f"{value:.2f}" for value in self.read(image).mean((1, 2, 3)).tolist()]


@pytest.fixture
def generate(monkeypatch, capsys, tmp_path):
    """`crossmedia generate RUN --image …` of a model that is there at once: exit code and lines."""
    task = Brightness(torch.nn.Identity(), Meta(image=ImageTransform(8)), torch.optim.AdamW)
    monkeypatch.setattr(run, "load", lambda *_: task)
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "best.ckpt").touch()

    def call(path):
        monkeypatch.setattr(sys, "argv", ["crossmedia", "generate", str(folder.parent), "--image", str(path)])
        code = cli.main()
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return call


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_generate_reads_a_picture_or_tells_it_in_one_line(tmp_path, row, generate):
    path = tmp_path / "a.png"
    row.make(path)
    code, outputs, errors = generate(path)
    if row.said is None:
        assert (code, len(outputs), errors) == (0, 1, [])
    else:
        assert (code, outputs, len(errors)) == (3, [], 1)
        assert errors[0].startswith(f"data: {path}: ") and len(errors[0]) <= 240
        assert "on_error" not in errors[0]  # a key of the training


WORDS = ["data=image_folder", "model=classification_cnn", *TINY, "data.image.size=8", "data.batch_size=3"]


def test_a_run_ends_with_3_and_the_line_of_a_worker(tmp_path, capsys):
    rows = [row for row in ROWS if row.name == "jpeg cut"]
    _, where = image_folder(tmp_path / "set", rows)
    words = [*WORDS, f"data.source.root={tmp_path}/set", f"out_dir={tmp_path}/out", "data.num_workers=2"]
    words.append("~trainer.limit_train_batches")
    assert explained(lambda: run.train(words)) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"data: {next(iter(where))}cut short")


def test_the_manifest_of_a_run_lists_what_was_skipped(tmp_path, capsys):
    _, where = image_folder(tmp_path / "set", ROWS)
    words = [*WORDS, f"data.source.root={tmp_path}/set", f"out_dir={tmp_path}/out", "data.num_workers=0"]
    run.train([*words, "data.on_error=skip"])
    (folder,) = (tmp_path / "out" / "image_folder_classification_cnn").glob("2*")
    bad = {part: row for part, row in where.items() if row.said}
    tell_each_row_once(json.loads((folder / "manifest.json").read_text())["data_notes"], bad)
    assert f"{len(bad)} skipped" in capsys.readouterr().out
