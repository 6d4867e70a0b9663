"""Who speaks in which split: espeak-ng's English voices, how fast and how high."""

from collections.abc import Sequence
from typing import NamedTuple

from crossmedia.audio.speak import Utterance

RATE, PITCH = 160, 50  # of voices that always speak alike
_ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp")


class Cast(NamedTuple):
    """Every voice at every rate and pitch; each of these ways to say a text has a number."""

    voices: tuple[str, ...]  # espeak-ng's: an accent, + the larynx and the mouth, as its variants have them
    rates: range  # words a minute
    pitches: range  # 0-99

    def ways(self) -> int:
        return len(self.voices) * len(self.rates) * len(self.pitches)

    def say(self, text: str, way: int) -> Utterance:
        """The text in that way; numbers from `ways()` on begin anew."""
        way, voice = divmod(way, len(self.voices))
        way, rate = divmod(way, len(self.rates))
        return Utterance(text, self.voices[voice], self.rates[rate], self.pitches[way % len(self.pitches)])


def _accented(*speakers: str) -> tuple[str, ...]:
    return tuple(f"{accent}+{speaker}" for speaker in speakers for accent in _ACCENTS)


def plain_cast(voices: Sequence[str]) -> Cast:
    """These voices at one rate and pitch."""
    if not voices:
        raise ValueError("said_by []: must be one voice or more")
    return Cast(tuple(voices), range(RATE, RATE + 1), range(PITCH, PITCH + 1))


_HEARD = _accented("f1", "f2", "f4", "m1", "m2", "m4", "m5", "m7")

# No speaker, rate or pitch is in two of them; accents are in all, and rates and pitches lie among training's.
CASTS = {
    "train": Cast(_HEARD, range(130, 191, 10), range(30, 71, 8)),
    "val": Cast(_accented("f5", "m6"), range(133, 190, 10), range(33, 70, 8)),
    "test": Cast(_accented("f3", "m3"), range(137, 190, 10), range(36, 70, 8)),
}
CASTS["test_composition"] = CASTS["test"]
