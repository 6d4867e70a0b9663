"""Noise to pictures: two players, scored by features of made and real pictures."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torchmetrics import MeanMetric

from crossmedia.build import locate
from crossmedia.data.batches import ImageBatch, KindBatch, Meta, ids_of
from crossmedia.data.order import address
from crossmedia.errors import ConfigError
from crossmedia.images.nearest import beside_nearest, nearest
from crossmedia.limits import one_of, within
from crossmedia.losses.adversarial import (
    LOSSES,
    Loss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    r1_penalty,
)
from crossmedia.metrics.drawn import Drawn
from crossmedia.metrics.features import NEEDED, known, scores_pictures
from crossmedia.metrics.quality import Quality
from crossmedia.report.panels import Grid, Panel
from crossmedia.tasks.base import to_uint8
from crossmedia.tasks.floors import Floors, remarks
from crossmedia.tasks.phases import Phase, PhasedTask
from crossmedia.tasks.starts import Start, Starts, told_score

GRID, ROWS, STEPS = 64, 4, 12  # pictures of the fixed grid; its rows, and those of ways between latents
TOGETHER = 16  # pictures made at once, always so many: one does not depend on how many are asked for
WATCHED, SEARCHED = 10_000, 50_000  # training pictures that one may be a copy of: validation, test


class GAN(PhasedTask):
    """Generative adversarial nets (Goodfellow et al., 2014): the discriminator moves on every batch, the
    generator (`net`) on every `n_critic`-th.

    `penalty` is the weight of WGAN-GP's gradient penalty, `r1` that of R1, by which every `r1_every`-th step
    pays for those between (Karras et al., 2020). With `r1_end` it shrinks to that by the same part each step:
    at first it keeps the game stable, later it would hide small differences (after Huang et al., 2024).
    `augment` changes what the discriminator sees, real and made alike. `features` score: their name is part
    of each score's. With a `KindView` the net draws, and the discriminator judges, pictures of told kinds
    (Mirza and Osindero, 2014).

    Raises ValueError where WGAN-GP's discriminator has batch norm: the penalty is on the gradient of each
    sample, which batch norm mixes with others (Gulrajani et al., 2017, section 4).
    """

    def __init__(
        self,
        net: nn.Module,
        discriminator: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        discriminator_optimizer: Callable[..., Optimizer],
        features: nn.Module,
        schedule: Callable[..., LRScheduler] | None = None,
        loss: Loss = "hinge",
        n_critic: int = 1,
        penalty: float = 10.0,
        r1: float = 0.0,
        r1_every: int = 1,
        r1_end: float | None = None,
        augment: Callable[[Tensor], Tensor] | None = None,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(n_critic=n_critic, penalty=penalty, r1=r1, r1_every=r1_every, r1_end=r1_end)
        if r1_end is not None and not r1:
            raise ValueError(f"r1_end {r1_end}: needs an r1 above 0")
        one_of(LOSSES, loss=loss)
        mixing = [m for m in discriminator.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        if loss == "wgan_gp" and mixing:
            raise ValueError(
                f"loss wgan_gp: must have a discriminator without batch norm, so that the penalty is each "
                f"sample's own; this one has {type(mixing[0]).__name__}. Set discriminator.norm=layer or none"
            )
        self.discriminator, self._discriminator_optimizer = discriminator, discriminator_optimizer
        self.loss: Loss = loss
        self.n_critic, self.augment = n_critic, augment
        self.penalty, self.r1, self.r1_every, self.r1_end = penalty, r1, r1_every, r1_end
        self.starts = Starts(net, meta)
        judged = tuple(getattr(discriminator, "kinds", ()))
        if judged != self.starts.values:
            raise ValueError(
                f"discriminator.kinds {[*judged]}: must be as net.kinds, {[*self.starts.values]}"
            )
        self.quality = Quality(features)
        self.scores = Quality.scores_of(features) | told_score(
            features, self.starts.values, self.starts.objects
        )
        self.as_told = MeanMetric()
        self.found: dict[str, Tensor] = {}  # the scores of the split that was scored last

    @functools.cached_property
    def _real(self) -> Drawn:
        return Drawn(self.data, lambda images: self.quality.features_of(images.to(self.device)).features)

    @classmethod
    def scored(cls, model: dict[str, Any]) -> dict[str, str]:
        """ConfigError where the config's `features` score no pictures."""
        parts = (model.get(part) for part in ("features", "net"))
        node, net = (part if isinstance(part, dict) else {} for part in parts)
        try:
            kind = locate(node.get("_target_"), "model.features")
        except ConfigError:  # the node's own check tells
            return {}
        if not scores_pictures(kind):
            raise ConfigError(f"model.features={kind.__name__}: {NEEDED}")
        features = known(node)
        return Quality.scores_of(features) | told_score(features, net.get("kinds"), net.get("objects", 1))

    def phases(self) -> list[Phase]:
        return [
            Phase("d", [self.discriminator], self._d_loss, self._discriminator_optimizer),
            Phase("g", [self.net], self._g_loss, self._optimizer, self.n_critic),
        ]

    def nets(self) -> list[nn.Module]:
        """Without the discriminator where a penalty is paid for its gradient: what AOTAutograd made cannot be
        differentiated twice."""
        return [self.net] if self.r1 or self.loss == "wgan_gp" else super().nets()

    def ready(self) -> None:
        self.quality.ready()

    def _d_loss(self, batch: ImageBatch | KindBatch) -> Tensor:
        real = batch.inputs
        with torch.no_grad():
            start = self.starts.beside(batch)
            fake = self.net(*start)
        judge = functools.partial(self._judge, kinds=start[1:])
        loss = discriminator_loss(self.loss, judge(real), judge(fake))
        if self.loss == "wgan_gp":
            loss = loss + self.penalty * gradient_penalty(judge, real, fake)
        if self.r1 and self.number % self.r1_every == 0:
            loss = loss + self.r1_every * self._r1_now() * r1_penalty(judge, real)
        return loss

    def _r1_now(self) -> float:
        return self.r1 if self.r1_end is None else self.r1 * (self.r1_end / self.r1) ** self.progress

    def _g_loss(self, batch: ImageBatch | KindBatch) -> Tensor:
        start = self.starts.beside(batch)
        return generator_loss(self.loss, self._judge(self.net(*start), start[1:]))

    def _judge(self, images: Tensor, kinds: Start) -> Tensor:
        """Scores in float32, also where the nets compute in half of it."""
        return self.discriminator(self.augment(images) if self.augment else images, *kinds).float()

    def score(self, batch: ImageBatch | KindBatch, split: str) -> None:
        """One made picture beside each real one, by a latent, and a kind as often as in training, that are
        its id's: the same in any batch.

        A record's output is the class that the features are surest of, its score how sure.
        """
        ids = ids_of(batch)
        real = batch.inputs[batch.valid]
        start = self.starts.named(*(("score", name) for name in ids)) if ids else ()
        fake = self._from(start) if ids else real
        fake = ((fake.float() + 1) * 127.5).round() / 127.5 - 1  # the 8 bits that a file has
        self.quality.update(real, fake, [address("place", name) for name in ids])
        kind = torch.zeros(0, dtype=torch.long, device=real.device)
        if ids:
            sure, kind = self.quality.probabilities[-1].view(len(ids), -1).max(1)
            rows = zip(ids, kind.tolist(), sure.tolist(), strict=True)
            self.records += [{"id": name, "output": k, "score": round(p, 4)} for name, k, p in rows]
        self._heed(start, kind, split)

    def _heed(self, start: Start, read: Tensor, split: str) -> None:
        """Log how many pictures are read as the kind that was told, where the features tell kinds."""
        name = f"as_told_{self.quality.name}"
        if name in self.scores:
            if len(read):  # a rank may have none
                self.as_told.update(self.starts.numbers(start).to(read) == read)
            self.log_score(split, name, self.as_told, len(read))

    def on_validation_epoch_start(self) -> None:
        super().on_validation_epoch_start()
        self._need("val", self.trainer.num_val_batches)

    def on_test_epoch_start(self) -> None:
        super().on_test_epoch_start()
        self._need(self.test_split, self.trainer.num_test_batches)

    def _need(self, split: str, batches: list[int | float]) -> None:
        """DataError before any picture is made: too few are left by a limit of batches, or to train on."""
        left = sum(batches) * self.data.eval_batch_size * self.trainer.world_size
        self.quality.need(int(min(len(self.data.split(split)), left)), split)
        self.quality.need(len(self.data.split("train")), "train")

    def on_validation_epoch_end(self) -> None:
        self._log_quality("val")

    def on_test_epoch_end(self) -> None:
        self._log_quality(self.test_split)

    def _log_quality(self, split: str) -> None:
        """The scores; beside them the floor, FID and KID between as many real pictures and training ones.

        The training split has no other pictures of its kind, so no floor.
        """
        found = {f"{name}_{self.quality.name}": value for name, value in self.quality.compute().items()}
        pool = self._training(split)
        real = self._real.features(split, self.quality.n)
        self._floors = None if split == "train" else Floors(real, pool)
        if self._floors:
            found |= self._floors.scores(self.quality.name)
        for name, value in found.items():
            self.log(f"{split}/{name}", value.float())
        self.found = found
        self._grid = self._made([("grid", number) for number in range(GRID)])
        self._grid_features = self._features_of(self._grid)
        self._nearest = nearest(self._grid_features, pool)
        self._usual = nearest(real[:GRID], pool)[0].median().item() if self._floors else None

    def _training(self, split: str) -> Tensor:
        return self._real.features("train", WATCHED if split == "val" else SEARCHED)

    def _features_of(self, pictures: Tensor) -> Tensor:
        return self.quality.features_of(pictures.to(self.device).float() / 127.5 - 1).features

    def forget(self) -> None:
        super().forget()
        self.quality.reset()

    def notes(self, split: str) -> list[str]:
        """What the scores rest on, and signs of a collapse."""
        name, count = self.quality.name, self.quality.n
        floor = self._floors.told() if self._floors else ""
        said = f"{split}: {count} made and {count} real pictures, features of {name}{floor}"
        return [said, *remarks(split, name, self.found, self._nearest[0], self._usual)]

    @torch.inference_mode()
    def generate(self, *, n: int = 16, seed: int = 0, first: int = 0, kind: str | None = None) -> Tensor:
        """Pictures (n, 3, H, W) uint8; number i of a seed is the same picture whatever n is.

        `kind` says what to draw, where the model is told that, as "small red circle"; what it leaves open is
        drawn. An object each between commas.
        """
        within(n=n, seed=seed, first=first)
        wanted = None if kind is None else self.starts.wanted(kind)
        return self._made([(seed, number) for number in range(first, first + n)], wanted)

    def panels(self, split: str) -> list[Panel]:
        with torch.no_grad():
            corners = self.starts.named(*(("corner", number) for number in range(ROWS + 1)))
            between = to_uint8(self._from(self.starts.ways(corners, STEPS)))
        return [
            Grid("Samples of fixed latents", self._grid, columns=GRID // ROWS, through=True),
            self._beside_training(split),
            Grid("From one latent to another", between, columns=STEPS),
        ]

    def _beside_training(self, split: str) -> Panel:
        """The nearest training pictures by their features; a copy of one would be at no distance."""
        pool = self._training(split)
        rows = self._nearest[1][: self.shown, 0]
        return beside_nearest(
            self._grid[: self.shown],
            to_uint8(self._real.pictures("train", rows.tolist())),
            (self._grid_features[: self.shown], pool[rows]),
            usual=self._usual,
            among=len(pool),
        )

    def _made(self, addresses: list[tuple[Any, ...]], wanted: Tensor | None = None) -> Tensor:
        """Pictures (N, 3, H, W) uint8 of the starts that these addresses name, of the kinds `wanted`."""
        parts = []
        for place in range(0, len(addresses), TOGETHER):
            part = addresses[place : place + TOGETHER]
            filled = part + part[-1:] * (TOGETHER - len(part))
            start = self.starts.named(*filled, wanted=wanted)
            parts.append(to_uint8(self._from(start))[: len(part)])
        return torch.cat(parts)

    def _from(self, start: Start) -> Tensor:
        return self.net(*(part.to(self.device) for part in start))
