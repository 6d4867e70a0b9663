"""Outputs with their references: as words, and as bytes, for ranks can gather nothing but tensors."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from crossmedia.text.normalise import words

Words = tuple[str, ...]


def paired(preds: Sequence[str], target: Sequence[Sequence[str]]) -> list[tuple[Words, list[Words]]]:
    """The words of each output and of its references. Raises ValueError for an output without references."""
    if len(preds) != len(target):
        raise ValueError(f"preds {len(preds)}: must be as many as the lists of references, {len(target)}")
    for pred, references in zip(preds, target, strict=True):
        if isinstance(references, str) or not references:
            raise ValueError(f"target {references!r}: must be a list of one or more references to {pred!r}")
    return [
        (words(pred), [words(reference) for reference in references])
        for pred, references in zip(preds, target, strict=True)
    ]


def pack(pairs: list[tuple[Words, list[Words]]]) -> Tensor:
    """Bytes (n,) uint8 of the pairs; packed pairs may be joined end to end."""
    # No word holds white space, so it can part words, texts and pairs.
    lines = ("\t".join(" ".join(text) for text in (pred, *references)) + "\n" for pred, references in pairs)
    return torch.from_numpy(np.frombuffer("".join(lines).encode(), np.uint8).copy())


def unpack(packed: Tensor) -> list[tuple[Words, list[Words]]]:
    """The pairs in joined results of `pack`."""
    lines = packed.cpu().numpy().tobytes().decode().split("\n")[:-1]
    texts = ([tuple(text.split()) for text in line.split("\t")] for line in lines)
    return [(pred, references) for pred, *references in texts]
