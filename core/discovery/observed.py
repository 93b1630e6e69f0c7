"""What objects are found in, element by element: it can be cut into pieces and put together again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from ..data.batches import Batches, Own, Rows
from ..data.course import Course
from ..data.feature_map import FeatureMap
from ..data.pieces import one_behind_the_other, rows_behind
from .regions.base import FineSegments, Seen


@final
@dataclass(frozen=True)
class Observed:
    """The vectors of a batch that are grouped, and what else a finder must know of every element.

    None of it depends on which other elements there are, so that windows of something long are observed one by one and
    grouped together.

    Attributes:
        features: projections, or hidden features.
        plain: plain features that are put beside them; None where there are none.
        background: what the background remover looks at; None where there is none.
        cuts: what fine segments are cut by, or these themselves; None where there is nothing.
    """

    features: FeatureMap
    plain: Float[Tensor, "batch elements plain"] | None = None
    background: Float[Tensor, "batch elements around"] | None = None
    cuts: Seen | None = None

    def to(self, device: torch.device | str) -> "Observed":
        """The same on another device."""
        plain, background = (None if x is None else x.to(device) for x in (self.plain, self.background))
        cuts = self.cuts
        if isinstance(cuts, FineSegments):
            cuts = FineSegments(cuts.labels.to(device), cuts.grid)
        elif cuts is not None:
            cuts = cuts.to(device)
        return Observed(self.features.to(device), plain, background, cuts)


@final
@dataclass(frozen=True)
class ObservedBatches:
    """What was observed of some batches, on the CPU, of which the elements of any items are taken."""

    features: Batches
    plain: Rows | None
    background: Rows | None
    cuts: Rows | None

    @classmethod
    def of(cls, batches: Sequence[Observed]) -> "ObservedBatches":
        """Of one or several.

        Raises:
            TypeError: if fine segments of whole items are among it, which cannot be cut out.
        """
        return cls(
            Batches.of([one.features for one in batches]),
            _rows([one.plain for one in batches]),
            _rows([one.background for one in batches]),
            _rows([_numbers(one.cuts) for one in batches]),
        )

    def taken(self, items: Sequence[Own]) -> Observed:
        """What was observed of the elements of some items, as one batch.

        Raises:
            ValueError: if they lie on grids that differ along other axes than the first.
        """
        chosen = self.features.chosen(items)
        beside = (self.plain, self.background, self.cuts)
        plain, background, cuts = (None if rows is None else rows.taken(chosen) for rows in beside)
        return Observed(self.features.at(chosen), plain, background, cuts)


def chained(parts: Sequence[Observed], course: Sequence[Course] | None = None) -> Observed:
    """Batches of one as one item, one behind the other.

    Args:
        parts: the windows.
        course: of every window; None for items without parts.
    """
    course = [Course.of(part.features) for part in parts] if course is None else course
    features = one_behind_the_other([part.features for part in parts], course)
    return _together(parts, features, lambda rows: rows_behind(rows, course))


def _together(parts: Sequence[Observed], features: FeatureMap, rows: Callable[[Sequence[Tensor]], Tensor]) -> Observed:
    """What is known of the elements of all parts beside their features, laid out as these are."""
    plain = [part.plain for part in parts if part.plain is not None]
    background = [part.background for part in parts if part.background is not None]
    cuts = [numbers for part in parts if (numbers := _numbers(part.cuts)) is not None]
    return Observed(
        features,
        rows(plain) if plain else None,
        rows(background) if background else None,
        rows(cuts) if cuts else None,
    )


def _numbers(cuts: Seen | None) -> Tensor | None:
    """What fine segments are cut by, element by element.

    Raises:
        TypeError: if they are cut already.
    """
    if isinstance(cuts, FineSegments):
        raise TypeError("fine segments of whole items cannot be put together from windows; cut by FineGroups instead")
    return cuts


def _rows(of_batches: Sequence[Tensor | None]) -> Rows | None:
    """None where nothing is known of any batch."""
    there = [rows.cpu() for rows in of_batches if rows is not None]
    return Rows(tuple(there)) if there else None
