"""Overlapping pieces of a sequence that were grouped one by one, put together without a trace of where they begin."""

from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

LEAST = 0.2
"""Intersection over union, where two pieces overlap, above which two objects may be one."""


@final
class Stitched:
    """The objects of a sequence, from those of overlapping pieces that come in order.

    Where two pieces overlap, the earlier one holds up to a junction and the later one from there on. The junction is
    the place nearest to the middle of the overlap at which both begin a new object; if there is none, a place within an
    object of both, and these two are one. Objects of two pieces are one also where they share more than a fifth of all
    elements that either has in the overlap, one to one, the likest first: an object that comes again keeps its number.

    Labels have shape (cells along the sequence, elements of a cell); −1 belongs to no object.

    Example:
        >>> whole = Stitched()
        >>> whole.add(torch.tensor([[0], [0], [1], [1]]), 0)
        >>> whole.add(torch.tensor([[5], [5], [5], [7]]), 2)
        >>> whole.labels.flatten().tolist()
        [0, 0, 1, 1, 1, 2]
    """

    def __init__(self) -> None:
        self.labels = torch.zeros(0, 1, dtype=torch.long)
        self.used = 0

    def add(self, piece: Int[Tensor, "cells rest"], begin: int) -> None:
        """Put a piece in its place: its first cell is number `begin` of those that are held, or the next one."""
        shared = len(self.labels) - begin
        if shared <= 0:
            edge, same = 0, dict[int, int]()
        else:
            edge, same = junction(self.labels[begin:], piece[:shared])
        present = piece[piece >= 0].unique().tolist()
        numbers = torch.full((max(present, default=-1) + 2,), -1, dtype=torch.long)  # the last one is that of −1
        for number in present:
            if number not in same:
                same[number] = self.used
                self.used += 1
            numbers[number] = same[number]
        renumbered = numbers[piece[edge:].cpu()]
        self.labels = renumbered if not len(self.labels) else torch.cat([self.labels[: begin + edge], renumbered])

    def drop(self, cells: int) -> Int[Tensor, "cells rest"]:
        """Give away the first cells; later pieces cannot begin there any more."""
        first, self.labels = self.labels[:cells], self.labels[cells:]
        return first


def junction(first: Int[Tensor, "cells rest"], second: Int[Tensor, "cells rest"]) -> tuple[int, dict[int, int]]:
    """At which cell the second labels take over from the first, and which of their objects are those of the first."""
    first, second = first.cpu(), second.cpu()
    same = alike(first, second)
    cells = len(first)
    middle = cells // 2
    if cells < 2:
        return middle, same
    cut_first, cut_second = _changes(first), _changes(second)
    agreed = ((first >= 0) == (second >= 0)).all(dim=1)
    agreed = agreed[1:] & agreed[:-1]
    for allowed in (cut_first & cut_second, ~cut_first & ~cut_second & agreed):
        edges = allowed.nonzero()[:, 0] + 1
        if len(edges):
            edge = int(edges[(edges - cells / 2).abs().argmin()])
            break
    else:
        edge = middle
    if first.shape[1] == 1 and not bool(cut_first[edge - 1] | cut_second[edge - 1]):
        ours, theirs = int(first[edge, 0]), int(second[edge, 0])
        if ours >= 0 and theirs >= 0:
            same = {number: other for number, other in same.items() if other != ours}
            same[theirs] = ours
    return edge, same


def _changes(labels: Int[Tensor, "cells rest"]) -> Bool[Tensor, " edges"]:
    """Between which cells a label changes; the first edge lies behind the first cell."""
    return (labels[1:] != labels[:-1]).any(dim=1)


def alike(first: Int[Tensor, "cells rest"], second: Int[Tensor, "cells rest"], least: float = LEAST) -> dict[int, int]:
    """Objects of the second that are one with one of the first: one to one, those that overlap most come first.

    Example:
        >>> alike(torch.tensor([[0], [0], [1], [1]]), torch.tensor([[5], [5], [5], [-1]]))
        {5: 0}
    """
    both = (first >= 0) & (second >= 0)
    if not bool(both.any()):
        return {}
    pairs, shared = torch.stack([first[both], second[both]]).unique(dim=1, return_counts=True)
    sizes = [torch.bincount(labels[labels >= 0]) for labels in (first, second)]
    either = sizes[0][pairs[0]] + sizes[1][pairs[1]] - shared
    overlap = shared / either
    order = overlap.argsort(descending=True, stable=True)
    same: dict[int, int] = {}
    taken = set[int]()
    for ours, theirs in pairs[:, order[overlap[order] > least]].T.tolist():
        if ours not in taken and theirs not in same:
            same[theirs] = ours
            taken.add(ours)
    return same
