"""Asterisk's English prompts: one professional speaker on the telephone, with her texts."""

import re
from pathlib import Path

from crossmedia.audio.read import SUFFIXES
from crossmedia.data.sources.clip_index import ClipIndex
from crossmedia.data.sources.clips import Clip, ClipSource, split_by_text
from crossmedia.data.sources.files import listed, need_file, need_folder, on_disk, quoted
from crossmedia.data.sources.finder import unnamed
from crossmedia.data.sources.text_files import lines_of
from crossmedia.images.read import SKIP, path_text

INSTALL = "On Debian or Ubuntu: apt-get install asterisk-core-sounds-en-wav asterisk-core-sounds-en"
MAX_SECONDS = 80.0  # demo-instruct has 73
_ASIDE = re.compile(r"\s*(\[[^]]*\]|\([^)]*\)|<[^>]*>)")  # explains the text, as in `dash [-]`


class Prompts(ClipSource):
    """Prompts of 8 kHz below `root` with the text that `texts` gives each: a list of `path: text`, or gzip's.

    Brackets of any kind explain and are not spoken: a text in brackets alone is that of a sound or a silence,
    and left out. A hash of the path makes the splits (80, 10, 10 %), the same text never in two.
    """

    fields = frozenset(["waveform", "sample_rate", "transcript"])

    def __init__(
        self,
        root: str = "/usr/share/asterisk/sounds/en_US_f_Allison",
        texts: str = "/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz",
    ):
        self.root = need_folder(root, INSTALL)
        index = ClipIndex(self.root, max_seconds=MAX_SECONDS)
        self.faults, self.notes = index.faults, index.notes
        rows = self._rows(texts)
        there = {name for _, name, _ in rows if index.has(f"{name}.wav")}
        places = split_by_text({name: text for _, name, text in rows if text is not None})
        for where, name, text in rows:
            if name in there and text is not None:
                index.add(places[name], Clip(name, f"{name}.wav", text), where)
        wordless = [name for _, name, text in rows if name in there and text is None]
        unheard = [name for _, name, text in rows if name not in there and text is not None]
        paths = [str(self.root / on_disk(f"{name}.wav")) for name in there]
        self._note("sounds and silences left out", wordless)
        self._note("texts without a clip left out", unheard)
        self._note("clips without text passed over", unnamed(paths, SUFFIXES))
        self._splits = index.finish(INSTALL)

    def _note(self, what: str, names: list[str]) -> None:
        if names:
            self.notes.append(f"{len(names)} {what}: {listed(names)}")

    def _rows(self, texts: str) -> list[tuple[str, str, str | None]]:
        """The place of a line, its clip and what is spoken, None where no words are; `;` opens a comment."""
        path = need_file(Path(texts), INSTALL)
        rows = []
        for number, line in lines_of(path, self.faults):
            where = f"{path_text(path)}:{number}"
            name, colon, text = line.partition(":")
            if line.startswith(";"):
                continue
            if colon:
                spoken = _ASIDE.sub("", text).strip()
                rows.append((where, name.strip(), None if text.strip() and not spoken else spoken))
            else:
                fault = "a path, a colon and a text expected"
                self.faults.append(f"{where}: {quoted(line)}: {fault}. Mend the line{SKIP}")
        return rows
