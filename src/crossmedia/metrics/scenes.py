"""Scene accuracy: the share of captions that say exactly what is in the picture."""

from collections import Counter
from collections.abc import Sequence

from crossmedia.metrics.meaning import MeaningAccuracy
from crossmedia.text.grammar import scene_of


class SceneAccuracy(MeaningAccuracy):
    """Captions against references by what they mean in the grammar of `scenes`; outside it they are wrong.

    `part` "scene": the share of captions that say the whole scene right. "objects": the share of the
    references' objects that the captions name with size, colour and shape. "relations": the share of the
    references' relations that the captions state; 0 where there are none.
    """

    names = {"scene_accuracy": "scene", "scene_objects": "objects", "scene_relations": "relations"}

    @staticmethod
    def count(pred: str, references: Sequence[str], part: str) -> tuple[int, int]:
        said, true = scene_of(pred), scene_of(references[0])
        if true is None:
            raise ValueError(f"reference {references[0]!r}: must be a caption in the grammar of scenes")
        if part == "scene":
            return int(said == true), 1
        if said is None:
            return 0, len(true.things if part == "objects" else true.relations)
        if part == "objects":
            return (Counter(said.things) & Counter(true.things)).total(), len(true.things)
        return len(said.relations & true.relations), len(true.relations)
