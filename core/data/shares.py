"""How much each element of a view tells of each element of its source: linearly between centres, or as it is shown."""

from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .feature_map import FeatureMap
from .grid import Grid
from .places import Places


@final
@dataclass(frozen=True)
class Shares:
    """Weights of elements of views for elements of their sources; what is not listed has none.

    Attributes:
        item: of the batch.
        source: number of the element of the source.
        view: number of the element of the view.
        weight: positive.
    """

    item: Int[Tensor, " shares"]
    source: Int[Tensor, " shares"]
    view: Int[Tensor, " shares"]
    weight: Float[Tensor, " shares"]

    @classmethod
    def shown(cls, found: Int[Tensor, "batch elements"]) -> "Shares":
        """Weight 1 for the element of the source that each element of a view shows; −1 for none.

        Example: two elements show the first, none the second.

            >>> Shares.shown(torch.tensor([[0, 0, -1]])).matrix(1, 2, 3).tolist()
            [[[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]
        """
        item, view = (found >= 0).nonzero(as_tuple=True)
        return cls(item, found[item, view], view, torch.ones(len(item), device=found.device))

    def moved(self, source: int, view: int) -> "Shares":
        """The same of elements whose numbers begin elsewhere: those of a part of a joint item."""
        return Shares(self.item, self.source + source, self.view + view, self.weight)

    def matrix(self, batch: int, source: int, view: int) -> Float[Tensor, "batch source view"]:
        """One row for every element of the source, one column for every one of the view."""
        found = self.weight.new_zeros(batch, source, view)
        return found.index_put_((self.item, self.source, self.view), self.weight, accumulate=True)


@runtime_checkable
class LiesBetween(Protocol):
    """A correspondence in which an element of the source may lie between elements of a view."""

    def shares(self, view: FeatureMap, source: Places | None) -> Shares:
        """The elements of the view around the centre of every source element that it shows; they sum to at most 1."""
        ...


def around(
    grid: Grid, places: Float[Tensor, "batch points axes"]
) -> tuple[Int[Tensor, "batch points corners"], Float[Tensor, "batch points corners"]]:
    """The elements around every place, and the weight of each: linear along every axis between their centres.

    Beyond the outermost centres the outermost elements count alone.

    Example: cells of width 2 have their centres at 1 and 3.

        >>> index, weight = around(Grid.uniform((2,), (2.0,)), torch.tensor([[[1.5], [3.9]]]))
        >>> index.tolist(), weight.tolist()
        ([[[0, 1], [1, 1]]], [[[0.75, 0.25], [1.0, 0.0]]])
    """
    index = torch.zeros(*places.shape[:2], 1, dtype=torch.long, device=places.device)
    weight = places.new_ones(index.shape)
    for axis, edges in enumerate(grid.edges):
        middles = ((edges[:, 1:] + edges[:, :-1]) / 2).to(places).expand(len(places), -1).contiguous()
        place, last = places[..., axis].contiguous(), middles.shape[1] - 1
        after = torch.searchsorted(middles, place)
        low, high = (after - 1).clamp(0, last), after.clamp(0, last)
        left, right = middles.gather(1, low), middles.gather(1, high)
        share = torch.where(high > low, (place - left) / (right - left).clamp(min=1e-12), 0.0)
        pair, own = torch.stack([low, high], dim=-1), torch.stack([1 - share, share], dim=-1)
        index = (index[..., None] * (last + 1) + pair[..., None, :]).flatten(2)
        weight = (weight[..., None] * own[..., None, :]).flatten(2)
    return index, weight
