"""Event accuracy: the share of what sounds in a clip that its caption names."""

from collections import Counter
from collections.abc import Sequence

from crossmedia.metrics.meaning import MeaningAccuracy
from crossmedia.text.sound_grammar import sounds_of


class EventAccuracy(MeaningAccuracy):
    """Captions against references by what they mean in the grammar of `sound_scenes`; outside it they are
    wrong.

    `part` "events": the share of the references' events that the captions name with kind, pitch, loudness and
    word. "scene": the share of captions that name all events, and no others, in the right order.
    """

    names = {"event_accuracy": "events", "sound_scene_accuracy": "scene"}

    @staticmethod
    def count(pred: str, references: Sequence[str], part: str) -> tuple[int, int]:
        said, true = sounds_of(pred), sounds_of(references[0])
        if true is None:
            raise ValueError(f"reference {references[0]!r}: must be a caption in the grammar of sound scenes")
        if part == "scene":
            return int(said == true), 1
        return (Counter(said or ()) & Counter(true)).total(), len(true)
