"""What tasks that rebuild pictures share: a frozen reader that says what survived, pairs for the page."""

from typing import Any

import torch
from torch import Tensor, nn

from crossmedia.build import locate
from crossmedia.data.batches import ImageBatch, ids_of
from crossmedia.errors import ConfigError
from crossmedia.report.panels import Grid
from crossmedia.tasks.base import Task, to_uint8

COLUMNS = 8
_NEEDED = "must be a reader of attributes"


class Reader:
    """A features module outside `parameters()`, `state_dict` and EMA, since a plain object holds it.

    It has a class attribute `name` and `agreement(images, others) -> (B,)`: the share of attributes that it
    reads alike in two pictures in [-1, 1].
    """

    def __init__(self, features: nn.Module):
        if not hasattr(features, "agreement"):
            raise ValueError(f"features {type(features).__name__}: {_NEEDED}")
        self.features = features.eval().requires_grad_(False)
        self.score = score_of(type(features))

    def agreement(self, images: Tensor, others: Tensor) -> Tensor:
        """(B, C, S, S) twice -> (B,), in float32 whatever the precision of the training."""
        features: Any = self.features.to(images.device)
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            return features.agreement(images.float(), others.float())


def score_of(features: Any) -> str:
    return f"attributes_{features.name}"


def reader_scores(model: dict[str, Any]) -> dict[str, str]:
    """The score that the config's `features` adds, and its direction; ConfigError where it can be none."""
    node = model.get("features")
    if not isinstance(node, dict):
        return {}
    try:
        features = locate(node.get("_target_"), "model.features")
    except ConfigError:  # the node's own check tells
        return {}
    if not hasattr(features, "agreement"):
        raise ConfigError(f"model.features={features.__name__}: {_NEEDED}")
    return {score_of(features): "max"}


def record(task: Task, batch: ImageBatch, scores: dict[str, Tensor]) -> None:
    """Keep each valid sample's own scores, (B,) of the valid ones, and the first pictures."""
    columns = {name: [round(value, 4) for value in values.tolist()] for name, values in scores.items()}
    for row, name in enumerate(ids_of(batch)):
        task.records.append({"id": name, "score": {key: values[row] for key, values in columns.items()}})
    task.pictures += batch.inputs[batch.valid][: task.shown - len(task.pictures)].cpu()


def pairs(pictures: Tensor, rebuilt: Tensor) -> Grid:
    """Rows of pictures (N, C, H, W) in [-1, 1], below each row its reconstructions."""
    rows = [
        part
        for both in zip(to_uint8(pictures).split(COLUMNS), to_uint8(rebuilt).split(COLUMNS), strict=True)
        for part in both
    ]
    columns = min(COLUMNS, len(pictures))
    note = "Rows of pictures, below each of them what is rebuilt from its code."
    if len(rows[-1]) < columns and len(rows) > 2:  # a short row would pull up what is below it
        rows = rows[:-2]
    return Grid("Reconstructions", torch.cat(rows), columns=columns, note=note)
