"""What a generator starts from: latents and, where it is told them, the kinds of objects that it is to draw.

B pictures, Z latents, N objects of a picture, A attributes of an object.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from crossmedia.data.batches import Meta
from crossmedia.data.order import generator
from crossmedia.errors import ConfigError, brief

STRAIGHT = 1e-3  # sine of an angle at which an arc is a line, or none: latents of one number
Start = tuple[Tensor, ...]  # what `net(*start)` takes: latents (B, Z), and kinds (B, N, A)


class Starts:
    """Those of a net. Kinds are drawn as often as training has them, each object's by itself, also where the
    objects of a scene are never alike.

    Raises ConfigError where the net is told kinds and the data does not tell any, or the other way round.
    """

    def __init__(self, net: nn.Module, meta: Meta):
        given: Any = net
        self.width: int = given.latent_dim
        self.values = values = tuple(getattr(net, "kinds", ()))
        self.objects: int = getattr(net, "objects", 1) if values else 0
        if bool(values) != bool(meta.kinds):
            tells, told = ("tells", "is told none") if meta.kinds else ("tells no", "is told some")
            raise ConfigError(
                f"data.view: {tells} kinds of objects, and model.net {told}. Set both or neither: "
                "data.view._target_=crossmedia.data.views.KindView, and kinds of net and discriminator"
            )
        *attributes, counts = torch.tensor(meta.kinds or [(0, 1)]).unbind(1)
        if values and (len(attributes) != len(values) or any(map(_beyond, attributes, values))):
            most = [int(column.max()) + 1 for column in attributes]
            raise ConfigError(f"model.net.kinds={list(values)}: the data has {most}")
        if values and self.objects != meta.objects:
            raise ConfigError(f"model.net.objects={self.objects}: the data has {meta.objects} in each scene")
        self.kinds, self.counts = torch.stack(attributes, 1), counts.double()
        self.names = tuple(part[:count] for part, count in zip(meta.names, values, strict=False))

    def named(self, *addresses: tuple[Any, ...], wanted: Tensor | None = None) -> Start:
        """Of each address its own, on the CPU, whatever others are asked for beside it; with `wanted` of the
        kinds (N, A) that it names, where it is not -1."""
        latents = [torch.randn(self.width, generator=generator("latent", *parts)) for parts in addresses]
        if not self.objects:
            return (torch.stack(latents),)
        draws = [generator("kind", *parts) for parts in addresses]
        if wanted is None:
            rows = [torch.multinomial(self.counts, self.objects, True, generator=draw) for draw in draws]
            return torch.stack(latents), self.kinds[torch.stack(rows)]
        return torch.stack(latents), torch.stack([self._drawn(wanted, draw) for draw in draws])

    def _drawn(self, wanted: Tensor, draw: torch.Generator) -> Tensor:
        """Kinds (N, A), as they are wanted and else as training has them; where none fits, as it has any."""
        rows = []
        for one in wanted:
            fits = ((self.kinds == one) | (one < 0)).all(1)
            counts = self.counts * fits if fits.any() else self.counts
            kind = self.kinds[torch.multinomial(counts, 1, generator=draw)[0]]
            rows.append(torch.where(one < 0, kind, one))
        return torch.stack(rows)

    def wanted(self, text: str) -> Tensor:
        """`small red circle, star` as (N, A), -1 where it says nothing of an attribute or an object.

        Raises ValueError for what names no value, two of one attribute, or more objects than a picture has.
        """
        if not self.names:
            raise ValueError(f"kind {text}: this model was told no names of kinds")
        phrases = text.lower().split(",")
        if len(phrases) > self.objects:
            raise ValueError(f"kind {text}: {len(phrases)} objects; its pictures have {self.objects}")
        found = torch.full((self.objects, len(self.names)), -1)
        for row, phrase in enumerate(phrases):
            for word in phrase.split():
                place = next((a for a, values in enumerate(self.names) if word in values), None)
                if place is None:
                    known = brief(", ".join(value for values in self.names for value in values), 300)
                    raise ValueError(f"kind {word}: must be words of {known}")
                if found[row, place] >= 0:
                    raise ValueError(
                        f"kind {phrase.strip()}: two words for one of {len(self.names)} attributes"
                    )
                found[row, place] = self.names[place].index(word)
        return found

    def numbers(self, start: Start) -> Tensor:
        """That of the kind of each picture's first object, in the order of `itertools.product`, (B,)."""
        number = torch.zeros(len(start[0]), dtype=torch.long)
        for column, count in zip(start[1][:, 0].unbind(1), self.values, strict=True):
            number = number * count + column
        return number

    def beside(self, batch: Any) -> Start:
        """As many as the batch's pictures, of their kinds; another each time."""
        latents = torch.randn(len(batch.inputs), self.width, device=batch.inputs.device)
        return (latents, batch.kinds) if self.objects else (latents,)

    def ways(self, corners: Start, steps: int) -> Start:
        """From each corner to the next in so many steps; half-way its kinds become the next one's."""
        latents = corners[0]
        arcs = [_arc(*pair, steps) for pair in zip(latents, latents[1:], strict=False)]
        late = [k + int(step >= steps / 2) for k in range(len(arcs)) for step in range(steps)]
        return torch.cat(arcs), *(part[late] for part in corners[1:])


def told_score(features: Any, kinds: Any, objects: Any) -> dict[str, str]:
    """The score of being read as told: where one object is, of kinds that the features tell, too."""
    told = objects == 1 and isinstance(kinds, Sequence) and tuple(kinds)
    return {f"as_told_{features.name}": "max"} if told and told == getattr(features, "kinds", ()) else {}


def _beyond(column: Tensor, values: int) -> bool:
    return int(column.max()) >= values


def _arc(one: Tensor, other: Tensor, steps: int) -> Tensor:
    """(steps, Z) on the arc from one to the other: Gaussian latents are all about as long (White, 2016)."""
    angle = torch.acos(torch.cosine_similarity(one, other, dim=0).clamp(-1, 1))
    part = torch.linspace(0, 1, steps)[:, None]
    if torch.sin(angle) < STRAIGHT:
        return (1 - part) * one + part * other
    return (torch.sin((1 - part) * angle) * one + torch.sin(part * angle) * other) / torch.sin(angle)
