"""Machines differ in their locale: names, texts and fingerprints must not."""

import os
import subprocess
import sys

from PIL import Image

from crossmedia.data.sources.captions import Captions
from crossmedia.data.sources.image_folder import ImageFolder
from crossmedia.data.sources.stamps import Stamps

SCRIPT = """
import importlib, sys
sys.path.insert(0, sys.argv[3])
print(*importlib.import_module(sys.argv[1]).told(sys.argv[2]), sep="\\n")
"""
LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def told_in_ascii(module: str, root: str) -> list[str]:
    """What the module tells of the sets below `root` in a process of that locale."""
    theirs = subprocess.run(
        [sys.executable, "-c", SCRIPT, module, root, os.path.dirname(__file__)],
        env=os.environ | LOCALE | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert theirs.stderr == ""
    return theirs.stdout.splitlines()


def told(root: str) -> list[str]:
    sources = (
        ImageFolder(f"{root}/folder"),
        Captions(f"{root}/captions"),
        Stamps(f"{root}/stamps", "fr", min_pictures=1),
    )
    parts = [[source.split(name) for name in source.splits] for source in sources]
    samples = [[part[0] for part in splits if len(part)] for splits in parts]
    return [
        ascii((s.fingerprint(), p[0].id, p[0].captions, s.classes))
        for s, p in zip(sources, samples, strict=True)
    ]


def test_an_ascii_locale_changes_no_name_text_or_fingerprint(tmp_path):
    for place in ("folder/train/café/é.png", "captions/Images/café.png", "stamps/bêtes/café.png"):
        (tmp_path / place).parent.mkdir(parents=True)
        Image.new("RGB", (2, 2)).save(tmp_path / place)
    for split in ("val", "test"):
        (tmp_path / "folder" / split).mkdir()
    (tmp_path / "captions/captions.txt").write_text("image,caption\ncafé.png,Un café noir\n", "utf-8")
    (tmp_path / "stamps/bêtes/café.txt").write_text("Coffee.\nfr.utf8=Du café.\n", "utf-8")
    assert told_in_ascii("test_locale", str(tmp_path)) == told(str(tmp_path))
