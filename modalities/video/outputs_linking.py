"""One number for one object from window to window of a long video."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor

LEAST = 0.2
"""Intersection over union of two objects, on either side of a border between windows, from which they are one."""


@final
@dataclass(frozen=True)
class Linked:
    """The objects of a window under the numbers that they have in the whole video.

    `last` is the last frame, which the next window goes on from; `free` is the next number that was never used.
    """

    numbers: Int[Tensor, "time height width"]
    last: Int[Tensor, "height width"]
    free: int


def link(found: Int[Tensor, "time height width"], before: Linked | None, least: float = LEAST) -> Linked:
    """Give the objects of a window the numbers of those of the window before that lie where they begin.

    The first frame of this window and the last one of the window before are compared; objects are matched one to one
    so that their overlap is greatest, and those that overlap by less than `least` are new.

    Example:
        >>> first = link(torch.tensor([[[4, 4, -1, 9]]]), None)
        >>> link(torch.tensor([[[0, 0, 7, 5]]]), first).numbers.tolist()
        [[[0, 0, 2, 1]]]
    """
    mine = found[found >= 0].unique()
    free = 0 if before is None else before.free
    names = torch.full((len(mine),), -1)
    if before is not None and len(mine):
        former = before.last[before.last >= 0].unique()
        overlap = _overlaps(found[0], mine, before.last, former)
        rows, columns = linear_sum_assignment(-overlap.numpy())
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if float(overlap[row, column]) >= least:
                names[row] = former[column]
    new = names < 0
    names[new] = free + torch.arange(int(new.sum()))
    numbers = torch.full_like(found, -1)
    if len(mine):
        place = torch.searchsorted(mine, found.contiguous()).clamp(max=len(mine) - 1)
        numbers = torch.where(found >= 0, names[place], -1)
    return Linked(numbers, numbers[-1], free + int(new.sum()))


def _overlaps(
    here: Int[Tensor, "height width"], mine: Tensor, there: Int[Tensor, "height width"], theirs: Tensor
) -> Tensor:
    one, two = (here.flatten() == mine[:, None]).float(), (there.flatten() == theirs[:, None]).float()
    shared = one @ two.T
    union = one.sum(dim=1)[:, None] + two.sum(dim=1) - shared
    return shared / union.clamp(min=1)
