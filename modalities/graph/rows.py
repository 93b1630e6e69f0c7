"""Nodes as rows: the valid ones of a batch one after the other, or, in a program, all places."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from gestalt.core.components.exporting import is_exporting

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def _not_compiled(function: FunctionT) -> FunctionT:
    return cast(FunctionT, torch.compiler.disable(function))


# How many rows there are depends on the data, so that compilers stop within: by itself, for the many widths and types
# of a graph's features, it would reach their limit of versions of one function.
@_not_compiled
def rows_of(
    values: Shaped[Tensor, "batch elements columns"], there: Bool[Tensor, "batch elements"]
) -> Shaped[Tensor, "rows columns"]:
    """The rows of the nodes that are there. A program cannot ask how many there are, and takes all places."""
    return values.flatten(0, 1) if is_exporting() else values[there]


def row_of_place(there: Bool[Tensor, "batch elements"]) -> Int[Tensor, " places"]:
    """For every place of the batch the row of its node, where it is there."""
    if is_exporting():
        return torch.arange(there.shape[0] * there.shape[1], device=there.device)
    return there.flatten().cumsum(0) - 1


def place_of_node(valid: Bool[Tensor, "batch elements"]) -> Int[Tensor, " nodes"]:
    """For every valid node, item after item, its place among all places; in a program, 0 at the end for each other."""
    places = valid.flatten()
    if not is_exporting():
        return places.nonzero()[:, 0]
    count = places.shape[0]
    number = torch.arange(count, device=valid.device)
    node = torch.where(places, places.long().cumsum(0) - 1, count)  # one slot more takes what is no node
    return number.new_zeros(count + 1).scatter(0, node, number)[:count]


def number_of_rows(there: Bool[Tensor, "batch elements"]) -> int:
    """How many rows there are."""
    if is_exporting():
        return there.shape[0] * there.shape[1]
    return int(there.sum())


def in_places(rows: Float[Tensor, "rows dim"], there: Bool[Tensor, "batch elements"]) -> Tensor:
    """Rows in their places, zeros everywhere else: `batch elements dim`."""
    if is_exporting():
        return rows.view(*there.shape, rows.shape[1]).masked_fill(~there[..., None], 0.0)
    return rows.new_zeros(*there.shape, rows.shape[1]).masked_scatter(there[..., None], rows)
