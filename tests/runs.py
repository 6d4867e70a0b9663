"""Run folders, and what of two of them is not the same."""

from pathlib import Path

import torch


def only(out):
    (folder,) = (path for path in Path(out).glob("*/2*") if path.is_dir())
    return folder


def same(one, two):
    """Equal to the last bit, the layout of tensors in memory included."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, torch.Tensor):
        return torch.equal(one, two) and one.stride() == two.stride()
    return one == two


def differing(one, two):
    """What of two run folders is not the same."""
    files = ("metrics.csv", "scores.json", "predictions.jsonl")
    found = [name for name in files if (one / name).read_bytes() != (two / name).read_bytes()]
    for name in ("best", "last"):
        values = [torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True) for run in (one, two)]
        for value in values:
            del value["loops"]  # Lightning counts the batches of a validation it restarts after once more
        found += [] if same(*values) else [name]
    return found
