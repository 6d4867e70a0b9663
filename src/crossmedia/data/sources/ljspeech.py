"""LJSpeech: one voice reading books, and own recordings in the same layout."""

from crossmedia.data.sources.clip_index import ClipIndex
from crossmedia.data.sources.clips import HASHED, Clip, ClipSource, split_by_text
from crossmedia.data.sources.files import need_file, need_folder, quoted
from crossmedia.data.sources.text_files import lines_of
from crossmedia.images.read import SKIP, path_text

LAYOUT = "Expected metadata.csv with lines id|text|normalised text, and wavs/<id>.wav"


class LJSpeech(ClipSource):
    """Clips in `wavs/` with their normalised text from `metadata.csv` (LJSpeech 1.1; Ito and Johnson, 2017).

    A line reads `id|text|normalised text`, and quotes are plain characters. Where the third column is empty
    or missing, the second serves for both. The same text is never in two splits.
    """

    fields = frozenset(["waveform", "sample_rate", "transcript"])

    def __init__(self, root: str):
        self.root = need_folder(root, LAYOUT)
        index = ClipIndex(self.root, ["wavs"])
        self.faults, self.notes = index.faults, index.notes
        rows = self._rows()
        places = split_by_text({name: text for _, name, text in rows})
        for where, name, text in rows:
            index.add(places[name], Clip(name, f"{name}.wav", text), where)
        index.pass_over("text")
        self.notes.append(HASHED)
        self._splits = index.finish(LAYOUT)

    def _rows(self) -> list[tuple[str, str, str]]:
        """The place of a line, its id and its text."""
        path = need_file(self.root / "metadata.csv", LAYOUT)
        rows = []
        for number, line in lines_of(path, self.faults):
            where = f"{path_text(path)}:{number}"
            name, *texts = line.split("|")
            if len(texts) in (1, 2):
                rows.append((where, name, texts[-1] if texts[-1].strip() else texts[0]))
            else:
                fault = f"{len(texts) + 1} columns, 3 expected"
                self.faults.append(f"{where}: {quoted(line)}: {fault}. Mend the line{SKIP}")
        return rows
