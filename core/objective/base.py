"""The interface of every objective, and the pairs of views it compares."""

import abc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, final

from jaxtyping import Float
from torch import Tensor, nn

from ..segmentation import Objects
from ..view import Batch


@final
@dataclass(frozen=True)
class Loss:
    """A scalar to minimise, with named parts for the logs (detached scalars)."""

    value: Float[Tensor, ""]
    parts: dict[str, Tensor] = field(default_factory=dict)


class AbstractObjective(nn.Module, abc.ABC):
    """Compares the objects of the online views with those of the teacher's views.

    Both arguments hold one entry per view, in the same order; the teacher may see only the first few of them.
    State, such as a queue, changes in `observe` alone, never while the loss is computed.
    """

    @abc.abstractmethod
    def forward(self, online: tuple[Objects, ...], teacher: tuple[Objects, ...], batch: Batch[Any]) -> Loss:
        """The loss of a batch: the same on N ranks, averaged, as on one rank with the joined batch."""

    @abc.abstractmethod
    def observe(self, teacher: tuple[Objects, ...], batch: Batch[Any]) -> None:
        """Update the state; called once after every optimiser step."""


def ordered_pairs(online: int, teacher: int) -> Iterator[tuple[int, int]]:
    """Pairs (view of the online network, other view of the teacher).

    Example:
        >>> list(ordered_pairs(online=3, teacher=2))
        [(0, 1), (1, 0), (2, 0), (2, 1)]
    """
    for i in range(online):
        for j in range(teacher):
            if i != j:
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
