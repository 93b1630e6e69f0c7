"""Computed targets of a data set: what is computed from its items and their elements, and its scores."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..data.items import AbstractItems, BadItemError, as_bad_item
from ..methods.computed.info import ComputedInfo
from ..methods.computed.scores import NormalScores
from ..modality.base import AbstractModality
from ..modality.inferred import plain_encoder
from ..modality.optional import ComputesTargets
from ..modality.transform import AbstractTransform
from ..networks.modes import evaluating

ItemT = TypeVar("ItemT")

FITTED = 1024
"""So many items, evenly over the data set, say how each number is distributed."""
PLAIN = 256
"""So many of them say how plain features are."""


@final
@dataclass(frozen=True)
class Computing(Generic[ItemT]):
    """What is computed from an item, in a fixed order; it travels to worker processes.

    Attributes:
        modality: computes it.
        names: of the numbers.
    """

    modality: ComputesTargets[ItemT]
    names: tuple[str, ...]

    @classmethod
    def of(cls, modality: ComputesTargets[ItemT], first: ItemT, name: str) -> "Computing[ItemT]":
        """What is computed from the first item of a data set, and so from all of them; its name is for messages.

        Raises:
            BadItemError: if the numbers cannot be computed.
        """
        return cls(modality, tuple(_numbers(modality, first, name)))

    def __call__(self, item: ItemT, name: str) -> Float[Tensor, " values"]:
        """The numbers; NaN for what cannot be computed, or is not finite.

        Raises:
            BadItemError: if the modality refuses the item, or gives numbers with other names than those of the first.
        """
        found = _numbers(self.modality, item, name)
        if found.keys() != set(self.names):
            other = ", ".join(sorted(found.keys() ^ set(self.names))[:5])
            raise BadItemError(
                name,
                f"its computed targets are not those of the first item, they differ in {other}; the modality must give "
                "the same names for every item, NaN for what cannot be computed",
            )
        return row_of(found, self.names)


def _numbers(modality: ComputesTargets[ItemT], item: ItemT, name: str) -> Mapping[str, float]:
    try:
        return modality.computed(item)
    except (ValueError, ArithmeticError) as error:
        raise BadItemError(name, f"its targets cannot be computed ({error}); leave it out with --skip-bad") from error


def row_of(found: Mapping[str, float], names: tuple[str, ...]) -> Float[Tensor, " values"]:
    """Numbers in a fixed order, NaN for what is not finite in float32."""
    row = torch.tensor([float(found[name]) for name in names], dtype=torch.float64).float()
    return torch.where(row.isfinite(), row, math.nan)


@final
@dataclass(frozen=True)
class ComputedTargets(Generic[ItemT]):
    """What a method knows of computed targets, and what computes them from the items of a run.

    Attributes:
        info: for the method.
        computing: for the data; None where the modality computes nothing from items.
    """

    info: ComputedInfo
    computing: Computing[ItemT] | None


def computed_targets(
    modality: AbstractModality[ItemT], items: AbstractItems[ItemT], source: AbstractTransform[ItemT], skip_bad: bool
) -> ComputedTargets[ItemT]:
    """Compute the targets of up to `FITTED` training items, and fit the scores of all numbers.

    Targets are those of the source view, as in training; items that are read anew every time are read once here.

    Args:
        modality: of the items.
        items: to train on.
        source: the transform that makes the source view of an item.
        skip_bad: leave out items that cannot be read.

    Raises:
        BadItemError: for an item that cannot be read, unless `skip_bad`.
        ValueError: if no item can be read.
    """
    count = min(len(items), FITTED)
    places = np.linspace(0, len(items) - 1, count).round().astype(int) if count else np.empty(0, int)
    every = max(1, count // PLAIN)
    computing: Computing[ItemT] | None = None
    rows, kept = list[Tensor](), list[ItemT]()
    for number, place in enumerate(places.tolist()):
        rng = np.random.default_rng([0, place])
        if not isinstance(modality, ComputesTargets) and number % every:
            continue  # plain features need no more
        try:
            item, _ = source(items.read(place, rng), rng)
            if isinstance(modality, ComputesTargets):
                computing = computing or Computing.of(modality, item, items.name(place))
                rows.append(computing(item, items.name(place)))
        except Exception as error:
            bad = as_bad_item(items.name(place), error)
            if not skip_bad:
                raise bad from error
            continue
        if number % every == 0 or not kept:
            kept.append(item)
    if not kept:
        raise ValueError("no item can be read, so there is nothing to compute targets from")
    plain = plain_encoder(modality, items)
    with evaluating(plain):
        features = [plain(modality.collate([item])) for item in kept]
    elements = torch.cat([one.values[one.valid].float() for one in features])
    names = () if computing is None else computing.names
    scores = fitted(torch.stack(rows)) if names else None
    return ComputedTargets(ComputedInfo(names, scores, plain, fitted(elements)), computing if names else None)


def fitted(rows: Float[Tensor, "rows values"]) -> NormalScores:
    """The scores of the numbers in these rows."""
    scores = NormalScores(rows.shape[1])
    scores.fit(rows)
    return scores
