"""Which samples make which batch: a permutation keyed by (seed, epoch), cut into ranks and batches."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import torch
from torch.utils.data import Sampler

from crossmedia.errors import DataError
from crossmedia.limits import within

NEAR = 32  # batches whose samples are sorted by length together


def address(*parts: int | str) -> int:
    """A 63-bit seed for the draw that `parts` name; equal on every machine, process and rank."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(*parts: int | str) -> torch.Generator:
    """A generator that stands at the start of the draw that `parts` name."""
    return torch.Generator().manual_seed(address(*parts))


class Key(NamedTuple):
    """One place of a batch: the epoch addresses its augmentation; one that only fills a rank is not valid."""

    epoch: int
    index: int  # pyright: ignore[reportIncompatibleMethodOverride]
    valid: bool


class Order(Sampler[list[Key]]):
    """Batches of keys for one rank; every rank gets the same number of batches.

    Training drops the incomplete last global batch of the epoch; given the samples' `lengths` it puts like
    ones into a batch, which then has little padding: those of `NEAR` batches in a row are sorted by length,
    then the batches shuffled. Evaluation keeps the order and every sample, and fills the ranks up with places
    that no score counts.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        train: bool,
        rank: int = 0,
        ranks: int = 1,
        lengths: Sequence[float] | None = None,
    ):
        within(batch_size=batch_size)
        if train and size < batch_size * ranks:
            key, most = ("data.batch_size", size // ranks) if size >= ranks else ("trainer.devices", size)
            raise DataError(
                f"train: {size} samples do not fill one batch of {batch_size * ranks}. "
                f"Use {key}={most} or less"
            )
        self.size, self.batch_size, self.seed, self.train = size, batch_size, seed, train
        self.rank, self.ranks = rank, ranks
        self.lengths = lengths
        self.epoch, self.start = 0, 0
        self.sampler = self  # Lightning calls set_epoch on `batch_sampler.sampler`

    def set_epoch(self, epoch: int) -> None:
        if epoch != self.epoch:
            self.epoch, self.start = epoch, 0

    def __len__(self) -> int:
        if self.train:
            return self.size // (self.batch_size * self.ranks)
        return -(-self.size // (self.batch_size * self.ranks))

    def __iter__(self) -> Iterator[list[Key]]:
        if self.train:
            permutation = torch.randperm(
                self.size, generator=generator(self.seed, "order", self.epoch)
            ).tolist()
            permutation = self._alike(permutation[: len(self) * self.batch_size * self.ranks])
        else:
            permutation = list(range(self.size))
        keys = [Key(self.epoch, index, True) for index in permutation]
        while len(keys) % self.ranks:
            keys.append(Key(self.epoch, 0, False))
        mine = keys[self.rank :: self.ranks]
        for batch in range(self.start, len(self)):
            yield mine[batch * self.batch_size : (batch + 1) * self.batch_size]

    def _alike(self, permutation: list[int]) -> list[int]:
        """The same samples, those of each global batch of like length."""
        lengths, whole = self.lengths, self.batch_size * self.ranks
        if lengths is None:
            return permutation
        near = NEAR * whole
        windows = [permutation[start : start + near] for start in range(0, len(permutation), near)]
        ordered = [index for window in windows for index in sorted(window, key=lengths.__getitem__)]
        draw = generator(self.seed, "batches", self.epoch)
        return [
            index
            for batch in torch.randperm(len(self), generator=draw).tolist()
            for index in ordered[batch * whole : (batch + 1) * whole]
        ]

    def resume(self, epoch: int, batch: int) -> Self:
        """Go on at this batch of this epoch."""
        self.epoch, self.start = epoch, batch
        return self
