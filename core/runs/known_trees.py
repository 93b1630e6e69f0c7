"""Trees that come with the data, as what is known of every element."""

from pathlib import Path
from typing import Any, TypeVar, final

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.items import AbstractItems, BadItemError, Skipped
from ..data.trees import AbstractTrees
from ..methods.targets import AbstractTarget, Trees
from ..methods.targets.trees import LONGEST
from ..modality.base import AbstractModality
from ..modality.optional import InSequence, ReadsTrees
from .abstract_known import AbstractKnown

ItemT = TypeVar("ItemT")


@final
class KnownTrees(AbstractKnown[ItemT]):
    """Parents and relations, element by element. Relations are numbered as they come.

    Args:
        trees: of the items.
        items: the data set.
    """

    def __init__(self, trees: AbstractTrees[ItemT], items: AbstractItems[ItemT]) -> None:
        self.trees, self.items = trees, items
        self.relations: dict[str, int] = {}

    def numbers(self) -> list[int]:
        """Those that may have a tree."""
        return [number for number in range(len(self.items)) if self.trees.has(number)]

    def of(self, number: int, item: ItemT, features: FeatureMap) -> Shaped[Tensor, "1 ..."] | None:
        """The number of the parent and that of the relation of every element."""
        elements = features.valid.shape[1]
        check_whole(self.items, number, elements, LONGEST)
        found = self.trees.of_item(number, item)
        if found is None:
            return None
        if len(found.parents) != elements:
            raise BadItemError(
                self.items.name(number), f"has {elements} elements for the encoder, and its tree {len(found.parents)}"
            )
        numbers = [self.relations.setdefault(one, len(self.relations)) if one else -1 for one in found.relations]
        known: Int[Tensor, "elements 2"] = torch.stack([found.parents.long(), torch.tensor(numbers)], dim=1)
        return known[None]

    def target(self) -> AbstractTarget:
        """Trees with all relations so far, as they are numbered so far."""
        return Trees(tuple(self.relations) or ("none",))

    def settled(self, known: Shaped[Tensor, "*rows"]) -> tuple[AbstractTarget, Shaped[Tensor, "*rows"]]:
        """Relations in the order of their names; they are numbered so from now on."""
        names = sorted(self.relations)
        place = torch.tensor([names.index(name) for name in self.relations] + [-1], dtype=torch.long)
        self.relations = {name: number for number, name in enumerate(names)}
        return Trees(tuple(names)), torch.stack([known[..., 0], place[known[..., 1]]], dim=-1)


def check_whole(items: AbstractItems[Any], number: int, elements: int, longest: int) -> None:
    """Refuse an item that is a part of something longer, or too long itself.

    Raises:
        BadItemError: naming it.
    """
    if isinstance(items, InSequence) and len(items.whole(number)) > 1:
        raise BadItemError(
            items.name(number),
            "is a window of something longer, and a tree is of a whole: read it in larger windows, cut what is longer, "
            "or leave it out with --skip-bad",
        )
    if elements > longest:
        raise BadItemError(
            items.name(number),
            f"has {elements} elements, and a tree {longest} at most: cut it, or leave it out with --skip-bad",
        )


def known_trees(
    path: Path | None, items: AbstractItems[ItemT], modality: AbstractModality[ItemT], skipped: list[Skipped] | None
) -> KnownTrees[ItemT]:
    """The trees in a file or folder.

    Raises:
        ValueError: if nothing is named, the modality reads no trees, or they are of none of the items.
    """
    if path is None:
        raise ValueError("trees are in a file: name it with --labels (CoNLL-U, which may be the data themselves)")
    if not isinstance(modality, ReadsTrees):
        raise ValueError(
            f"the modality {modality.name!r} reads no trees from files, so --label-kind tree cannot be used; in "
            "Python, gestalt.Labels takes them"
        )
    reader: Any = modality
    trees: AbstractTrees[ItemT] = reader.read_trees(path, items, skipped or ())
    known = KnownTrees(trees, items)
    if not known.numbers():
        raise ValueError(f"{path} holds trees of none of the {len(items)} items")
    return known
