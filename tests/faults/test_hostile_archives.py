"""An archive given as a run, a checkpoint, a picture or a list is refused, and stays shut."""

import io
import stat
import tarfile
import zipfile

import pytest
from hostile import sealed

from crossmedia.data.sources.captions import Captions
from crossmedia.data.sources.image_folder import ImageFolder
from crossmedia.errors import DataError, UserError

pytest_plugins = ["hostile_runs"]


def tar(*entries):
    """A tar of (name, kind, target) entries, whatever the names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, kind, target in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.mode = kind, target, 0o755
            content = b"" if kind != tarfile.REGTYPE else b"text"
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def zipped(entries, kind=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def setuid():
    entry = zipfile.ZipInfo("tool")
    entry.external_attr = (stat.S_IFREG | 0o4755) << 16
    return zipped([(entry, b"#!/bin/sh\n")])


FILE, LINK, HARD = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
NESTED = zipped([("bomb.zip", zipped([("zeros", bytes(1 << 22))], zipfile.ZIP_DEFLATED))] * 1)
ARCHIVES = {
    "../": lambda: tar(("../../out", FILE, "")),
    "absolute": lambda: tar(("/tmp/crossmedia-out", FILE, "")),
    "drive letter": lambda: zipped([("C:\\out", b"x"), ("C:/out", b"x")]),
    "link out": lambda: tar(("a", LINK, "../.."), ("a/out", FILE, "")),
    "hard link out": lambda: tar(("a", HARD, "/etc/passwd")),
    "device": lambda: tar(("a", tarfile.CHRTYPE, "")),
    "FIFO": lambda: tar(("a", tarfile.FIFOTYPE, "")),
    "setuid": setuid,
    "link chain": lambda: tar(*((f"{n}", LINK, f"{n + 1}") for n in range(99))),
    "case clash": lambda: zipped([("config.yaml", b"a"), ("CONFIG.yaml", b"b")]),
    "NUL name": lambda: zipped([("nul_name", b"x")]).replace(b"nul_name", b"nul\0name"),
    "300-char name": lambda: tar(("a" * 300, FILE, "")),
    "ratio bomb": lambda: zipped([("zeros", bytes(1 << 24))], zipfile.ZIP_DEFLATED),
    "nested bomb": lambda: zipped([("a.zip", NESTED), ("b.zip", NESTED)]),
    "many entries": lambda: zipped((f"{n}", b"") for n in range(20_000)),  # a million take a minute to make
    "overwrite": lambda: zipped([("checkpoints/best.ckpt", b"x"), ("config.yaml", b"x")]),
}


def test_the_list_has_16_archives():
    assert len(ARCHIVES) == 16


@pytest.fixture
def shut(tmp_path):
    """Nothing but the archive itself may be there at the end."""
    (tmp_path / "inner" / "given").mkdir(parents=True)
    before = set(tmp_path.rglob("*"))
    yield tmp_path / "inner" / "given"
    assert {path for path in tmp_path.rglob("*") if path.name not in GIVEN} == before


GIVEN = ("a.zip", "a.tar", "a.ckpt", "a.png", "captions.txt", "cat", "train")


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_as_a_run_or_checkpoint_is_a_line(refused, shut, name):
    content = ARCHIVES[name]()
    for file, written in (("a.zip", content), ("a.tar", content), ("a.ckpt", sealed(content))):
        path = shut / file
        path.write_bytes(written)
        for verb in ("evaluate", "export", "report", "generate"):
            code, line = refused(verb, path, *(["--image=x.png"] if verb == "generate" else []))
            assert code in (4, 5) and str(shut) in line
        path.unlink()


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_as_a_picture_is_a_line(refused, finished, shut, name):
    (shut / "a.png").write_bytes(ARCHIVES[name]())
    code, line = refused("generate", finished, "--image", shut / "a.png")
    assert code == 3 and line.startswith(f"data: {shut / 'a.png'}: ")


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_as_data_is_named(shut, name):
    content = ARCHIVES[name]()
    (shut / "captions.txt").write_bytes(content)
    (shut / "a.zip").write_bytes(content)
    for source, root in ((Captions, shut), (Captions, shut / "a.zip"), (ImageFolder, shut / "a.zip")):
        with pytest.raises(UserError) as caught:
            source(str(root))
        assert isinstance(caught.value, DataError) and str(shut) in caught.value.lines[0]


def test_an_archive_among_pictures_is_passed_over_or_named(shut):
    for split, kind in (("train", "cat"), ("train", "dog")):
        (shut / split / kind).mkdir(parents=True)
        (shut / split / kind / "a.png").write_bytes(ARCHIVES["ratio bomb"]())
    source = ImageFolder(str(shut))
    with pytest.raises(DataError, match="a.png"):
        for split in source.splits:
            for place in range(len(source.split(split))):
                source.split(split)[place]
    for path in sorted((shut / "train").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
