"""Pairs of elements and how they lie to one another: directions on a grid, hops along links."""

import itertools
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from ...data.feature_map import FeatureMap, Grid

AXES = 3
"""The most axes of a grid on which directions are told."""
RELATIONS = 3**AXES - 1
"""The most relations that are told apart."""


@final
@dataclass(frozen=True)
class Relations:
    """Pairs of elements by their numbers, the relation of each, and which pairs there are in which item.

    `kind` has one row for all items, or one for each; `kinds` says how many relations there are.
    """

    one: Int[Tensor, " pairs"]
    other: Int[Tensor, " pairs"]
    kind: Int[Tensor, "_ pairs"]
    there: Bool[Tensor, "batch pairs"]
    kinds: int


def relations(features: FeatureMap, gap: int, hops: int, ordered: bool) -> Relations:
    """How the elements of a map lie to one another.

    Args:
        features: on a grid, joined by neighbours, or in order.
        gap: on a grid, a pair lies so many cells apart along every axis of its direction.
        hops: among neighbours, pairs more than so many less one steps apart are all alike.
        ordered: whether elements of a set without neighbours lie in order.

    Raises:
        ValueError: if elements lie nowhere, or on too many axes.
    """
    if features.grid is not None:
        return directions(features.grid, features.valid, gap)
    if features.neighbours is not None:
        return along_links(features.neighbours, features.valid, hops)
    if ordered:
        line = Grid.uniform((features.valid.shape[1],), (1.0,))
        return directions(line, features.valid, gap)
    raise ValueError(
        "context prediction tells how two elements lie to one another, and these elements form a set: they have "
        "neither a grid, nor neighbours, nor an order"
    )


def directions(grid: Grid, valid: Bool[Tensor, "batch elements"], gap: int) -> Relations:
    """Every element with those `gap` cells away in each of the 3^axes − 1 directions.

    Example:
        >>> found = directions(Grid.uniform((4,), (1.0,)), torch.ones(1, 4, dtype=torch.bool), gap=2)
        >>> [part[found.there[0]].tolist() for part in (found.one, found.other, found.kind[0])]
        [[0, 1, 2, 3], [2, 3, 0, 1], [1, 1, 0, 0]]
    """
    shape = grid.shape
    if len(shape) > AXES:
        raise ValueError(f"context prediction tells directions on up to {AXES} axes, got {len(shape)}")
    steps = [step for step in itertools.product((-1, 0, 1), repeat=len(shape)) if any(step)]
    device, elements = valid.device, grid.elements
    sides = torch.tensor(shape, device=device)
    place = torch.stack(torch.unravel_index(torch.arange(elements, device=device), shape), dim=1)
    target = place[:, None] + gap * torch.tensor(steps, device=device)
    inside = ((target >= 0) & (target < sides)).all(dim=2).flatten()
    weight = torch.tensor([int(torch.Size(shape[axis + 1 :]).numel()) for axis in range(len(shape))], device=device)
    other = (target.clamp(min=0).minimum(sides - 1) * weight).sum(dim=2).flatten()
    one = torch.arange(elements, device=device).repeat_interleave(len(steps))
    kind = torch.arange(len(steps), device=device).repeat(elements)[None]
    return Relations(one, other, kind, inside & valid[:, one] & valid[:, other], len(steps))


def along_links(
    neighbours: Bool[Tensor, "batch elements elements"], valid: Bool[Tensor, "batch elements"], hops: int
) -> Relations:
    """Every two elements: 0 for neighbours, 1 for two hops, …, `hops` − 1 for all further apart, or not joined.

    Example: a chain of four.

        >>> chain = (torch.arange(4)[:, None] - torch.arange(4)).abs() == 1
        >>> found = along_links(chain[None], torch.ones(1, 4, dtype=torch.bool), hops=3)
        >>> found.kind[0].view(4, 4)[0].tolist()[1:]
        [0, 1, 2]
    """
    elements, device = neighbours.shape[1], neighbours.device
    joined = neighbours.float()
    same = torch.eye(elements, device=device)
    kind = torch.full(neighbours.shape, hops - 1, device=device)
    reached, step = same.expand_as(joined), same.expand_as(joined)
    for distance in range(hops - 1):
        step = ((step @ joined) > 0).float()
        kind = torch.where((step > 0) & (reached == 0), distance, kind)
        reached = ((reached + step) > 0).float()
    number = torch.arange(elements, device=device)
    there = valid[:, :, None] & valid[:, None] & (same == 0)
    return Relations(
        number.repeat_interleave(elements), number.repeat(elements), kind.flatten(1), there.flatten(1), hops
    )
