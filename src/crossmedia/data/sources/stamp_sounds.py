"""The sounds among Tux Paint's stamps: people who speak the captions, and what the things sound like."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from crossmedia.data.sources.clip_index import ClipIndex
from crossmedia.data.sources.clips import Clip, ClipSource
from crossmedia.data.sources.files import listed, need_folder, on_disk
from crossmedia.data.sources.stamp_families import (
    INSTALL,
    NEEDS,
    ROOT,
    Need,
    Needed,
    Texts,
    caption_of,
    families,
    kinship,
    need_known,
    places,
    texts_of,
)
from crossmedia.errors import DataError
from crossmedia.images.read import file_size, path_text
from crossmedia.limits import within
from crossmedia.text.normalise import normalise, words

LANGUAGES = ("fr", "ro", "ru", "ca", "bg", "es", "be", "el")  # those of some 700 clips and more
_SPOKEN = re.compile(r"(.+)_desc(?:_([A-Za-z_]+))?(?:\.ogg)+")  # one file has the suffix twice


class _Sound(NamedTuple):
    name: str  # its path below the root
    stamp: str  # the path of its stamp, without suffix
    language: str  # of the caption that is spoken; empty: the sound of the thing


class StampSpeech(ClipSource):
    """People speaking the stamps' captions, `<stamp>_desc_<language>.ogg`, labelled by their language.

    A hash splits each category 80, 10, 10 %, the same whichever languages are asked for. Stamps stay together
    that share an English caption, the caption or the recording of any language, or, in one folder, their
    names up to the first hyphen or digit: no text is in two splits. `caveats` stand under the scores.
    """

    fields = frozenset(["waveform", "sample_rate", "label", "transcript"])
    caveats = (
        "few people speak each language, the same in every split: a score tells voices as well as languages",
    )

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


class StampSounds(ClipSource):
    """What the things sound like, `<stamp>.ogg`, with the stamp's caption and its category as label.

    `needs` names what every sample must have, "captions" in that language or a "label": a category of at
    least `min_clips` sounds. Clips without are left out and counted. Split as `StampSpeech` is, whichever the
    language: no caption of any is in two splits.
    """

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
        known = {code for lines in texts.values() for code in lines}
        if "captions" in needs and known and language not in known:
            every = listed(sorted(known), most=30)
            raise DataError(f"language {language}: no sound has a caption in it. Known: {every}")
        needed = Needed([sound.stamp for sound in sounds], needs, min_clips)
        self.classes = needed.classes
        if "label" in needs and needed.counts and not self.classes:
            most = max(needed.counts.values())
            raise DataError(
                f"min_clips {min_clips}: the largest category has {most} sounds. Use {most} or less"
            )
        for sound in sounds:
            path = _text_file(self.root, sound.stamp)
            caption = caption_of(path, texts[sound.stamp], language, self.faults)
            label = needed.label(sound.stamp)
            if needed.met(caption, label):
                captions = () if caption is None else (caption,)
                clip = Clip(sound.name, sound.name, captions=captions, label=label)
                index.add(place[sound.stamp], clip, path_text(path))
        self.notes += needed.notes("sounds", language)
        self._splits = index.finish(INSTALL)

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
        for language, (_, caption) in texts[sound.stamp].items():
            if sound.language in ("", language):  # a thing's sound goes with every caption
                text = caption.decode("utf-8", "replace")
                keys[sound.stamp].append((language, words(text) or normalise(text)))
        path = root / on_disk(sound.name)
        with suppress(DataError, OSError):  # a clip that cannot be read is told when its length is asked for
            file_size(path, "clip")  # opening a pipe would wait for ever
            with open(path, "rb") as file:
                keys[sound.stamp].append(hashlib.file_digest(file, "sha256").digest())
    return places(families(keys))
