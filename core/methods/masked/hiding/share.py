"""From priorities to what is hidden: a share of the elements, never all and never none."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ....data.item_noise import ItemNoise


def of_elements(noise: ItemNoise, valid: Bool[Tensor, "batch elements"]) -> Float[Tensor, "batch elements"]:
    """A random number for every valid element, wherever padding stands between them."""
    rank = (valid.cumsum(dim=1) - 1).clamp(min=0)
    return noise.uniform(valid.shape[1]).gather(1, rank)


def wanted(valid: Bool[Tensor, "batch elements"], share: float) -> Int[Tensor, " batch"]:
    """How many elements a share is: at least one, and never all; none of an item that has but one."""
    count = valid.sum(dim=1)
    most = (count - 1).clamp(min=0)
    return torch.minimum((count * share + 0.5).floor().long().clamp(min=1), most)


def first(
    priority: Float[Tensor, "batch elements"], valid: Bool[Tensor, "batch elements"], count: Int[Tensor, " batch"]
) -> Bool[Tensor, "batch elements"]:
    """The `count` valid elements of the highest priority; of equal ones, those that come first.

    Example:
        >>> first(torch.tensor([[0.1, 0.9, 0.5]]), torch.tensor([[True, True, True]]), torch.tensor([2])).tolist()
        [[False, True, True]]
    """
    order = torch.where(valid, priority, -torch.inf).argsort(dim=1, descending=True, stable=True)
    rank = torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )
    return (rank < count[:, None]) & valid


def first_units(
    units: Int[Tensor, "batch elements"],
    priority: Float[Tensor, "batch elements"],
    valid: Bool[Tensor, "batch elements"],
    share: float,
) -> Bool[Tensor, "batch elements"]:
    """Whole units of the highest priority, until a share of the elements is hidden to within half a unit.

    Args:
        units: the number of every element's unit, below the number of elements.
        priority: of every element; a unit has that of its first valid element.
        valid: False on padding.
        share: of the elements.

    Where an item has but one unit, its elements are units of their own.

    Example:
        >>> units, valid = torch.tensor([[0, 0, 1, 1, 2]]), torch.ones(1, 5, dtype=torch.bool)
        >>> first_units(units, torch.tensor([[0.5, 0.9, 0.8, 0.1, 0.2]]), valid, 0.4).tolist()
        [[False, False, True, True, False]]
    """
    elements = valid.shape[1]
    own = torch.arange(elements, device=valid.device).expand_as(units)
    units = torch.where(_count(units, valid)[:, None] < 2, own, units)
    zeros = priority.new_zeros(priority.shape)
    size = zeros.scatter_add(1, units, valid.to(priority.dtype))
    beginning = torch.full_like(own, elements).scatter_reduce(1, units, torch.where(valid, own, elements), "amin")
    there = beginning < elements
    of_unit = torch.where(there, priority.gather(1, beginning.clamp(max=elements - 1)), -torch.inf)
    order = of_unit.argsort(dim=1, descending=True, stable=True)
    size = size.gather(1, order)
    before = size.cumsum(dim=1) - size
    taken = (before < share * valid.sum(dim=1, keepdim=True) - size / 2) | (own == 0)
    last = own >= there.sum(dim=1, keepdim=True) - 1  # the unit of the lowest priority stays
    chosen = torch.zeros_like(taken).scatter(1, order, taken & ~last & (size > 0))
    return chosen.gather(1, units) & valid


def _count(units: Int[Tensor, "batch elements"], valid: Bool[Tensor, "batch elements"]) -> Int[Tensor, " batch"]:
    """How many units an item has."""
    there = torch.zeros_like(units).scatter_reduce(1, units, valid.to(units.dtype), "amax")
    return there.sum(dim=1)
