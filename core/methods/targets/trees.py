"""Trees over the elements of an item: the parent of every element, and what it is to that."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from ...components.ranges import Count, check_ranges
from ...data.segmentation import Segmentation
from .base import AbstractTarget, Written

LONGEST = 256
"""Elements of an item with a tree, at most."""


@final
@dataclass(frozen=True)
class Trees(AbstractTarget):
    """The parent of every element, and its relation to it; whoever is its own parent is the root.

    What is known of an element are two numbers: that of its parent among the elements of its item, and that of the
    relation; −1 is not known. A head gives for every element a score for each of `longest` parents, and one for each
    relation.

    Args:
        names: of the relations, by number.
        longest: elements of an item, at most.

    Example:
        >>> target, known = Trees(("det", "root"), longest=2), torch.tensor([[1, 0], [1, 1]])
        >>> outputs = torch.tensor([[0.0, 2.0, 1.0, 0.0], [0.0, 2.0, 1.0, 0.0]])
        >>> target.score(outputs, known)
        {'las': 0.5, 'uas': 1.0}
    """

    names: tuple[str, ...]
    longest: Count = LONGEST
    written: ClassVar[Written] = "tree"

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        check_ranges(self)
        if not self.names:
            raise ValueError("Trees needs the name of one relation at least, got none")

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """A number for every parent, and one for every relation."""
        return self.longest + len(self.names)

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """The relations."""
        return self.names

    def of_objects(
        self,
        known: Int[Tensor, "batch ..."],  # noqa: ARG002
        segmentation: Segmentation,  # noqa: ARG002
    ) -> Int[Tensor, "batch objects 2"]:
        """Nothing.

        Raises:
            ValueError: a tree says something of elements alone.
        """
        raise ValueError("a tree joins the elements of an item, and says nothing of items or objects: --of elements")

    def loss(self, outputs: Float[Tensor, "rows outputs"], known: Int[Tensor, "rows 2"]) -> Float[Tensor, " rows"]:
        """−log p(parent) − log p(relation), of what is known of both."""
        parent, relation = known.long().unbind(dim=1)
        of_parent = cross_entropy(outputs[:, : self.longest], parent, reduction="none", ignore_index=-1)
        of_relation = cross_entropy(outputs[:, self.longest :], relation, reduction="none", ignore_index=-1)
        return of_parent + of_relation

    @torch.no_grad()
    def score(self, outputs: Float[Tensor, "rows outputs"], known: Int[Tensor, "rows 2"]) -> dict[str, float]:
        """See `attachment_scores`; of each element's likeliest parent by itself, which together need be no tree."""
        found = torch.stack([outputs[:, : self.longest].argmax(dim=1), outputs[:, self.longest :].argmax(dim=1)], dim=1)
        return attachment_scores(found, known)

    def decode(self, outputs: Float[Tensor, "rows outputs"]) -> Float[Tensor, "rows relations"]:
        """The probability of every relation."""
        return outputs[:, self.longest :].softmax(dim=1)

    def arcs(self, outputs: Float[Tensor, "elements outputs"]) -> Float[Tensor, "elements parents"]:
        """log p(parent) of every element of an item, each by itself; on the diagonal that it is the root."""
        return outputs[:, : self.longest].double().log_softmax(dim=1)[:, : len(outputs)]

    def placed(self, known: Int[Tensor, "elements 2"], index: Int[Tensor, " elements"]) -> Int[Tensor, "elements 2"]:
        """What is known where the item's elements have the numbers `index`.

        Example:
            >>> Trees(("det", "root")).placed(torch.tensor([[1, 0], [1, 1]]), torch.tensor([0, 4])).tolist()
            [[4, 0], [4, 1]]
        """
        parent, relation = known.unbind(dim=1)
        return torch.stack([torch.where(parent >= 0, index[parent.clamp(min=0)], -1), relation], dim=1)

    def renumbered(self, known: Int[Tensor, "rows 2"], names: tuple[str, ...]) -> tuple[Int[Tensor, "rows 2"], int]:
        """What is known in relations of those `names`, in these ones; one that is not among them is none of them.

        Returns:
            The same parents, and how many rows have a relation that is not among these.
        """
        place = torch.tensor([self.names.index(name) if name in self.names else len(self.names) for name in names])
        relation = torch.where(known[:, 1] >= 0, place[known[:, 1].clamp(min=0)], -1)
        return torch.stack([known[:, 0], relation], dim=1), int((relation == len(self.names)).sum())


def attachment_scores(found: Int[Tensor, "rows 2"], known: Int[Tensor, "rows 2"]) -> dict[str, float]:
    """`las`, `uas`: the share of elements with the true parent and relation, and with the true parent.

    Each is of the elements of which that is known; NaN where there are none.

    Example: of the second element the parent alone is known.

        >>> attachment_scores(torch.tensor([[1, 0], [1, 0]]), torch.tensor([[1, 1], [1, -1]]))
        {'las': 0.0, 'uas': 1.0}
    """
    right, there = found == known, known >= 0
    both = there.all(dim=1)
    las, uas = right.all(dim=1)[both], right[:, 0][there[:, 0]]
    return {"las": float(las.double().mean()), "uas": float(uas.double().mean())}
