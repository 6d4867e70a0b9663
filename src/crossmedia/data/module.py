"""The one LightningDataModule: joins source and view; it alone knows order, workers, epochs, bad members."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from crossmedia.build import assigned
from crossmedia.data.batches import Meta, Source, Split
from crossmedia.data.chosen import Chosen, legible, lengths_of, of_speakers, texts_at
from crossmedia.data.loading import Collate, Items, deaf
from crossmedia.data.order import Key, Order, generator
from crossmedia.data.views import KindView, View
from crossmedia.errors import ConfigError, DataError, UserError
from crossmedia.limits import within
from crossmedia.text.tokenizer import CharTokenizer

TEXTS = frozenset(["captions", "transcript"])  # the fields of a sample that a tokenizer is fitted on


class DataModule(LightningDataModule):
    """Loaders of every split, and `meta`: what only the data knows.

    `on_error=stop` raises every fault of the data at once; `skip` leaves bad members out, decodes each
    remaining file once before training, and lists what it skipped in `skipped`. Sounds of training longer
    than `max_seconds` are left out, and a note counts them. `cache` keeps prepared pictures and sounds in
    memory.
    """

    def __init__(
        self,
        source: Source,
        view: View,
        image: Any = None,
        tokenizer: Any = None,
        audio: Any = None,
        num_classes: int | None = None,
        batch_size: int = 64,
        eval_batch_size: int = 256,
        num_workers: int = 0,
        cache: bool = False,
        on_error: Literal["stop", "skip"] = "stop",
        test_splits: list[str] | None = None,
        max_seconds: float | None = None,
        seed: int = 0,
    ):
        super().__init__()
        within(max_seconds=max_seconds)
        within(batch_size=batch_size, eval_batch_size=eval_batch_size, num_workers=num_workers)
        if on_error not in ("stop", "skip"):
            raise ValueError(f"on_error {on_error}: must be stop or skip")
        lacking = [name for name in view.needs if name not in source.fields]
        if lacking:
            raise ConfigError(
                f"data.view: {type(view).__name__} needs {', '.join(lacking)}, which "
                f"{type(source).__name__} does not have; it has {', '.join(sorted(source.fields))}. "
                "Choose another data set or model"
            )
        if "waveform" in view.needs and audio is None:
            raise ConfigError(
                "data.audio: sounds need a rate. Copy the node audio of conf/data/audio_folder.yaml"
            )
        self.source, self.view = source, view
        self.image, self.audio, self.tokenizer, self.num_classes = image, audio, tokenizer, num_classes
        self.batch_size, self.eval_batch_size = batch_size, eval_batch_size
        self.num_workers, self.cache, self.on_error, self.seed = num_workers, cache, on_error, seed
        self.max_seconds = max_seconds
        self.test_splits = test_splits or [name for name in source.splits if name.startswith("test")]
        unknown = [name for name in self.test_splits if name not in source.splits]
        if unknown:
            raise ConfigError(f"data.test_splits={unknown[0]}: the splits are {', '.join(source.splits)}")
        self.meta = Meta()
        self.start = (0, 0)  # the epoch and batch at which training begins
        self.skipped: list[str] = []
        self._splits: dict[str, Split] = {}

    def fingerprint(self) -> str:
        """That of the source, and of the noises that training mixes in, where it does."""
        return "/".join(part for part in (self.source.fingerprint(), self.noises()) if part)

    def noises(self) -> str | None:
        """The fingerprint of what training mixes in."""
        found = getattr(getattr(self.view, "augment", None), "fingerprint", None)
        return found() if found else None

    def learn(self, meta: Meta | None = None, tokenizer: Any = None) -> Meta:
        """Find the faults, fit the tokenizer on the texts of training, return `meta`.

        A checkpoint's own `meta` is kept. Another run's `tokenizer` is taken where it is of the same kind and
        knows all that would be fitted: so its ids mean the same to the weights that come from there.
        """
        if self.source.faults and self.on_error == "stop":
            raise DataError(*self.source.faults)
        self.skipped = list(self.source.faults)
        for name in self.source.splits:
            split = self.source.split(name)
            self._splits[name] = self._readable(split) if self.on_error == "skip" else split
        front = getattr(self.view, "front", None)
        if front:
            self._leave_out(lambda split: legible(split, front), self.source.splits)
            front.prepare(text for split in self._splits.values() for text in split.texts())
        self._splits["train"] = self._short(self._splits["train"], needed=meta is None)
        if meta is None:  # before the training: the test splits are asked for after it
            self._need_samples("train", "val", *self.test_splits)
        self.meta = meta or self._fit(tokenizer)
        if speakers := self.meta.speakers:
            self._leave_out(lambda split: of_speakers(split, speakers), self.test_splits)
        if meta is None:
            self._need_samples("train", "val", *self.test_splits)
        if front:
            self._note_unknown(front)
        if len(self.source.classes) > 1 and self.meta.classes and self.source.classes != self.meta.classes:
            raise DataError(
                f"classes: the model knows {len(self.meta.classes)} ({', '.join(self.meta.classes[:5])} …), "
                f"the data has {len(self.source.classes)} ({', '.join(self.source.classes[:5])} …). "
                "Use the data it was trained on"
            )
        return self.meta

    def _fit(self, other: Any) -> Meta:
        tokenizer = self.tokenizer
        if not TEXTS.intersection(self.view.needs):
            tokenizer = None
        elif tokenizer is None:
            raise ConfigError("data.tokenizer: texts need one. Use +data/tokenizer=words, characters or bpe")
        elif getattr(self.view, "front", None) and not isinstance(tokenizer, CharTokenizer):
            raise ConfigError("data.tokenizer: speech is of characters. Use data/tokenizer=characters")
        elif not tokenizer.fitted:
            try:
                text = getattr(self.view, "text", str)  # as the view will give it
                tokenizer = tokenizer.fit(map(text, self._splits["train"].texts()))
            except ValueError as error:
                raise ConfigError(f"data.tokenizer.{assigned(str(error))}") from error
            if type(other) is type(tokenizer) and other.vocab_size <= self.tokenizer.cap:
                tokenizer = other if {*tokenizer.vocab} <= {*other.vocab} else tokenizer
        classes = tuple(self.source.classes) if "label" in self.view.needs else ()
        if classes and self.num_classes not in (None, len(classes)):
            raise ConfigError(f"data.num_classes={self.num_classes}: the data has {len(classes)} classes")
        scorer = self.source.scorer if "captions" in self.view.needs else None
        train: Any = self._splits["train"]
        needs = self.view.needs
        lengths = lengths_of(train) if "waveform" in needs else None
        front = getattr(self.view, "front", None)
        return Meta(
            classes,
            max(lengths) if lengths else None,
            tuple(sorted(set(map(str, train.speakers())))) if "speaker" in needs else (),
            max(len(front(text)) for text in train.texts()) if front else None,
            *(self.view.counted(train) if isinstance(self.view, KindView) else ((), 0, ())),
            tokenizer,
            self.image if "image" in needs else None,
            self.audio if "waveform" in needs else None,
            scorer,
            front,
        )

    def _leave_out(self, choose: Callable[[Split], tuple[Split, list[str]]], test: Sequence[str]) -> None:
        """What `choose` makes of each split, and its lines on what is not among them: those are faults."""
        faults: list[str] = []
        for name in dict.fromkeys(["train", "val", *test]):
            self._splits[name], unfit = choose(self._splits[name])
            faults += [line if ": " in line else f"{name}: {line}" for line in unfit]
        if faults and self.on_error == "stop":
            raise DataError(*faults)
        self.skipped += faults

    def _note_unknown(self, front: Any) -> None:
        """What the vocabulary lacks is spoken as nobody knows."""
        known = {*self.meta.tokenizer.vocab}
        for name, split in self._splits.items():
            lacking = sorted({char for text in split.texts() for char in front(text)} - known)
            if lacking:
                found = ", ".join(map(repr, lacking[:10]))
                self.source.notes.append(f"{name}: has {found}, which the vocabulary lacks")

    def _short(self, split: Split, needed: bool) -> Split:
        most, lengths = self.max_seconds, lengths_of(split)
        if most is None or lengths is None:
            return split
        kept = [index for index, seconds in enumerate(lengths) if seconds <= most]
        if len(kept) == len(split):
            return split
        left = f"{len(split) - len(kept)} sounds of training longer than {most:g} s left out"
        self.source.notes.append(left)
        if needed and not kept:
            raise ConfigError(f"data.max_seconds={most:g}: must leave sounds to train on; {left}")
        return Chosen(split, kept, texts_at(split, kept))

    def _need_samples(self, *names: str) -> None:
        empty = [name for name in dict.fromkeys(names) if not len(self.split(name))]
        if empty:
            raise DataError(*(f"{name}: this split has no samples. Add some" for name in empty))

    def _readable(self, split: Split) -> Split:
        kept, texts = [], []
        for index in range(len(split)):
            try:
                sample = split[index]
                texts += sample.captions if sample.transcript is None else (sample.transcript,)
                kept.append(index)
            except DataError as error:
                self.skipped.extend(error.lines)
        return split if len(kept) == len(split) else Chosen(split, kept, texts)

    def split(self, name: str) -> Split:
        if name not in self._splits:
            raise DataError(f"{name}: no such split. The splits are {', '.join(self._splits)}")
        return self._splits[name]

    def train_dataloader(self) -> DataLoader:
        return self.loader("train", train=True)

    def val_dataloader(self) -> DataLoader:
        return self.loader("val")

    def pictures(self, name: str, places: Sequence[int]) -> Iterator[Tensor]:
        """Pictures of a split (B, C, S, S) in [-1, 1], not augmented; on every rank the same."""
        items = Items(self.split(name), self.meta, cache=False)
        for start in range(0, len(places), self.eval_batch_size):
            keys = [Key(0, place, True) for place in places[start : start + self.eval_batch_size]]
            found = items.__getitems__(keys)
            if isinstance(found, UserError):
                raise found
            pictures: list[Any] = [item.sample.image for item in found]
            yield self.meta.image.normalise(torch.stack(pictures))

    def loader(self, name: str, train: bool = False) -> DataLoader:
        """Batches of one split: shuffled, augmented and dropped to whole batches only where `train`."""
        self._need_samples(name)
        split = self.split(name)
        rank, ranks = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        size = self.batch_size if train else self.eval_batch_size
        lengths = lengths_of(split) if train else None
        order = Order(len(split), size, self.seed, train, rank, ranks, lengths)
        if train:
            order.resume(*self.start)
            ready = getattr(getattr(self.view, "augment", None), "ready", None)
            if ready:
                ready()
        return DataLoader(
            Items(split, self.meta, self.cache),
            batch_sampler=order,
            collate_fn=Collate(self.view, self.meta, self.seed, train),
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=deaf,
            generator=generator(self.seed, "workers"),  # or the loader would draw from the step's randomness
        )
