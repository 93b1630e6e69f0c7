"""Edges in both directions: those that point say which of the two is theirs."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .data import AGAINST, ALONG, Schema


def both_ways(
    ends: Int[Tensor, "edges 2"],
    kinds: Int[Tensor, "edges kinds"],
    weights: Float[Tensor, "edges weights"],
    pointing: Bool[Tensor, " edges"] | None = None,
) -> tuple[Int[Tensor, "2 twice"], Int[Tensor, "twice kinds_and_direction"], Float[Tensor, "twice weights"]]:
    """Every edge and, behind it, its other direction, with the same features.

    Args:
        ends: the two nodes of every edge, the first is where it comes from.
        kinds: the categories of its features.
        weights: its plain numbers.
        pointing: which edges point; their other direction is `AGAINST`, all else `ALONG`, in a column more. None is for
            graphs whose edges do not point: they have no such column.

    Example:
        >>> one = torch.tensor([[0, 1]])
        >>> both_ways(one, torch.tensor([[5]]), torch.zeros(1, 0), torch.tensor([True]))[1].tolist()
        [[5, 1], [5, 2]]
    """
    edges = torch.stack([ends, ends.flip(1)], dim=1).view(-1, 2).T.contiguous()
    kinds, weights = kinds.repeat_interleave(2, dim=0), weights.repeat_interleave(2, dim=0)
    if pointing is not None:
        way = torch.full((len(ends), 2), ALONG)
        way[pointing, 1] = AGAINST
        kinds = torch.cat([kinds, way.view(-1, 1)], dim=1)
    return edges, kinds, weights


def turned(kinds: Int[Tensor, "edges kinds"], schema: Schema) -> Int[Tensor, "edges kinds"]:
    """The categories of the other direction of some edges; what is masked stays so.

    Example:
        >>> turned(torch.tensor([[5, 1], [5, 0]]), Schema(edges=(9, 3), directed=True)).tolist()
        [[5, 2], [5, 0]]
    """
    if not schema.directed:
        return kinds
    way = kinds[:, -1:]
    return torch.cat([kinds[:, :-1], torch.where(way > 0, ALONG + AGAINST - way, way)], dim=1)
