"""The interface of every target."""

import abc
from typing import ClassVar, Literal, Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from ...data.segmentation import Segmentation

Written = Literal["class", "value", "several", "tree", "pair"]
"""How labels say what is known: a class, a value, several labels with semicolons between them; trees of elements;
whether two are the same."""


class AbstractTarget(abc.ABC):
    """What is known of items or of their elements: what it says of objects, its loss, its score, its predictions.

    What is known comes as one tensor whose first axes are items, or items and elements: integers with −1 for what is
    not known, or floating-point numbers with NaN (`known_rows`).

    Attributes:
        outputs: how many numbers a head must give for one object.
        columns: names of what `decode` gives.
        written: how a table says it.
    """

    written: ClassVar[Written] = "class"
    outputs: int
    columns: tuple[str, ...]

    @abc.abstractmethod
    def of_objects(
        self, known: Shaped[Tensor, "batch ..."], segmentation: Segmentation
    ) -> Shaped[Tensor, "batch objects ..."]:
        """What is known of every object, from what is known of its item, or of its elements."""

    @abc.abstractmethod
    def loss(self, outputs: Float[Tensor, "rows outputs"], known: Shaped[Tensor, "rows ..."]) -> Float[Tensor, " rows"]:
        """The loss of every row; every row is known."""

    @abc.abstractmethod
    def score(self, outputs: Float[Tensor, "rows outputs"], known: Shaped[Tensor, "rows ..."]) -> dict[str, float]:
        """How well the outputs predict what is known, by the field's metrics; the first is the chief one."""

    @abc.abstractmethod
    def decode(self, outputs: Float[Tensor, "rows outputs"]) -> Float[Tensor, "rows columns"]:
        """The head's outputs as a user reads them: probabilities, values in their unit."""


@runtime_checkable
class HasUnits(Protocol):
    """A target whose numbers come in units of their own, such as values: it is standardised by the training rows."""

    def standardised(self, known: Shaped[Tensor, "rows ..."]) -> AbstractTarget:
        """The same target for heads that give numbers of order one, by what is known of the training rows."""
        ...


@runtime_checkable
class Decides(Protocol):
    """A target whose columns are probabilities, from which a decision is read: one class, some labels."""

    def decide(self, decoded: Float[Tensor, "rows columns"]) -> list[str]:
        """The decision about every row, by what `decode` gives."""
        ...


@runtime_checkable
class Errs(Protocol):
    """A target of numbers, which answers miss by so much: `predict` gives margins beside them."""

    def errors(
        self, outputs: Float[Tensor, "rows outputs"], known: Shaped[Tensor, "rows ..."]
    ) -> Float[Tensor, "rows columns"]:
        """|y − ŷ| in the unit of every column, NaN where the value is not known."""
        ...


@runtime_checkable
class FromNeighbours(Protocol):
    """A target that can be answered by rows of which it is known: nearest neighbours."""

    def from_neighbours(
        self, weight: Float[Tensor, "queries k"], known: Shaped[Tensor, "queries k ..."]
    ) -> Float[Tensor, "queries outputs"]:
        """A head's outputs, by what is known of the neighbours of every query; weights sum to 1."""
        ...


@runtime_checkable
class Balances(Protocol):
    """A target whose rows are of several sorts, some of them rarer than others."""

    def balanced(self, known: Shaped[Tensor, "rows ..."]) -> Float[Tensor, " rows"]:
        """A weight for every row, 1 in the mean, greater for the rarer ones."""
        ...


@runtime_checkable
class Points(Protocol):
    """A target whose elements point at one another: at parents, which together make a tree."""

    longest: int
    """Elements of an item, at most."""

    def arcs(self, outputs: Float[Tensor, "elements outputs"]) -> Float[Tensor, "elements parents"]:
        """The score of every parent of every element of an item; on the diagonal that of being the root."""
        ...

    def placed(self, known: Int[Tensor, "elements 2"], index: Int[Tensor, " elements"]) -> Int[Tensor, "elements 2"]:
        """What is known where the elements of an item have other numbers."""
        ...

    def renumbered(self, known: Int[Tensor, "rows 2"], names: tuple[str, ...]) -> tuple[Int[Tensor, "rows 2"], int]:
        """What is known in other names of relations, and how many rows these lack."""
        ...


def standardised(target: AbstractTarget, known: Shaped[Tensor, "rows ..."]) -> AbstractTarget:
    """The target in units of what is known of the training rows, where it has units."""
    return target.standardised(known) if isinstance(target, HasUnits) else target


def known_rows(known: Shaped[Tensor, "*rows"]) -> Bool[Tensor, "*rows"]:
    """Which entries are known: integers from 0 on, floating-point numbers that are not NaN.

    Example:
        >>> import torch
        >>> known_rows(torch.tensor([0, -1, 2])).tolist(), known_rows(torch.tensor([0.0, torch.nan])).tolist()
        ([True, False, True], [True, False])
    """
    return ~known.isnan() if known.is_floating_point() else known >= 0


def any_known(known: Shaped[Tensor, "..."], axes: int = 1) -> Bool[Tensor, "..."]:
    """Of which rows anything is known at all; the first `axes` axes number the rows.

    Example:
        >>> import torch
        >>> any_known(torch.tensor([[0.5, torch.nan], [torch.nan, torch.nan]])).tolist()
        [True, False]
    """
    there = known_rows(known)
    return there.flatten(axes).any(dim=-1) if there.ndim > axes else there
