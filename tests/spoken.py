"""A few utterances that tests share."""

from crossmedia.audio.speak import Utterance

CAPTION = "there is a large blue star to the left of a tiny yellow square"


def utterance(text: str = "one", voice: str = "en-us+m3", rate: int = 170, pitch: int = 50) -> Utterance:
    return Utterance(text, voice, rate, pitch)


SAID = [
    utterance(CAPTION),
    utterance("zero", "en+f1"),
    utterance("a small red circle", "en-gb-scotland+m7", pitch=30),
    utterance("nine", "en-gb-x-rp+f4", rate=140),
]
COUNTED = [utterance(f"number {place}", rate=130 + place) for place in range(20)]
