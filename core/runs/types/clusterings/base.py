"""What a way to cluster object vectors is."""

import abc
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from ..prototypes import Prototypes


class AbstractClustering(abc.ABC):
    """Object vectors of a sample → prototypes, by which any object of the data set is given a type."""

    @abc.abstractmethod
    def fit(self, rows: Float[Tensor, "rows dim"], items: Int[Tensor, " rows"], seed: int) -> Prototypes:
        """Cluster a sample.

        Args:
            rows: object vectors, scaled.
            items: the item of every object, for ways that ask what occurs together.
            seed: of everything random.

        Raises:
            ValueError: if there are too few rows for what is asked.
        """


@runtime_checkable
class HasNumber(Protocol):
    """A way that is told how many types there are; None: it is estimated."""

    @property
    def number(self) -> int | None:
        """How many."""
        ...


def refuse_few(rows: Float[Tensor, "rows dim"], least: int) -> None:
    """Refuse a sample that is too small.

    Raises:
        ValueError: if it has fewer rows.
    """
    if len(rows) < least:
        raise ValueError(
            f"{len(rows)} objects were found, and {least} or more are needed to tell types; name more files, or ask "
            "for fewer types by --number"
        )
