"""What objects are found in, element by element: it can be cut into pieces and put together again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.feature_map import FeatureMap, Grid


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
    """

    features: FeatureMap
    plain: Float[Tensor, "batch elements plain"] | None = None
    background: Float[Tensor, "batch elements numbers"] | None = None

    def part(self, row: int, places: Int[Tensor, " own"], grid: Grid | None) -> "Observed":
        """Some elements of one item, as a batch of one on the CPU; `grid` is theirs."""
        return Observed(
            part_of(self.features, row, places, grid), *(_taken(x, row, places) for x in (self.plain, self.background))
        )

    def to(self, device: torch.device | str) -> "Observed":
        """The same on another device."""
        plain, background = (None if x is None else x.to(device) for x in (self.plain, self.background))
        return Observed(self.features.to(device), plain, background)

    def each(self, change: "Padded | Chained", others: Sequence["Observed"]) -> "Observed":
        """This and others as one, each of their parts joined by `change`."""
        parts = (self, *others)
        return Observed(
            change.features([part.features for part in parts]),
            change.tensors([part.plain for part in parts]),
            change.tensors([part.background for part in parts]),
        )


@final
class Padded:
    """Batches of one as one batch of many, padded."""

    def features(self, maps: Sequence[FeatureMap]) -> FeatureMap:
        """Feature maps; on a grid they may differ in length along the first axis.

        Raises:
            ValueError: if the grids differ along other axes.
        """
        if maps[0].grid is None:
            most = max(one.valid.shape[1] for one in maps)
            joined = (
                None
                if any(one.neighbours is None for one in maps)
                else torch.cat([_square(one.neighbours, most) for one in maps if one.neighbours is not None])
            )
            return FeatureMap(_padded([m.values for m in maps]), _padded([m.valid for m in maps]), None, joined)
        grids = [one.grid for one in maps if one.grid is not None]
        if len({grid.shape[1:] for grid in grids}) > 1:
            raise ValueError(f"grids of {sorted({grid.shape for grid in grids})} cells cannot be padded to one batch")
        cells = max(grid.shape[0] for grid in grids)
        first = torch.cat([_longer(grid.edges[0], cells) for grid in grids])
        others = tuple(torch.cat([grid.edges[axis] for grid in grids]) for axis in range(1, len(grids[0].edges)))
        return FeatureMap(_padded([m.values for m in maps]), _padded([m.valid for m in maps]), Grid((first, *others)))

    def tensors(self, parts: Sequence[Tensor | None]) -> Tensor | None:
        """One row of numbers per element; None where there are none."""
        known = [part for part in parts if part is not None]
        return _padded(known) if known else None


@final
class Chained:
    """Batches of one, one behind the other as the elements of one item."""

    def features(self, maps: Sequence[FeatureMap]) -> FeatureMap:
        """Feature maps; cells keep their extent along the first axis, which begins where the first map does."""
        values, valid = torch.cat([m.values for m in maps], dim=1), torch.cat([m.valid for m in maps], dim=1)
        first = maps[0].grid
        if first is None:
            return FeatureMap(values, valid)
        widths = torch.cat([m.grid.edges[0].double().diff(dim=1) for m in maps if m.grid is not None], dim=1)
        begin = first.edges[0][:, :1].double()
        edges = torch.cat([begin, begin + widths.cumsum(dim=1)], dim=1)
        return FeatureMap(values, valid, Grid((edges.to(first.edges[0].dtype), *first.edges[1:])))

    def tensors(self, parts: Sequence[Tensor | None]) -> Tensor | None:
        """One row of numbers per element; None where there are none."""
        known = [part for part in parts if part is not None]
        return torch.cat(known, dim=1) if known else None


def part_of(features: FeatureMap, row: int, places: Int[Tensor, " own"], grid: Grid | None) -> FeatureMap:
    """Some elements of one item of a batch, as a batch of one on the CPU."""
    places = places.to(features.values.device)
    near = features.neighbours
    return replace(
        features,
        values=features.values[row, places][None].cpu(),
        valid=features.valid[row, places][None].cpu(),
        grid=grid,
        neighbours=None if near is None else near[row, places][:, places][None].cpu(),
    )


def _taken(x: Tensor | None, row: int, places: Tensor) -> Tensor | None:
    return None if x is None else x[row, places.to(x.device)][None].cpu()


def _padded(parts: Sequence[Tensor]) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence([part[0] for part in parts], batch_first=True)


def _square(near: Tensor, most: int) -> Tensor:
    missing = most - near.shape[1]
    return torch.nn.functional.pad(near, (0, missing, 0, missing))


def _longer(edges: Float[Tensor, "1 edges"], cells: int) -> Float[Tensor, "1 longer"]:
    """The same edges with further cells as wide as the last one."""
    missing = cells + 1 - edges.shape[1]
    step = edges[:, -1:] - edges[:, -2:-1]
    return torch.cat([edges, edges[:, -1:] + step * torch.arange(1, missing + 1)], dim=1)
