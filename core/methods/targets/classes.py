"""Classes of items, of elements, and so of objects."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from ...data.segmentation import Segmentation
from .base import AbstractTarget

NO_VOTE = 1e-12
"""The share of votes of a class without any: its logarithm is finite."""


@final
@dataclass(frozen=True)
class Classes(AbstractTarget):
    """One class of several: cross-entropy, accuracy.

    Args:
        names: of the classes, by number.

    Example:
        >>> target = Classes(("cat", "dog"))
        >>> outputs = torch.tensor([[2.0, 0.0], [2.0, 0.0]])
        >>> target.score(outputs, torch.tensor([0, 1]))
        {'accuracy': 0.5, 'balanced_accuracy': 0.5}
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names:
            raise ValueError("Classes needs at least one name, got none")

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """One number per class."""
        return len(self.names)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names of the classes."""
        return self.names

    def of_objects(self, known: Int[Tensor, "batch ..."], segmentation: Segmentation) -> Int[Tensor, "batch objects"]:
        """See `object_classes`."""
        return object_classes(known, segmentation)

    def loss(self, outputs: Float[Tensor, "rows outputs"], known: Int[Tensor, " rows"]) -> Float[Tensor, " rows"]:
        """−log softmax(outputs)[class]."""
        rows: Tensor = cross_entropy(outputs, known.long(), reduction="none")
        return rows

    @torch.no_grad()
    def score(self, outputs: Float[Tensor, "rows outputs"], known: Int[Tensor, " rows"]) -> dict[str, float]:
        """The share of rows named rightly, and its mean over the classes that occur; NaN without rows."""
        right = (outputs.argmax(dim=1) == known).double()
        present = known.unique()
        shares = [right[known == number].mean() for number in present]
        balanced = torch.stack(shares).mean() if shares else right.mean()
        return {"accuracy": float(right.mean()), "balanced_accuracy": float(balanced)}

    def decode(self, outputs: Float[Tensor, "rows outputs"]) -> Float[Tensor, "rows classes"]:
        """The probability of every class."""
        return outputs.softmax(dim=1)

    def decide(self, decoded: Float[Tensor, "rows classes"]) -> list[str]:
        """The name of the likeliest class."""
        return [self.names[number] for number in decoded.argmax(dim=1).tolist()]

    def from_neighbours(
        self, weight: Float[Tensor, "queries k"], known: Int[Tensor, "queries k"]
    ) -> Float[Tensor, "queries outputs"]:
        """log p(c), p(c) = Σ_i w_i [y_i = c]; of a class without a vote the logarithm of 1e-12."""
        shares = weight.new_zeros(len(weight), len(self.names)).scatter_add_(1, known.long(), weight)
        return shares.clamp(min=NO_VOTE).log()

    def balanced(self, known: Int[Tensor, " rows"]) -> Float[Tensor, " rows"]:
        """n / (C n_c) for a row of class c, with C classes that occur.

        Example:
            >>> Classes(("cat", "dog")).balanced(torch.tensor([0, 0, 0, 1])).tolist()
            [0.666..., 0.666..., 0.666..., 2.0]
        """
        count = known.long().bincount(minlength=len(self.names))
        return len(known) / (int((count > 0).sum()) * count[known.long()]).float()


def object_classes(known: Int[Tensor, "batch ..."], segmentation: Segmentation) -> Int[Tensor, "batch objects"]:
    """The class of every object, from classes of items or of elements; −1 where no class is known.

    The objects of an item with one class have that class. Where every element of the source view has its class, an
    object has the class that weighs most in it (elements of no class do not count; a tie goes to the smaller number),
    and a whole item that of most of its elements.
    """
    items, objects = len(known), segmentation.objects
    if known.ndim == 1:
        return known.long()[:, None].expand(items, objects)
    weights = segmentation.weights.float()
    elements = min(known.shape[1], weights.shape[2])
    of_class = one_hot(known.long() + 1, int(known.max()) + 2)[..., 1:].float()
    share = weights[:, :, :elements] @ of_class[:, :elements]
    whole = of_class.sum(dim=1, keepdim=True) * (torch.arange(objects, device=known.device) == 0)[:, None]
    share = torch.where(segmentation.whole[:, None, None], whole, share)
    if not share.shape[2]:
        return torch.full((items, objects), -1, device=known.device)
    most, number = share.max(dim=2)
    return torch.where(most > 0, number, -1)
