"""Speech Commands: single words, spoken by thousands of people."""

import os
from pathlib import Path

from crossmedia.data.sources.clip_index import ClipIndex
from crossmedia.data.sources.clips import Clip, ClipSource
from crossmedia.data.sources.files import listed, members, need_file, need_folder, quoted
from crossmedia.data.sources.text_files import lines_of
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, path_text

LAYOUT = "Expected <word>/<speaker>_nohash_<n>.wav beside validation_list.txt and testing_list.txt"
LISTS = {"val": "validation_list.txt", "test": "testing_list.txt"}


class SpeechCommands(ClipSource):
    """One-second clips of a word each, all 35 words of version 0.02 as classes (Warden, 2018).

    The publisher's lists make val and test, the rest is training. `_background_noise_` is left out.
    """

    fields = frozenset(["waveform", "sample_rate", "label", "speaker"])

    def __init__(self, root: str):
        self.root = need_folder(root, LAYOUT)
        index = ClipIndex(self.root)
        self.faults, self.notes = index.faults, index.notes
        clips = self._clips()
        places = self._places({name for names in clips.values() for name in names})
        taught = {word for word, names in clips.items() if any(name not in places for name in names)}
        self.classes = tuple(word for word in clips if word in taught)
        if not taught:
            raise DataError(f"{path_text(self.root)}: no word with clips to train on. {LAYOUT}")
        for word, names in clips.items():
            if word not in taught and names:
                fault = f"word unknown to training ({listed(self.classes)}). Remove it{SKIP}"
                self.faults.append(f"{path_text(self.root)}/{word}: {fault}")
                continue
            for name in names:
                speaker, mark, _ = name.rpartition("/")[2].partition("_nohash_")
                clip = Clip(name, name, label=self.classes.index(word), speaker=speaker if mark else None)
                index.add(places.get(name, "train"), clip, f"{path_text(self.root)}/{name}")
        self._splits = index.finish(LAYOUT)

    def _clips(self) -> dict[str, list[str]]:
        """Word -> the names of its clips, as `yes/0a7c2a8d_nohash_0.wav`."""
        folders = [entry for entry in members(self.root) if entry.is_dir() and entry.name[0] != "."]
        words = [entry for entry in folders if not entry.name.startswith("_")]
        others = [path_text(entry.name) for entry in folders if entry.name.startswith("_")]
        if others:
            self.notes.append(f"folders that are no words left out: {listed(others)}")
        return {path_text(word.name): _sounds(word) for word in words}

    def _places(self, known: set[str]) -> dict[str, str]:
        """Clip -> val or test, as the lists say."""
        places: dict[str, str] = {}
        for split, file in LISTS.items():
            path = need_file(self.root / file, LAYOUT)
            for number, line in lines_of(path, self.faults):
                name = line.strip()
                where = f"{path_text(path)}:{number}: {quoted(name)}"
                if name not in known:
                    self.faults.append(f"{where}: no such clip. Mend it{SKIP}")
                elif places.setdefault(name, split) != split:
                    self.faults.append(f"{where}: in {LISTS[places[name]]} too. Remove it from one{SKIP}")
        return places


def _sounds(word: os.DirEntry[str]) -> list[str]:
    names = (path_text(entry.name) for entry in members(word.path) if entry.name[0] != ".")
    return [f"{path_text(word.name)}/{name}" for name in names if Path(name).suffix.lower() == ".wav"]
