"""The interface of every objective, and the pairs of views it compares."""

import abc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol, final, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from ...data.segmentation import Objects
from ..info import BatchInfo


@final
@dataclass(frozen=True)
class Loss:
    """A scalar to minimise, with named parts for the logs (detached scalars, the same names at every step)."""

    value: Float[Tensor, ""]
    parts: dict[str, Tensor] = field(default_factory=dict)


class AbstractObjective(nn.Module, abc.ABC):
    """Compares the objects of the online views with those of the teacher's views.

    Both arguments hold one entry per view, in the same order; the teacher may see only the first few of them.
    State, such as a queue, changes in `after_step` alone (see `AfterStep`), never while the loss is computed.
    """

    @abc.abstractmethod
    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], info: BatchInfo) -> Loss:
        """The loss of a batch: the same on N ranks, averaged, as on one rank with the joined batch."""


@runtime_checkable
class ComparesElements(Protocol):
    """An objective that compares elements beside objects: it needs `Objects.elements`."""

    @property
    def elements(self) -> bool:
        """Whether it does."""
        ...


def compares_elements(objective: nn.Module) -> bool:
    """Whether an objective needs the elements of the objects."""
    return isinstance(objective, ComparesElements) and objective.elements


def ordered_pairs(online: int, teacher: int, same: bool = False, both: bool = True) -> Iterator[tuple[int, int]]:
    """Pairs (view of the online network, view of the teacher).

    Args:
        online: views of the online network.
        teacher: views of the teacher, the first ones of the online network's.
        same: pair a view with itself too, as ReLIC v2 and SemPPL do.
        both: both directions of a pair of views; without, the online network sees the earlier view alone.

    Example:
        >>> list(ordered_pairs(online=3, teacher=2))
        [(0, 1), (1, 0), (2, 0), (2, 1)]
        >>> list(ordered_pairs(2, 2, both=False))
        [(0, 1)]
    """
    for i in range(online):
        for j in range(teacher):
            if (i != j or same) and (both or i <= j):
                yield i, j


def total_of_pairs(losses: list[Tensor]) -> Float[Tensor, ""]:
    """Twice the mean over ordered pairs: for two views the sum of both directions, as in the BYOL and DetCon code.

    Raises:
        ValueError: if there is no pair.
    """
    if not losses:
        raise ValueError(
            "an objective compares at least two views, got one; make more views, or let the teacher see two"
        )
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total * (2 / len(losses))
