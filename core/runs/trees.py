"""What a fit says of trees: the best one of every item, in memory and in files."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ..data.items import AbstractItems, Skipped
from ..data.trees import ItemTree
from ..discovery.found import FoundBatch
from ..evaluation.arborescence import best_tree
from ..fitting.fitted import Fitted, Said
from ..methods.targets import Points
from ..storage.naming import counted
from ..storage.text_file import open_text
from .answering import said_of
from .asking import alone, whole
from .inputs import Source

ItemT = TypeVar("ItemT")

Tree = tuple[int, ItemT, ItemTree]
"""The number of an item, itself, and its tree."""


def pointing(fitted: Fitted) -> Points:
    """The target of a fit to trees.

    Raises:
        ValueError: if it is another one.
    """
    if not isinstance(fitted.target, Points):
        raise ValueError(
            f"this model says {type(fitted.target).__name__.lower()} of {fitted.of.word}s, and no trees: fit one with "
            "--label-kind tree"
        )
    return fitted.target


def decided(
    fitted: Fitted, outputs: Float[Tensor, "asked outputs"], asked: Bool[Tensor, " asked"]
) -> tuple[Int[Tensor, "elements 2"], Float[Tensor, " elements"]]:
    """The parent and the relation of every element of one item, and the probability of that parent by itself."""
    target = pointing(fitted)
    rows = outputs[asked]
    arcs = target.arcs(rows)
    parents = best_tree(arcs)
    relations = fitted.target.decode(rows).argmax(dim=1)
    scores = arcs.gather(1, parents[:, None])[:, 0].exp().float()
    return torch.stack([parents, relations], dim=1), scores


def tree_of(fitted: Fitted, said: Said) -> ItemTree:
    """The tree of the only item of a batch."""
    found, scores = decided(fitted, said.outputs[0], said.asked[0])
    names = fitted.target.columns
    return ItemTree(found[:, 0], tuple(names[number] for number in found[:, 1].tolist()), scores)


def trees_in(
    fitted: Fitted,
    batches: Iterable[FoundBatch[ItemT]],
    items: AbstractItems[ItemT],
    device: torch.device,
    skipped: list[Skipped] | None,
) -> Iterator[tuple[Tree[ItemT], Said]]:
    """The trees of all items, one after the other; those that can have none are left out, where that was asked for.

    Raises:
        BadItemError: for a window of something longer, and an item that is too long, where `skipped` is None.
    """
    target = pointing(fitted)
    for batch in batches:
        for row, (number, item) in enumerate(zip(batch.index, batch.items, strict=True)):
            features, found = alone(batch, row)
            if not whole(items, number, features, target.longest, skipped):
                continue
            said = said_of(fitted, FoundBatch((number,), (item,), features, found), device)
            yield (number, item, tree_of(fitted, said)), said


def trees_of(
    fitted: Fitted | None, batches: Iterable[FoundBatch[ItemT]], source: Source[ItemT], device: torch.device
) -> Iterator[ItemTree]:
    """The trees of a source, in the order of its items.

    Raises:
        ValueError: if there is no fit to trees, or the items come from a loader.
    """
    if fitted is None or source.items is None:
        raise ValueError("trees are said by a model that was fitted to some, of paths, a sequence or numbered items")
    for (_, _, tree), _ in trees_in(fitted, batches, source.items, device, source.skipped):
        yield tree


def write_plain_trees(found: Iterable[Tree[Any]], items: AbstractItems[Any], out: Path) -> str:
    """`trees.jsonl`: for every item the parents of its elements, their relations and scores; how that is said."""
    count = 0
    with open_text(out / "trees.jsonl") as file:
        for number, _, tree in found:
            scores = [round(score, 6) for score in tree.scores.tolist()]
            record = {"item": items.name(number), "parents": tree.parents.tolist(), "relations": tree.relations}
            file.write(json.dumps(record | {"scores": scores}, ensure_ascii=False) + "\n")
            count += 1
    return f"trees of {counted(count, 'item')}"
