"""Asterisk's English prompts: one professional speaker on the telephone, with her texts."""

import re
from pathlib import Path

from crossmedia.data.sources.clip_index import ClipIndex
from crossmedia.data.sources.clips import Clip, ClipSource, split_by_text
from crossmedia.data.sources.files import listed, need_file, need_folder, quoted
from crossmedia.data.sources.text_files import lines_of
from crossmedia.images.read import SKIP, path_text

INSTALL = "On Debian or Ubuntu: apt-get install asterisk-core-sounds-en-wav asterisk-core-sounds-en"
MAX_SECONDS = 80.0  # demo-instruct has 73
_ASIDE = re.compile(r"\s*\[[^]]*\]")  # explains the text, as in `dash [-]`


class Prompts(ClipSource):
    """Prompts of 8 kHz below `root` with the text that `texts` gives each: a list of `path: text`, or gzip's.

    A text in brackets alone is a sound, not words, and left out. A hash of the path makes the splits (80, 10,
    10 %), the same text never in two.
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
        places = split_by_text({name: text for _, name, text in rows})
        unheard = []
        for where, name, text in rows:
            if index.has(f"{name}.wav"):
                index.add(places[name], Clip(name, f"{name}.wav", text), where)
            else:
                unheard.append(name)
        if unheard:
            self.notes.append(f"{len(unheard)} texts without a clip left out: {listed(unheard)}")
        index.pass_over("text")
        self._splits = index.finish(INSTALL)

    def _rows(self, texts: str) -> list[tuple[str, str, str]]:
        """The place of a line, its clip and what is spoken; `;` opens a comment."""
        path = need_file(Path(texts), INSTALL)
        rows = []
        for number, line in lines_of(path, self.faults):
            where = f"{path_text(path)}:{number}"
            name, colon, text = line.partition(":")
            spoken = _ASIDE.sub("", text).strip()
            if line.startswith(";") or (text.strip() and not spoken):
                continue
            if colon:
                rows.append((where, name.strip(), spoken))
            else:
                fault = "a path, a colon and a text expected"
                self.faults.append(f"{where}: {quoted(line)}: {fault}. Mend the line{SKIP}")
        return rows
