"""`crossmedia generate` for tasks that give pictures, called as the command calls it."""

import sys
from pathlib import Path

import numpy as np
import painter
import pytest
import torch
from made import TINY
from PIL import Image

from crossmedia import cli, generate, made_files, run
from crossmedia.build import trusting
from crossmedia.data.order import generator
from crossmedia.errors import ConfigError, SecurityError
from crossmedia.tasks.frozen import Judge

TAKES = "--image, --n, --seed, --first, --dark"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    run.train(["experiments=digits", *TINY, "model._target_=painter.Painter", f"out_dir={home}/outputs"])
    return home


@pytest.fixture
def folder(home):
    return (home / "outputs" / "digits" / "latest").resolve()


@pytest.fixture
def call(home, monkeypatch, capsys, tmp_path):
    """Call `generate` on the run, from an empty folder; gives the exit code, and the lines it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        path = home / "outputs" / "digits"
        monkeypatch.setattr(
            sys, "argv", ["crossmedia", "generate", str(path), "--trust", "painter", *map(str, words)]
        )
        capsys.readouterr()
        code = cli.main()
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return call


@pytest.fixture
def pictures(tmp_path):
    """Two pictures of one stem, and one of another."""
    (tmp_path / "pictures").mkdir()
    for name, colour in (("a.png", "white"), ("a.bmp", "black"), ("b.png", "black")):
        Image.new("RGB", (8, 8), colour).save(tmp_path / "pictures" / name)
    return tmp_path / "pictures"


def pixels(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.array(picture)


def colour(seed, number):
    return torch.randint(1, 256, (3,), generator=generator(seed, number)).tolist()


def instead(monkeypatch, kind):
    """Let the painter generate as another kind of task does."""
    monkeypatch.setattr(painter.Painter, "generate", kind.generate)


def test_pictures_out_of_nothing_come_on_one_sheet_nearly_square(call):
    assert call("--n", 7, "--seed", 1, "--out", "new/grid.png") == (0, ["new/grid.png"], [])
    sheet = pixels("new/grid.png")
    assert sheet.shape == (3 * 4, 3 * 6, 3)  # three rows of three
    assert sheet[0, 0].tolist() == colour(1, 0) and sheet[8, 0].tolist() == colour(1, 6)
    assert not sheet[8:, 6:].any()


def test_without_out_the_sheet_lies_in_the_run_and_its_name_tells_its_words(call, folder):
    names = [
        ((), "seed0-n16.png"),
        (("--n", 3, "--seed=2"), "seed2-n3.png"),
        (("--n=3", "--dark=true", "--first", 4), "seed0-n3-darkTrue-first4.png"),
    ]
    for words, name in names:
        assert call(*words) == (0, [str(folder / "generated" / name)], [])
    assert (pixels(folder / "generated" / name)[0, 0] == np.array(colour(0, 4)) // 2).all()


def test_the_users_word_holds_for_the_runs_that_a_task_names_too(folder):
    with pytest.raises(SecurityError, match="--trust painter"):
        Judge(str(folder)).read()
    with trusting(["painter"]), pytest.raises(ConfigError, match="Painter writes down no speech"):
        Judge(str(folder)).read()


def test_the_file_of_another_checkpoint_has_its_name(call, folder, monkeypatch, capsys):
    last = folder / "checkpoints" / "last.ckpt"
    monkeypatch.setattr(sys, "argv", ["crossmedia", "generate", str(last), "--trust=painter", "--n=1"])
    assert cli.main() == 0
    assert capsys.readouterr().out.strip() == str(folder / "generated" / "seed0-n1-last.png")


def test_a_folder_gets_a_picture_a_number_and_a_later_call_goes_on(call, monkeypatch):
    monkeypatch.setattr(generate, "PART", 4)
    assert call("--n", 6, "--out", "dreams") == (0, ["dreams"], [])
    assert call("--n", 3, "--first", 6, "--out=dreams") == (0, ["dreams"], [])
    files = sorted(Path("dreams").iterdir())
    assert [file.name for file in files] == [f"{number:06d}.png" for number in range(9)]
    assert [pixels(file)[0, 0].tolist() for file in files] == [colour(0, number) for number in range(9)]


def test_a_picture_is_the_same_whatever_their_number_and_parts(call, monkeypatch):
    call("--n", 5, "--out", "few.png")
    monkeypatch.setattr(generate, "PART", 3)
    call("--n", 25, "--out", "many.png")
    few, many = pixels("few.png"), pixels("many.png")
    assert (few[:4] == many[:4, :18]).all()


def test_many_pictures_are_asked_for_in_parts(call, monkeypatch):
    asked, original = [], painter.Painter.generate

    def watched(self, *, n: int = 16, seed: int = 0, first: int = 0):
        asked.append((first, n))
        return original(self, n=n, seed=seed, first=first)

    monkeypatch.setattr(painter.Painter, "generate", watched)
    assert call("--n", 150, "--out", "grid.png")[0] == 0
    assert asked == [(0, 64), (64, 64), (128, 22)]


def test_a_picture_of_a_picture_is_written_beside_its_like(call, folder, pictures):
    assert call("--image", pictures / "b.png") == (0, [str(folder / "generated" / "b.png")], [])
    assert (pixels(folder / "generated" / "b.png") == 255).all()
    assert call("--image", pictures / "b.png", "--out", "b.png") == (0, ["b.png"], [])


def test_two_inputs_of_one_stem_have_two_files(call, pictures):
    code, lines, _ = call("--image", pictures, "--out", "negatives")
    files = ["a.bmp", "a.png", "b.png"]
    assert code == 0
    assert lines == [f"{pictures / name}: negatives/{name}.png" for name in files]
    assert [pixels(f"negatives/{name}.png").max() for name in files] == [255, 0, 255]


def test_pictures_of_a_folder_of_pictures_can_come_on_one_sheet(call, pictures):
    assert call("--image", pictures, "--out", "sheet.png") == (0, ["sheet.png"], [])
    side = pixels("sheet.png").shape[0] // 2
    assert pixels("sheet.png")[0, [0, side]].tolist() == [[255] * 3, [0] * 3]


def test_texts_out_of_nothing_are_printed_and_no_control_character_acts(call, monkeypatch):
    instead(monkeypatch, painter.Writer)
    assert call("--n", 2, "--seed", 5) == (0, ["line\\x1b 0 of 5", "line\\x1b 1 of 5"], [])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--n", "0"], "config: --n=0: must be between 1 and 1000000"),
        (["--n", "1000000000"], "config: --n=1000000000: must be between 1 and 1000000"),
        (["--n", "1000000000", "--out", "dreams"], "config: --n=1000000000: must be between 1 and 1000000"),
        (["--n", "x"], "config: --n=x: expected a whole number"),
        (["--n", "1.5"], "config: --n=1.5: expected a whole number"),
        (["--n"], "config: --n: needs a value"),
        (["--seed", "-1"], "config: --seed=-1: must be between 0 and 4294967295"),
        (["--first", "-1"], "config: --first=-1: must be at least 0"),
        (["--dark", "yes"], "config: --dark=yes: must be true or false"),
        (["--sed", "1"], f"config: --sed: Painter takes {TAKES}. Nearest: --seed"),
        (["--ou", "a.png"], "config: --ou: Painter takes --image"),
        (["7"], "config: 7: Painter takes --image"),
        (["--seed", "13"], "config: generate: seed 13: brings bad luck"),
        (["--out", "a.jpg"], "config: --out=a.jpg: pictures are written as .png. Give such a name"),
        (["--n", "2", "--image", "PICTURES"], "config: generate: --n makes out of nothing, --image of an"),
    ],
)
def test_a_word_that_cannot_be_used_is_one_line_and_nothing_is_written(call, pictures, tmp_path, words, line):
    code, lines, errors = call(*(str(pictures) if word == "PICTURES" else word for word in words))
    assert (code, lines, len(errors)) == (2, [], 1) and errors[0].startswith(line)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_a_sheet_that_nobody_could_open_is_one_line(call, tmp_path, monkeypatch):
    monkeypatch.setattr(made_files, "MAX_PIXELS", 2_000_000)
    for words in (["--out", "a.png"], []):
        code, lines, errors = call("--n", 1_000_000, *words)
        assert (code, lines, list(tmp_path.iterdir())) == (2, [], [])
        assert errors == [
            "config: generate: 1000000 pictures on one sheet are more than 2 million pixels. "
            "Give a folder with --out"
        ]


def test_a_picture_for_a_task_that_takes_none_is_one_line(call, monkeypatch, pictures):
    instead(monkeypatch, painter.Dreamer)
    code, lines, errors = call("--image", pictures)
    assert (code, lines) == (2, [])
    assert errors == ["config: --image: Painter takes --n, --seed, --first"]


def test_out_for_a_task_that_gives_text_is_one_line(call, monkeypatch, tmp_path):
    instead(monkeypatch, painter.Writer)
    assert call("--out", "a.png") == (2, [], ["config: --out=a.png: Painter gives text, which is printed"])
    assert not list(tmp_path.iterdir())


def test_a_missing_picture_is_named(call):
    assert call("--image", "none.png") == (3, [], ["data: none.png: no such file or folder"])


@pytest.mark.parametrize("out", ["file/grid.png", "file"])
def test_an_out_where_a_file_stands_is_one_line(call, tmp_path, out):
    (tmp_path / "file").write_text("mine")
    code, lines, errors = call("--n", 2, "--out", out)
    assert (code, lines, len(errors)) == (6, [], 1)
    assert errors[0].startswith("environment: file: ") and "--out" in errors[0]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("out", ["locked/grid.png", "locked"])
def test_an_out_that_cannot_be_written_is_one_line(call, tmp_path, monkeypatch, out):
    (tmp_path / "locked").mkdir()
    monkeypatch.setattr("os.access", lambda path, mode: False)  # nothing is locked for root
    line = "environment: locked: not to be written. Choose another place with --out"
    assert call("--n", 2, "--out", out) == (6, [], [line])


def test_a_folder_that_has_such_a_file_already_is_left_alone(call, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "000001.png").write_text("mine")
    code, lines, errors = call("--n", 2, "--out", "mine")
    assert (code, lines) == (2, [])
    assert errors == ["config: --out=mine: 000001.png is there already. Remove it, or give another folder"]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["000001.png"]


def test_nothing_is_written_through_a_link_in_the_run_folder(call, folder, tmp_path, monkeypatch):
    moved = folder.rename(folder.with_name("2000-01-01_00-00-00-abc"))
    try:
        if (moved / "generated").exists():
            (moved / "generated").rename(moved / "kept")
        (moved / "generated").symlink_to(tmp_path)
        code, lines, errors = call("--n", 1)
        assert (code, lines, len(errors)) == (4, [], 1) and "is a link" in errors[0]
        assert not list(tmp_path.iterdir())
    finally:
        (moved / "generated").unlink()
        moved.rename(folder)


def test_a_kill_leaves_the_old_sheet(call, monkeypatch, tmp_path):
    call("--n", 2, "--out", "grid.png")
    old = Path("grid.png").read_bytes()

    def killed(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    assert call("--n", 3, "--out", "grid.png")[0] == 130
    assert Path("grid.png").read_bytes() == old and [path.name for path in tmp_path.iterdir()] == ["grid.png"]


def test_a_task_that_breaks_its_contract_is_our_bug(call, monkeypatch):
    def generate(self, *, n=16, seed=0, first=0):
        return torch.zeros(n)

    monkeypatch.setattr(painter.Painter, "generate", generate)
    with pytest.raises(TypeError, match="gives neither 16 texts, 16 waveforms nor uint8"):
        call()
