"""Transforms of rows, each with its correspondence, and the views made of them.

A cell that is there shows itself; one that is replaced shows no cell of the source. No transform drops the last cell.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, final

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from gestalt.core.components.ranges import Between, Share, check_ordered, check_ranges
from gestalt.core.data.correspondence import Index
from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transform import AbstractTransform, Chain, Views
from gestalt.core.modality.transplant import Transplant

from .columns import ABSENT, DRAWS, KNOWN
from .data import Row

Deviations = Annotated[float, Between(0.0, 100.0)]
"""How much noise is added, in deviations of the column."""

Factor = Annotated[float, Between(0.001, 1000.0)]
"""By what standardised numbers are multiplied, or to what they are rounded."""


def unchanged(item: Row) -> Index:
    """The correspondence of a row to itself."""
    return Index.identity(len(item))


def _drawn(item: Row, share: float, rng: np.random.Generator) -> Bool[Tensor, " cells"]:
    """Cells that are drawn one by one; one is not, at least."""
    numbers = torch.from_numpy(rng.random(len(item)))
    drawn = numbers < share
    if len(item) and bool(drawn.all()):
        drawn[int(numbers.argmax())] = False
    return drawn


@final
class Corrupt(AbstractTransform[Row]):
    """A share of the cells replaced by what other rows have in the same column, missing cells among them.

    Source: Bahri et al., "SCARF" (2022), where the share is 0.6; cells are drawn from 64 that stand for each column.
    """

    def __init__(self, share: Share = 0.3) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Row, rng: np.random.Generator) -> tuple[Row, Index]:
        """A cell that is replaced shows none of the source."""
        drawn = _drawn(item, self.share, rng)
        place = torch.from_numpy(rng.integers(DRAWS, size=len(item)))
        values, codes = (one[item.columns, place] for one in item.schema.draws)
        own = torch.where(drawn, -1, torch.arange(len(item)))
        made = replace(
            item, values=torch.where(drawn, values, item.values), codes=torch.where(drawn, codes, item.codes)
        )
        return made, Index(own[None], torch.ones(1, dtype=torch.bool))


@final
class Hide(AbstractTransform[Row]):
    """A share of the cells taken away, drawn one by one."""

    def __init__(self, share: Share = 0.2) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Row, rng: np.random.Generator) -> tuple[Row, Index]:
        """The cells that are left show themselves."""
        kept = (~_drawn(item, self.share, rng)).nonzero()[:, 0]
        return item.take(kept), Index(kept[None], torch.ones(1, dtype=torch.bool))


@final
class Part(AbstractTransform[Row]):
    """A share of `least` … `most` of the cells: a small view."""

    def __init__(self, least: Share = 0.3, most: Share = 0.6) -> None:
        self.least = least
        self.most = most
        check_ranges(self)
        check_ordered(self, "least", "most")

    def __call__(self, item: Row, rng: np.random.Generator) -> tuple[Row, Index]:
        """The cells that are left show themselves."""
        count = min(len(item), max(1, round(rng.uniform(self.least, self.most) * len(item))))
        kept = torch.from_numpy(np.sort(rng.permutation(len(item))[:count]))
        return item.take(kept), Index(kept[None], torch.ones(1, dtype=torch.bool))


@final
class Noise(AbstractTransform[Row]):
    """Gaussian noise on numbers and dates, in deviations of their columns."""

    def __init__(self, size: Deviations = 0.1) -> None:
        self.size = size
        check_ranges(self)

    def __call__(self, item: Row, rng: np.random.Generator) -> tuple[Row, Index]:
        """Every cell shows itself."""
        noise = torch.from_numpy(rng.normal(0, self.size, len(item)).astype(np.float32))
        there = item.schema.numeric[item.columns] & (item.codes == KNOWN)
        return replace(item, values=item.values + noise * there), unchanged(item)


@final
class Missing(AbstractTransform[Row]):
    """A share of the cells is missing, drawn one by one: what is there no more shows nothing of the source."""

    def __init__(self, share: Share = 0.2) -> None:
        self.share = share
        check_ranges(self)

    def __call__(self, item: Row, rng: np.random.Generator) -> tuple[Row, Index]:
        """A cell that is missing shows none of the source."""
        drawn = _drawn(item, self.share, rng)
        own = torch.where(drawn, -1, torch.arange(len(item)))
        made = replace(item, values=item.values * ~drawn, codes=torch.where(drawn, ABSENT, item.codes))
        return made, Index(own[None], torch.ones(1, dtype=torch.bool))


@final
class Gain(AbstractTransform[Row]):
    """Every number and date nearer to the mean of its column, or farther, by a factor of its own."""

    def __init__(self, low: Factor = 0.8, high: Factor = 1.25) -> None:
        self.low = low
        self.high = high
        check_ranges(self)
        check_ordered(self, "low", "high")

    def __call__(self, item: Row, rng: np.random.Generator) -> tuple[Row, Index]:
        """Every cell shows itself."""
        gain = torch.from_numpy(rng.uniform(self.low, self.high, len(item)).astype(np.float32))
        return replace(item, values=item.values * gain), unchanged(item)


@final
class Coarse(AbstractTransform[Row]):
    """Numbers and dates rounded to multiples of `step`, in deviations of their columns, as if measured coarsely."""

    def __init__(self, step: Factor = 0.25) -> None:
        self.step = step
        check_ranges(self)

    def __call__(self, item: Row, rng: np.random.Generator) -> tuple[Row, Index]:  # noqa: ARG002
        """Every cell shows itself."""
        return replace(item, values=(item.values / self.step).round() * self.step), unchanged(item)


def chain(*steps: tuple[float, AbstractTransform[Row]]) -> Chain[Row]:
    """Transforms in a row, as pairs (probability, transform); none is the item itself."""
    return Chain(unchanged, steps)


def default_views(count: int = 2) -> Views[Row]:
    """`count` views of each row: cells replaced by those of other rows, by chance some taken away, numbers noisy."""
    steps = ((1.0, Corrupt()), (0.5, Hide()), (0.5, Noise()))
    return Views(chain(), (chain(*steps),) * count)


CHOICES: Mapping[str, Mapping[str, AbstractTransform[Row]]] = {
    "cells": {"own": chain(), "mixed": Corrupt(0.5)},
}
"""Whether the cells are those of one row."""


def transplant(host: Row, donor: Row, part: ItemMasks, rng: np.random.Generator) -> Transplant[Row] | None:  # noqa: ARG001
    """The cells of a part in place of the host's in the same columns.

    Returns:
        None for a part of none of the host's columns, or of all of them, and for rows of other schemas.
    """
    if host.schema.digest != donor.schema.digest:
        return None
    source = torch.full((len(host.schema.columns),), -1)
    inside = (part.under(None, len(donor)) >= 0).nonzero()[:, 0]
    source[donor.columns[inside]] = inside
    taken = source[host.columns]
    there = taken >= 0
    if not bool(there.any()) or bool(there.all()):
        return None
    own = torch.where(there, -1, torch.arange(len(host)))
    made = replace(
        host,
        values=torch.where(there, donor.values[taken], host.values),
        codes=torch.where(there, donor.codes[taken], host.codes),
    )
    return Transplant.of_set(made, own.tolist(), taken.tolist())
