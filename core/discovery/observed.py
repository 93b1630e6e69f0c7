"""What objects are found in, element by element: it can be cut into pieces and put together again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.course import Course
from ..data.feature_map import FeatureMap
from ..data.pieces import one_behind_the_other, padded_features, part_of, rows_behind, rows_in_parts, rows_of_item
from ..data.places import Places
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

    def part(self, row: int, places: Int[Tensor, " own"], own: Places | None) -> "Observed":
        """Some elements of one item, as a batch of one on the CPU; `own` is where they lie."""
        return Observed(
            part_of(self.features, row, places, own),
            _taken(self.plain, row, places),
            _taken(self.background, row, places),
            _taken(_numbers(self.cuts), row, places),
        )

    def to(self, device: torch.device | str) -> "Observed":
        """The same on another device."""
        plain, background = (None if x is None else x.to(device) for x in (self.plain, self.background))
        cuts = self.cuts
        if isinstance(cuts, FineSegments):
            cuts = FineSegments(cuts.labels.to(device), cuts.grid)
        elif cuts is not None:
            cuts = cuts.to(device)
        return Observed(self.features.to(device), plain, background, cuts)


def padded(parts: Sequence[Observed]) -> Observed:
    """Batches of one as one batch.

    Raises:
        ValueError: if they lie on grids that differ along other axes than the first.
    """
    maps = [part.features for part in parts]
    return _together(parts, padded_features(maps), lambda rows: rows_in_parts(rows, maps))


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


def _taken(rows: Tensor | None, row: int, places: Tensor) -> Tensor | None:
    return None if rows is None else rows_of_item(rows, row, places.to(rows.device))
