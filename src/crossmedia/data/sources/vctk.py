"""VCTK: a hundred English speakers who read newspaper sentences."""

from crossmedia.data.sources.clip_index import ClipIndex
from crossmedia.data.sources.clips import HASHED, Clip, ClipSource, split_by_text
from crossmedia.data.sources.files import listed, members, need_folder, on_disk
from crossmedia.data.sources.text_files import lines_of
from crossmedia.errors import DataError
from crossmedia.images.read import SKIP, path_text

LAYOUT = "Expected txt/<speaker>/<clip>.txt and wav48_silence_trimmed/<speaker>/<clip>_mic1.flac"
SOUNDS, TEXTS = "wav48_silence_trimmed", "txt"
_MIC = "_mic1.flac"


class VCTK(ClipSource):
    """The first microphone's clips with transcript and speaker (VCTK 0.92; Yamagishi et al., 2019).

    The same text, which many speakers read, is never in two splits.
    """

    fields = frozenset(["waveform", "sample_rate", "transcript", "speaker"])

    def __init__(self, root: str):
        self.root = need_folder(root, LAYOUT)
        index = ClipIndex(self.root, [SOUNDS])
        self.faults, self.notes = index.faults, index.notes
        clips, texts = self._names(SOUNDS, _MIC), self._names(TEXTS, ".txt")
        found: list[Clip] = []
        for speaker in sorted(clips | texts):
            with_sound, with_text = clips.get(speaker, []), texts.get(speaker, [])
            self._lacking(SOUNDS, speaker, "clip", "transcript", sorted({*with_sound} - {*with_text}))
            self._lacking(TEXTS, speaker, "transcript", "mic1 clip", sorted({*with_text} - {*with_sound}))
            for name in sorted({*with_sound} & {*with_text}):
                text = self._text(f"{speaker}/{name}.txt")
                if text is not None:
                    found.append(Clip(name, f"{speaker}/{name}{_MIC}", text, speaker=speaker))
        places = split_by_text({clip.id: str(clip.transcript) for clip in found})
        for clip in found:
            where = f"{path_text(self.root)}/{TEXTS}/{clip.speaker}/{clip.id}.txt"
            index.add(places[clip.id], clip, where)
        self._splits = index.finish(LAYOUT)
        speakers = {clip.speaker for part in self._splits.values() for clip in part.entries}
        self.notes += [HASHED, f"{len(speakers)} speakers"]

    def _names(self, folder: str, ending: str) -> dict[str, list[str]]:
        """Speaker -> the names of the files with that ending, without it."""
        speakers = members(need_folder(self.root / folder, LAYOUT))
        return {
            path_text(speaker.name): [
                path_text(entry.name).removesuffix(ending)
                for entry in members(speaker.path)
                if entry.name.endswith(ending) and entry.name[0] != "."
            ]
            for speaker in speakers
            if speaker.is_dir() and speaker.name[0] != "."
        }

    def _lacking(self, folder: str, speaker: str, kind: str, other: str, names: list[str]) -> None:
        if names:
            fault = f"{len(names)} {kind}{'s' * (len(names) > 1)} without {other} ({listed(names)})"
            self.faults.append(f"{path_text(self.root / folder)}/{speaker}: {fault}. Remove them{SKIP}")

    def _text(self, name: str) -> str | None:
        try:
            return " ".join(line for _, line in lines_of(self.root / TEXTS / on_disk(name), self.faults))
        except DataError as error:
            self.faults += error.lines
            return None
