"""The sounds among Tux Paint's stamps: people who speak the captions, and what the things sound like."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from crossmedia.data.sources.clip_index import SPLITS, ClipIndex
from crossmedia.data.sources.clips import Clip, ClipSplit
from crossmedia.data.sources.files import choose, fingerprint, listed, need_folder, on_disk
from crossmedia.data.sources.stamp_families import (
    INSTALL,
    NEEDS,
    ROOT,
    Need,
    Texts,
    caption_of,
    category,
    families,
    kinship,
    need_known,
    places,
    texts_of,
)
from crossmedia.errors import DataError
from crossmedia.images.read import path_text
from crossmedia.limits import within
from crossmedia.text.normalise import normalise, words

LANGUAGES = ("fr", "ro", "ru", "ca", "bg", "es", "be", "el")  # those of some 700 clips and more
_SPOKEN = re.compile(r"(.+)_desc(?:_([A-Za-z_]+))?(?:\.ogg)+")  # one file has the suffix twice


class _Sound(NamedTuple):
    name: str  # its path below the root
    stamp: str  # the path of its stamp, without suffix
    language: str  # of the caption that is spoken; empty: the sound of the thing


class StampSpeech:
    """People speaking the stamps' captions, `<stamp>_desc_<language>.ogg`, labelled by their language.

    Few people speak each language, the same in every split: a score tells voices as well as languages. A hash
    splits each category 80, 10, 10 %, the same whichever languages are asked for. Stamps stay together that
    share an English caption, the caption or the recording of any language, or, in one folder, their names up
    to the first hyphen or digit: no text is in two splits.
    """

    fields = frozenset(["waveform", "sample_rate", "label", "transcript"])
    splits = SPLITS
    scorer = None

    def __init__(self, root: str = ROOT, languages: Sequence[str] = LANGUAGES):
        self.classes = tuple(languages)
        if not self.classes or len(set(self.classes)) < len(self.classes):
            raise ValueError(f"languages {list(languages)}: must be one or more, each once")
        self.root = need_folder(root, INSTALL)
        index = ClipIndex(self.root)
        self.faults, self.notes = index.faults, index.notes
        sounds = _spoken(self.root)
        known = {sound.language for sound in sounds}
        for language in self.classes:
            if known and language not in known:
                every = listed(sorted(known), most=30)
                raise DataError(f"language {language}: no recording in it. Known: {every}")
        texts = _texts(self.root, sounds, self.faults)
        place = _places(self.root, sounds, texts)
        without: Counter[str] = Counter()
        for sound in sounds:
            if sound.language in self.classes:
                path = _text_file(self.root, sound.stamp)
                caption = caption_of(path, texts[sound.stamp], sound.language, self.faults)
                if caption is None:
                    without[sound.language] += 1
                    continue
                label = self.classes.index(sound.language)
                clip = Clip(sound.name, sound.name, caption, label=label)
                index.add(place[sound.stamp], clip, path_text(path))
        if without:
            counts = ", ".join(f"{count} {language}" for language, count in sorted(without.items()))
            self.notes.append(f"recordings without a caption in their language left out: {counts}")
        self._splits = index.finish(INSTALL)

    def split(self, name: str) -> ClipSplit:
        return choose(self._splits, name, self.root)

    def fingerprint(self) -> str:
        return fingerprint(self._splits)


class StampSounds:
    """What the things sound like, `<stamp>.ogg`, with the stamp's caption and its category as label.

    `needs` names what every sample must have, "captions" in that language or a "label": a category of at
    least `min_clips` sounds. Clips without are left out and counted. Split as `StampSpeech` is.
    """

    splits = SPLITS
    scorer = None

    def __init__(
        self,
        root: str = ROOT,
        language: str = "en",
        min_clips: int = 10,
        needs: Sequence[Need] = NEEDS,
    ):
        within(min_clips=min_clips)
        need_known(needs)
        self.fields = frozenset(["waveform", "sample_rate", *needs])
        self.root = need_folder(root, INSTALL)
        index = ClipIndex(self.root)
        self.faults, self.notes = index.faults, index.notes
        sounds = self._of_things()
        texts = _texts(self.root, sounds, self.faults)
        place = _places(self.root, sounds, texts)
        counts = Counter(filter(None, (category(sound.stamp) for sound in sounds)))
        self.classes = tuple(sorted(name for name, count in counts.items() if count >= min_clips))
        without: Counter[str] = Counter()
        for sound in sounds:
            path = _text_file(self.root, sound.stamp)
            caption = caption_of(path, texts[sound.stamp], language, self.faults)
            kind = category(sound.stamp)
            label = self.classes.index(kind) if kind in self.classes else None
            lacks = [need for need in needs if (caption if need == "captions" else label) is None]
            without.update(lacks)
            if not lacks:
                captions = () if caption is None else (caption,)
                clip = Clip(sound.name, sound.name, captions=captions, label=label)
                index.add(place[sound.stamp], clip, path_text(path))
        if without["captions"]:
            self.notes.append(f"{without['captions']} sounds without a caption in {language} left out")
        if without["label"]:
            rare = listed(sorted(set(counts) - set(self.classes)), most=len(counts))
            few = f"categories of fewer than {min_clips} sounds: {rare}"
            self.notes.append(f"{without['label']} sounds without a label left out ({few})")
        self._splits = index.finish(INSTALL)

    def split(self, name: str) -> ClipSplit:
        return choose(self._splits, name, self.root)

    def fingerprint(self) -> str:
        return fingerprint(self._splits)

    def _of_things(self) -> list[_Sound]:
        """The sounds named as a stamp is; others say the name of a letter or number in some language."""
        others = [name for name in _names(self.root) if not _SPOKEN.fullmatch(name)]
        sounds = [_Sound(name, name.removesuffix(".ogg"), "") for name in others]
        stamps = [sound for sound in sounds if _has_stamp(self.root, sound.stamp)]
        if len(stamps) < len(sounds):
            self.notes.append(f"{len(sounds) - len(stamps)} sounds that are no stamp's passed over")
        return stamps


def _names(root: Path) -> list[str]:
    return sorted(path_text(path.relative_to(root).as_posix()) for path in root.rglob("*.ogg"))


def _spoken(root: Path) -> list[_Sound]:
    matches = filter(None, map(_SPOKEN.fullmatch, _names(root)))
    return [_Sound(match[0], match[1], match[2] or "en") for match in matches]


def _text_file(root: Path, stamp: str) -> Path:
    return root / on_disk(f"{stamp}.txt")


def _has_stamp(root: Path, stamp: str) -> bool:
    return any(os.path.lexists(root / on_disk(f"{stamp}{suffix}")) for suffix in (".txt", ".png", ".svg"))


def _texts(root: Path, sounds: list[_Sound], faults: list[str]) -> dict[str, Texts]:
    """Stamp -> its captions, none where it has no text file."""
    found: dict[str, Texts] = {}
    for stamp in dict.fromkeys(sound.stamp for sound in sounds):
        path = _text_file(root, stamp)
        found[stamp] = {}
        if os.path.lexists(path):
            try:
                found[stamp] = texts_of(path)
            except DataError as error:
                faults += error.lines
    return found


def _places(root: Path, sounds: list[_Sound], texts: dict[str, Texts]) -> dict[str, str]:
    """Stamp -> split; relatives, and stamps that share a caption or a recording, in one."""
    keys = {stamp: kinship(stamp, lines) for stamp, lines in texts.items()}
    for sound in sounds:
        _, caption = texts[sound.stamp].get(sound.language, (0, b""))
        text = caption.decode("utf-8", "replace")
        if text:
            keys[sound.stamp].append((sound.language, words(text) or normalise(text)))
        with suppress(OSError):  # a clip that cannot be read is told when its length is asked for
            keys[sound.stamp].append(hashlib.sha256((root / on_disk(sound.name)).read_bytes()).digest())
    return places(families(keys))
