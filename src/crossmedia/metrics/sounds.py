"""Event accuracy: the share of what sounds in a clip that its caption names."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torchmetrics import Metric

from crossmedia.text.sound_grammar import sounds_of

Part = Literal["events", "scene"]


class EventAccuracy(Metric):
    """Captions against references by what they mean in the grammar of `sound_scenes`; outside it they are
    wrong.

    `part` "events": the share of the references' events that the captions name with kind, pitch, loudness and
    word. "scene": the share of captions that name all events, and no others, in the right order.
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    right: Tensor
    total: Tensor

    def __init__(self, part: Part = "events"):
        super().__init__()
        if part not in get_args(Part):
            raise ValueError(f"part {part}: must be one of {', '.join(get_args(Part))}")
        self.part: Part = part
        self.add_state("right", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("total", torch.tensor(0), dist_reduce_fx="sum")

    def config(self) -> dict[str, Any]:
        return {"_target_": "crossmedia.metrics.sounds.EventAccuracy", "part": self.part}

    @classmethod
    def parts(cls) -> dict[str, "EventAccuracy"]:
        """The two scores under the names that a task logs them by."""
        return {"event_accuracy": cls(), "sound_scene_accuracy": cls("scene")}

    def update(self, preds: Sequence[str], target: Sequence[Sequence[str]]) -> None:
        counts = [count(pred, references, self.part) for pred, references in zip(preds, target, strict=True)]
        self.right += sum(right for right, _ in counts)
        self.total += sum(total for _, total in counts)

    def compute(self) -> Tensor:
        return self.right / self.total.clamp(min=1)

    def score(self, pred: str, references: Sequence[str]) -> float:
        """The score of one caption by itself."""
        right, total = count(pred, references, self.part)
        return right / total


def count(pred: str, references: Sequence[str], part: Part = "events") -> tuple[int, int]:
    """How many events or scenes one caption has right, and how many its references have.

    All references of a sample mean the same, so the first speaks for them. ValueError where the grammar
    cannot read it.
    """
    said, true = sounds_of(pred), sounds_of(references[0])
    if true is None:
        raise ValueError(f"reference {references[0]!r}: must be a caption in the grammar of sound scenes")
    if part == "scene":
        return int(said == true), 1
    return (Counter(said or ()) & Counter(true)).total(), len(true)
