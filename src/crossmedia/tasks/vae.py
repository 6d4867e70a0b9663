"""Pictures as latents of a known distribution: the variational autoencoder."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from crossmedia.data.batches import ImageBatch, Meta
from crossmedia.data.order import generator
from crossmedia.limits import one_of, within
from crossmedia.losses.likelihood import (
    LEAST_LOG_SCALE,
    bernoulli,
    discretised_logistic,
    gaussian,
    gaussian_kl,
    importance_weighted,
)
from crossmedia.metrics.vectors import VectorMean
from crossmedia.report.panels import Curve, Grid, Panel
from crossmedia.tasks.base import Task, to_uint8
from crossmedia.tasks.reconstruction import Reader, pairs, reader_scores, record

Likelihood = Literal["logistic", "bernoulli"]
PARAMETERS = {"logistic": 2, "bernoulli": 1}  # numbers a pixel-channel that the net gives
USED = 0.01  # nats; the KL of a latent that carries something
TRAVERSED, STEPS = 32, 8  # latents whose traversal is shown, at most; pictures of each
REACH = 2.0  # standard deviations of the prior that a traversal goes to each side
TOGETHER = 16  # prior samples that are decoded at once, always so many: a picture does not depend on n


class VAE(Task):
    """Evidence lower bound of pictures (Kingma and Welling, 2014), in bits per dimension.

    `likelihood`: "logistic" for 8-bit pixels (Kingma et al., 2016; Salimans et al., 2017), "bernoulli" for
    black and white ones. `beta` weighs the KL (β-VAE; Higgins et al., 2017); its weight grows from 0 over the
    first `warmup` optimizer steps (Sønderby et al., 2016). A latent's KL below `free_bits` nats costs these
    (Kingma et al., 2016). `beta_nll` weighs each pixel in the loss by its logistic's variance to this power
    (β-NLL; Seitzer et al., 2022): in the plain bound, 0, pixels that are easy drown the others. `loss` is
    this objective in every split; where nothing trains it is past the warm-up, and without free bits, which
    are those of a batch. Scored by the bound itself, β = 1; on test splits by its mean over
    `importance_samples`, beside it their importance-weighted bound (Burda et al., 2016), `bits_per_dim_iw`.
    `features` reads attributes in pictures and reconstructions. Noise in scoring is keyed by the sample's id.
    """

    scores = {"bits_per_dim": "min"}

    def __init__(
        self,
        net: nn.Module,
        meta: Meta,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler] | None = None,
        likelihood: Likelihood = "logistic",
        beta: float = 1.0,
        free_bits: float = 0.0,
        warmup: int = 0,
        beta_nll: float = 0.0,
        importance_samples: int = 64,
        features: nn.Module | None = None,
    ):
        super().__init__(net, meta, optimizer, schedule)
        within(beta=beta, free_bits=free_bits, warmup=warmup)
        within(beta_nll=beta_nll, importance_samples=importance_samples)
        one_of(get_args(Likelihood), likelihood=likelihood)
        given: Any = net
        if given.outputs != PARAMETERS[likelihood]:
            raise ValueError(
                f"net.outputs {given.outputs}: must be {PARAMETERS[likelihood]} for likelihood {likelihood}"
            )
        if beta_nll and likelihood != "logistic":
            raise ValueError(
                f"beta_nll {beta_nll}: must be 0 for likelihood {likelihood}, which has no scale"
            )
        self.likelihood, self.beta, self.free_bits, self.warmup = likelihood, beta, free_bits, warmup
        self.beta_nll, self.importance_samples = beta_nll, importance_samples
        self.reader = Reader(features) if features else None
        self.kl = VectorMean(given.latents)  # nats a latent

    @classmethod
    def scored(cls, model: dict[str, Any]) -> dict[str, str]:
        return {**cls.scores, **reader_scores(model)}

    def training_step(self, batch: ImageBatch, batch_idx: int) -> Tensor:
        net: Any = self.net
        noise = torch.randn(len(batch.inputs), net.latents, device=self.device)
        numbers, mean, log_variance = net(batch.inputs, noise)
        bits = 1 / (math.log(2) * batch.inputs[0].numel())  # of a nat a picture
        log_probs = self._log_probs(batch.inputs, numbers)  # (B, C, S, S)
        reconstruction = -bits * log_probs.flatten(1).sum(1).mean()
        kl = gaussian_kl(mean, log_variance).mean(0)  # (D,)
        grown = min(1.0, self.global_step / self.warmup) if self.warmup else 1.0
        costs = grown * self.beta * bits * kl.clamp(min=self.free_bits).sum()
        loss = -bits * self._weighed(log_probs, numbers).mean() + costs
        size = len(batch.inputs)
        self.log("train/loss", loss, batch_size=size)
        self.log("train/reconstruction", reconstruction, batch_size=size)
        self.log("train/kl", bits * kl.sum(), batch_size=size)
        return loss

    def score(self, batch: ImageBatch, split: str) -> None:
        net: Any = self.net
        keep, images = batch.valid, batch.inputs
        bits = 1 / (math.log(2) * images[0].numel())
        mean, log_variance = net.encode(images)
        samples = 1 if split == "val" else self.importance_samples
        sampled = self._sampled(images, mean, log_variance, batch.ids, samples)
        likelihoods, weighed, weights = (nats[keep] for nats in sampled)  # (B, K) each
        kl = gaussian_kl(mean, log_variance)[keep]  # (B, D)
        self.kl.update(kl)
        size = int(keep.sum())  # a rank may have none

        def log(name: str, values: Tensor) -> None:
            self.log_score(split, name, values.sum() / max(size, 1), size)

        bounds = -bits * weights.mean(1)  # (B,)
        log("bits_per_dim", bounds)
        if split != "val":
            log("bits_per_dim_iw", -bits * importance_weighted(weights))
        log("reconstruction", -bits * likelihoods.mean(1))
        log("kl", bits * kl.sum(1))
        log("loss", -bits * weighed.mean(1) + self.beta * bits * kl.sum(1))
        own = {"bits_per_dim": bounds}
        if self.reader:
            own[self.reader.score] = self.reader.agreement(images, self._picture(net.decode(mean)))[keep]
            log(self.reader.score, own[self.reader.score])
        record(self, batch, own)

    def on_validation_epoch_end(self) -> None:
        self.kl.compute()  # gathers from every rank

    def on_test_epoch_end(self) -> None:
        self.kl.compute()

    def forget(self) -> None:
        super().forget()
        self.kl.reset()

    @torch.inference_mode()
    def generate(self, *, n: int = 16, seed: int = 0, first: int = 0) -> Tensor:
        """The means at draws `first` to `first + n` from the prior, uint8 (n, 3, H, W); picture i of a seed
        does not depend on n."""
        within(n=n, seed=seed, first=first)
        net: Any = self.net
        whole = -(-n // TOGETHER) * TOGETHER
        latents = torch.stack(
            [
                torch.randn(net.latents, generator=generator("prior", seed, number))
                for number in range(first, first + whole)
            ]
        )
        parts = [self._picture(net.decode(part.to(self.device))) for part in latents.split(TOGETHER)]
        return to_uint8(torch.cat(parts))[:n]

    def encode(self, images: Tensor) -> Tensor:
        """(B, C, S, S) in [-1, 1] -> the means of the latents, (B, *net.latent_shape)."""
        net: Any = self.net
        return net.encode(images)[0].unflatten(1, net.latent_shape)

    def decode(self, latents: Tensor) -> Tensor:
        """(B, *net.latent_shape) -> the means of the pictures, (B, C, S, S) in [-1, 1]."""
        net: Any = self.net
        return self._picture(net.decode(latents.flatten(1)))

    @torch.inference_mode()
    def reconstruct(self, images: Tensor) -> Tensor:
        """(B, C, S, S) in [-1, 1] -> the means of the pictures at the means of their latents, alike."""
        return self.decode(self.encode(images.to(self.device)))

    def panels(self, split: str) -> list[Panel]:
        if not self.pictures:
            return []
        pictures = torch.stack(self.pictures)
        kl = self.kl.compute().cpu().sort(descending=True)
        ranked = [round(value, 4) for value in kl.values.tolist()]
        note = f"{sum(value >= USED for value in ranked)} of {len(ranked)} latents carry {USED} nats or more."
        places = [float(rank) for rank in range(1, len(ranked) + 1)]
        found: list[Panel] = [
            pairs(pictures, self.reconstruct(pictures)),
            Grid("Samples of the prior", self.generate(n=2 * TOGETHER), columns=TOGETHER // 2),
            self._traversals(pictures[:1], kl.indices[:TRAVERSED].tolist(), ranked),
            Curve("KL of each latent", places, {"nats": ranked}, "rank", "nats", note),
        ]
        return found

    def notes(self, split: str) -> list[str]:
        said = []
        if split != "val":
            draws = f"{self.importance_samples} draw{'s' * (self.importance_samples != 1)}"
            said.append(f"{split}: bits_per_dim_iw is the importance-weighted bound of {draws}")
        if bool((self.kl.compute() < USED).all()):
            said.append(f"{split}: the posterior collapsed: no latent carries {USED} nats")
        return said

    @torch.inference_mode()
    def _traversals(self, picture: Tensor, latents: Sequence[int], ranked: Sequence[float]) -> Grid:
        """Rows of one picture's latents, the most telling first, each moved through the prior's range."""
        net: Any = self.net
        steps = torch.linspace(-REACH, REACH, STEPS, device=self.device)
        mean = net.encode(picture.to(self.device))[0]  # (1, D)
        moved = mean.repeat(len(latents), len(steps), 1)  # (rows, steps, D)
        for row, latent in enumerate(latents):
            moved[row, :, latent] = steps
        shown = ", ".join(f"{latent} ({value:.2f})" for latent, value in zip(latents, ranked, strict=False))
        note = f"Each row moves one latent of the first picture from {-REACH:g} to {REACH:g}: {shown} nats."
        images = to_uint8(self._picture(net.decode(moved.flatten(0, 1))))
        left_out = f", {len(latents)} of {len(ranked)} latents" if len(latents) < len(ranked) else ""
        return Grid(f"Traversals by KL{left_out}", images, columns=len(steps), note=note)

    def _sampled(
        self, images: Tensor, mean: Tensor, log_variance: Tensor, ids: Sequence[str], samples: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """log p(x | z), the same as the loss weighs it, and log p(x, z) - log q(z | x), (B, K) each, at draws
        of z that the ids address."""
        net: Any = self.net
        draws = [generator("posterior", name) for name in ids]
        likelihoods, weighed, weights = [], [], []
        for _ in range(samples):  # one at a time, so that the first does not depend on how many there are
            noise = torch.stack([torch.randn(net.latents, generator=draw) for draw in draws]).to(mean)
            latents = mean + (0.5 * log_variance).exp() * noise  # (B, D)
            numbers = net.decode(latents)
            log_probs = self._log_probs(images, numbers)
            likelihoods.append(log_probs.flatten(1).sum(1))
            weighed.append(self._weighed(log_probs, numbers))
            prior = gaussian(latents, torch.zeros_like(mean), torch.zeros_like(mean))
            ratio = (prior - gaussian(latents, mean, log_variance)).sum(1)
            weights.append(likelihoods[-1] + ratio)
        return torch.stack(likelihoods, 1), torch.stack(weighed, 1), torch.stack(weights, 1)

    def _log_probs(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Nats of each pixel-channel, (B, C, S, S)."""
        numbers = numbers.float()
        if self.likelihood == "bernoulli":
            return bernoulli(images, numbers)
        return discretised_logistic(images, *numbers.chunk(2, dim=1))

    def _weighed(self, log_probs: Tensor, numbers: Tensor) -> Tensor:
        """Nats of each picture as the loss weighs them, (B,)."""
        return (self._pixel_weights(numbers) * log_probs).flatten(1).sum(1)

    def _pixel_weights(self, numbers: Tensor) -> Tensor | float:
        """What each pixel-channel counts in the loss, (B, C, S, S), 1 in the mean of a picture."""
        if not self.beta_nll:
            return 1.0
        log_scale = numbers.detach().float().chunk(2, dim=1)[1].clamp(min=LEAST_LOG_SCALE)
        weights = (2 * self.beta_nll * log_scale).exp()
        return weights / weights.mean((1, 2, 3), keepdim=True)

    def _picture(self, numbers: Tensor) -> Tensor:
        """What the numbers of its pixels' distributions look like: (B, C, S, S) in [-1, 1]."""
        if self.likelihood == "bernoulli":
            return 2 * numbers.float().sigmoid() - 1
        return numbers.float().chunk(2, dim=1)[0].clamp(-1, 1)
