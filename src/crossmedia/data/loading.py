"""From samples to batches, in the main process or in a loader's worker: decode, prepare, collate."""

import signal
from typing import Any, NamedTuple

import torch
from torch.utils.data import Dataset

from crossmedia.data.batches import Meta, Sample, Split
from crossmedia.data.order import Key, generator
from crossmedia.data.views import View
from crossmedia.errors import UserError


def deaf(worker: int) -> None:
    """A signal to all processes of a run is for the main one; a worker ends with it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class Item(NamedTuple):
    sample: Sample
    key: Key


class Items(Dataset):
    """Samples at keys, their pictures at the size of the model, their sounds at its rate."""

    def __init__(self, split: Split, meta: Meta, cache: bool):
        self.split, self.meta, self.cache = split, meta, cache
        self.kept: dict[int, Sample] = {}

    def __len__(self) -> int:
        return len(self.split)

    def __getitems__(self, keys: list[Key]) -> list[Item] | UserError:
        try:
            missing = [key.index for key in keys if key.index not in self.kept]
            found = dict(zip(missing, map(self._prepared, self._read(missing)), strict=True))
        except UserError as error:
            return error
        if self.cache:
            self.kept.update(found)
        return [Item(found.get(key.index) or self.kept[key.index], key) for key in keys]

    def _read(self, indices: list[int]) -> list[Sample]:
        many = getattr(self.split, "__getitems__", None)
        return many(indices) if many else [self.split[index] for index in indices]

    def _prepared(self, sample: Sample) -> Sample:
        if sample.waveform is not None and self.meta.audio:
            sample = sample._replace(waveform=self.meta.audio.prepare(sample.waveform, sample.sample_rate))
        if sample.image is not None and self.meta.image:
            sample = sample._replace(image=self.meta.image.prepare(sample.image))
        return sample


class Collate:
    """Items to a batch; each training sample brings its own generator, keyed by (seed, epoch, id)."""

    def __init__(self, view: View, meta: Meta, seed: int, train: bool):
        self.view, self.meta, self.seed, self.train = view, meta, seed, train

    def __call__(self, items: list[Item] | UserError) -> Any:
        if isinstance(items, UserError):
            return items
        samples = [item.sample for item in items]
        draws = (
            [generator(self.seed, item.key.epoch, item.sample.id) for item in items] if self.train else None
        )
        try:
            batch: Any = self.view(samples, draws, self.meta)
        except UserError as error:
            return error  # a worker's own would reach the main process as its traceback
        return batch._replace(valid=torch.tensor([item.key.valid for item in items]))
