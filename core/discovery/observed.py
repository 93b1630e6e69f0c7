"""What objects are found in, element by element: it can be cut into pieces and put together again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.feature_map import FeatureMap, Grid
from ..data.pieces import chained_features, padded_features, padded_rows, part_of, rows_of_item
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

    def part(self, row: int, places: Int[Tensor, " own"], grid: Grid | None) -> "Observed":
        """Some elements of one item, as a batch of one on the CPU; `grid` is theirs."""
        return Observed(
            part_of(self.features, row, places, grid),
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
    plain = [part.plain for part in parts if part.plain is not None]
    background = [part.background for part in parts if part.background is not None]
    cuts = [numbers for part in parts if (numbers := _numbers(part.cuts)) is not None]
    return Observed(
        padded_features([part.features for part in parts]),
        padded_rows(plain) if plain else None,
        padded_rows(background) if background else None,
        padded_rows(cuts) if cuts else None,
    )


def chained(parts: Sequence[Observed]) -> Observed:
    """Batches of one as one item, one behind the other."""
    plain = [part.plain for part in parts if part.plain is not None]
    background = [part.background for part in parts if part.background is not None]
    cuts = [numbers for part in parts if (numbers := _numbers(part.cuts)) is not None]
    return Observed(
        chained_features([part.features for part in parts]),
        torch.cat(plain, dim=1) if plain else None,
        torch.cat(background, dim=1) if background else None,
        torch.cat(cuts, dim=1) if cuts else None,
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
