"""Trees over the elements of an item: the parent of every element, and what it is to that."""

import abc
from dataclasses import dataclass
from typing import Generic, TypeVar, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

ItemT = TypeVar("ItemT")


@final
@dataclass(frozen=True)
class ItemTree:
    """The tree of one item: a dependency tree of words, the joints of a body.

    Attributes:
        parents: of every element the number of its parent in the item; its own for a root, −1 where it is not known.
        relations: what every element is to its parent; empty where it is not known.
        scores: how sure a model is of every parent; 1 for a tree that was given.

    Example:
        >>> tree = ItemTree.of([1, 1, 1], ["det", "root", "obj"])
        >>> tree.roots(), tree.children(1)
        ([1], [0, 2])
    """

    parents: Int[Tensor, " elements"]
    relations: tuple[str, ...]
    scores: Float[Tensor, " elements"]

    def __post_init__(self) -> None:
        count = len(self.parents)
        if len(self.relations) != count or len(self.scores) != count:
            raise ValueError(
                f"{count} parents need as many relations and scores, got {len(self.relations)}, {len(self.scores)}"
            )
        if count and (int(self.parents.min()) < -1 or int(self.parents.max()) >= count):
            raise ValueError(f"parents are elements 0 … {count - 1} or −1, got {self.parents.tolist()}")

    @classmethod
    def of(cls, parents: "list[int]", relations: "list[str]") -> "ItemTree":
        """A tree that is given."""
        return cls(torch.tensor(parents, dtype=torch.long), tuple(relations), torch.ones(len(parents)))

    def roots(self) -> list[int]:
        """The elements that are their own parents."""
        numbers: list[int] = (self.parents == torch.arange(len(self.parents))).nonzero()[:, 0].tolist()
        return numbers

    def children(self, number: int) -> list[int]:
        """The elements whose parent is `number`, but for itself."""
        numbers: list[int] = (self.parents == number).nonzero()[:, 0].tolist()
        return [one for one in numbers if one != number]


class AbstractTrees(abc.ABC, Generic[ItemT]):
    """The trees of numbered items, which come with the data."""

    @abc.abstractmethod
    def has(self, index: int) -> bool:
        """Whether item `index` may have a tree; asked of all items, so it reads none."""

    @abc.abstractmethod
    def of_item(self, index: int, item: ItemT) -> ItemTree | None:
        """The tree of item `index`, None where it has none.

        Raises:
            BadItemError: if what is written is no tree, or does not fit the item; it names the file and the place.
        """
