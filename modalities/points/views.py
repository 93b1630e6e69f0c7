"""Transforms of point clouds, each with its correspondence, and the views made of them.

A point that is there shows itself, wherever it was moved to. No transform drops the last point.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, final

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from gestalt.core.components.ranges import Between, Share, check_ordered, check_ranges
from gestalt.core.data.correspondence import Index
from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transform import AbstractTransform, Chain, Views
from gestalt.core.modality.transplant import Transplant

from .data import Cloud

Factor = Annotated[float, Between(0.01, 100.0)]
"""A share of a size."""


def unchanged(item: Cloud) -> Index:
    """The correspondence of a cloud to itself."""
    return Index.identity(len(item))


def turned(item: Cloud, turn: Tensor) -> Cloud:
    """Places and normals, turned by a matrix."""
    normals, features = item.normals(), item.features.clone()
    if normals is not None:
        features[:, normals] = features[:, normals] @ turn.T
    return replace(item, places=item.places @ turn.T, features=features)


def _about_vertical(angle: float) -> Tensor:
    cos, sin = np.cos(angle), np.sin(angle)
    return torch.tensor([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype=torch.float32)


def _taken(item: Cloud, index: Int[Tensor, " kept"]) -> tuple[Cloud, Index]:
    """Some of the points, in their order."""
    return item.take(index), Index(index[None], torch.ones(1, dtype=torch.bool))


def _by(item: Cloud, keys: Tensor, kept: int) -> tuple[Cloud, Index]:
    """The `kept` points with the smallest keys, one at least."""
    order = keys.argsort(stable=True)[: max(min(kept, len(item)), min(1, len(item)))]
    return _taken(item, order.sort().values)


@final
class Rotation(AbstractTransform[Cloud]):
    """A turn about the vertical by any angle; normals turn, too."""

    def __call__(self, item: Cloud, rng: np.random.Generator) -> tuple[Cloud, Index]:
        """Every point shows itself."""
        return turned(item, _about_vertical(rng.uniform(0, 2 * np.pi))), unchanged(item)


@final
class Jitter(AbstractTransform[Cloud]):
    """Every point moved by normal noise of `size`, in units of the cloud's own size.

    Source: PointNet (Qi et al., 2017), 0.02 there.
    """

    def __init__(self, size: Share = 0.01) -> None:
        self.size = size
        check_ranges(self)

    def __call__(self, item: Cloud, rng: np.random.Generator) -> tuple[Cloud, Index]:
        """Every point shows itself."""
        noise = torch.from_numpy(rng.normal(0, self.size, (len(item), 3)).astype(np.float32))
        return item.at(item.places + noise), unchanged(item)


@final
class Scaling(AbstractTransform[Cloud]):
    """All places times a factor between `least` and `most`."""

    def __init__(self, least: Factor = 0.8, most: Factor = 1.25) -> None:
        self.least = least
        self.most = most
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Cloud, rng: np.random.Generator) -> tuple[Cloud, Index]:
        """Every point shows itself."""
        factor = float(np.exp(rng.uniform(np.log(self.least), np.log(self.most))))
        return item.at(item.places * factor), unchanged(item)


@final
class Crop(AbstractTransform[Cloud]):
    """What lies on one side of a random plane: a share of `least` … `most` of the points."""

    def __init__(self, least: Share = 0.6, most: Share = 0.9) -> None:
        self.least = least
        self.most = most
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Cloud, rng: np.random.Generator) -> tuple[Cloud, Index]:
        """The points that are left show themselves."""
        direction = torch.from_numpy(rng.normal(size=3).astype(np.float32))
        share = rng.uniform(self.least, self.most)
        return _by(item, (item.places * direction).sum(dim=1), round(share * len(item)))


@final
class Part(AbstractTransform[Cloud]):
    """The points nearest to a random one, a share of `least` … `most` of all: a small view."""

    def __init__(self, least: Share = 0.2, most: Share = 0.5) -> None:
        self.least = least
        self.most = most
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Cloud, rng: np.random.Generator) -> tuple[Cloud, Index]:
        """The points that are left show themselves."""
        share, place = rng.uniform(self.least, self.most), int(rng.integers(max(len(item), 1)))
        if not len(item):
            return item, unchanged(item)
        return _by(item, (item.places - item.places[place]).square().sum(dim=1), round(share * len(item)))


@final
class Hole(AbstractTransform[Cloud]):
    """Without the points nearest to a random one, a share `size` of all."""

    def __init__(self, size: Share = 0.125) -> None:
        self.size = size
        check_ranges(self)

    def __call__(self, item: Cloud, rng: np.random.Generator) -> tuple[Cloud, Index]:
        """The points that are left show themselves."""
        place = int(rng.integers(max(len(item), 1)))
        if not len(item):
            return item, unchanged(item)
        apart = (item.places - item.places[place]).square().sum(dim=1)
        return _by(item, -apart, len(item) - round(self.size * len(item)))


@final
class DropOut(AbstractTransform[Cloud]):
    """Without a share of the points, drawn one by one: as a sensor that sees less."""

    def __init__(self, share: Share = 0.2) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Cloud, rng: np.random.Generator) -> tuple[Cloud, Index]:
        """The points that are left show themselves."""
        numbers = torch.from_numpy(rng.random(len(item)))
        kept = numbers >= self.share
        if len(item) and not bool(kept.any()):
            kept[numbers.argmax()] = True
        return _taken(item, kept.nonzero()[:, 0])


@final
class UpsideDown(AbstractTransform[Cloud]):
    """Half a turn about a horizontal axis: what was above lies below."""

    def __call__(self, item: Cloud, rng: np.random.Generator) -> tuple[Cloud, Index]:  # noqa: ARG002
        """Every point shows itself."""
        return turned(item, torch.diag(torch.tensor([1.0, -1.0, -1.0]))), unchanged(item)


def chain(*steps: tuple[float, AbstractTransform[Cloud]]) -> Chain[Cloud]:
    """Transforms in a row, as pairs (probability, transform); none is the item itself."""
    return Chain(unchanged, steps)


def default_views(count: int = 2) -> Views[Cloud]:
    """`count` views of each cloud: turned, scaled, a part of it with a hole, fewer points, all a little moved."""
    steps = (
        (1.0, Rotation()),
        (0.8, Scaling()),
        (0.8, Crop()),
        (0.5, Hole()),
        (0.5, DropOut()),
        (0.8, Jitter()),
    )
    return Views(chain(), (chain(*steps),) * count)


CHOICES: Mapping[str, Mapping[str, AbstractTransform[Cloud]]] = {
    "upright": {"own": chain(), "upside down": UpsideDown()},
}
"""Which way is up."""


def transplant(host: Cloud, donor: Cloud, part: ItemMasks, rng: np.random.Generator) -> Transplant[Cloud] | None:
    """Points of another cloud among the host's: turned about the vertical, at their own size, on a random point of it.

    Returns:
        None for a part without points or with more than the host, or of other columns.
    """
    inside = part.under(None, len(donor)) >= 0
    taken = inside.nonzero()[:, 0]
    if not 0 < len(taken) <= len(host) or host.columns != donor.columns:
        return None
    angle, place = rng.uniform(0, 2 * np.pi), int(rng.integers(len(host)))
    piece = turned(donor.take(taken), _about_vertical(angle))
    places = (piece.places - piece.places.mean(dim=0)) * (donor.scale / host.scale)
    lowest = torch.stack([places.new_zeros(()), places.new_zeros(()), -places[:, 2].min()])
    made = replace(
        host,
        places=torch.cat([host.places, places + lowest + host.places[place]]),
        features=torch.cat([host.features, piece.features]),
        ids=torch.cat([host.ids, torch.full_like(piece.ids, -1)]),
    )
    return Transplant.of_set(made, [*range(len(host)), *[-1] * len(taken)], [*[-1] * len(host), *taken.tolist()])
