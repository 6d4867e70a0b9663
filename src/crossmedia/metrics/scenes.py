"""Scene accuracy: the share of captions that say exactly what is in the picture."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torchmetrics import Metric

from crossmedia.text.grammar import scene_of

Part = Literal["scene", "objects", "relations"]


class SceneAccuracy(Metric):
    """Captions against references by what they mean in the grammar of `scenes`; outside it they are wrong.

    `part` "scene": the share of captions that say the whole scene right. "objects": the share of the
    references' objects that the captions name with size, colour and shape. "relations": the share of the
    references' relations that the captions state; 0 where there are none.
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    right: Tensor
    total: Tensor

    def __init__(self, part: Part = "scene"):
        super().__init__()
        if part not in get_args(Part):
            raise ValueError(f"part {part}: must be one of {', '.join(get_args(Part))}")
        self.part: Part = part
        self.add_state("right", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("total", torch.tensor(0), dist_reduce_fx="sum")

    def config(self) -> dict[str, Any]:
        return {"_target_": "crossmedia.metrics.scenes.SceneAccuracy", "part": self.part}

    @classmethod
    def parts(cls) -> dict[str, "SceneAccuracy"]:
        """The three scores under the names that a task logs them by."""
        return {"scene_accuracy": cls(), "scene_objects": cls("objects"), "scene_relations": cls("relations")}

    def update(self, preds: Sequence[str], target: Sequence[Sequence[str]]) -> None:
        counts = [count(pred, references, self.part) for pred, references in zip(preds, target, strict=True)]
        self.right += sum(right for right, _ in counts)
        self.total += sum(total for _, total in counts)

    def compute(self) -> Tensor:
        return self.right / self.total.clamp(min=1)

    def score(self, pred: str, references: Sequence[str]) -> float:
        """The score of one caption by itself."""
        right, total = count(pred, references, self.part)
        return right / max(total, 1)


def count(pred: str, references: Sequence[str], part: Part = "scene") -> tuple[int, int]:
    """How many scenes, objects or relations one caption has right, and how many its references have.

    All references of a sample mean the same, so the first speaks for them. ValueError where the grammar
    cannot read it.
    """
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
