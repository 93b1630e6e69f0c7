"""The interface of every target."""

import abc

from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from ...data.segmentation import Segmentation


class AbstractTarget(abc.ABC):
    """What is known of items or of their elements: what it says of objects, its loss, its score, its predictions.

    What is known comes as one tensor whose first axes are items, or items and elements: integers with −1 for what is
    not known, or floating-point numbers with NaN (`known_rows`).

    Attributes:
        outputs: how many numbers a head must give for one object.
        columns: names of what `decode` gives.
    """

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


def known_rows(known: Shaped[Tensor, "*rows"]) -> Bool[Tensor, "*rows"]:
    """Which entries are known: integers from 0 on, floating-point numbers that are not NaN.

    Example:
        >>> import torch
        >>> known_rows(torch.tensor([0, -1, 2])).tolist(), known_rows(torch.tensor([0.0, torch.nan])).tolist()
        ([True, False, True], [True, False])
    """
    return ~known.isnan() if known.is_floating_point() else known >= 0
