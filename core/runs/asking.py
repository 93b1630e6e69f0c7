"""From the items of a data set to labelled vectors of what a target is of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, final

import torch
from jaxtyping import Shaped
from torch import Tensor

from ..data.feature_map import FeatureMap, Grid
from ..data.items import AbstractItems, BadItemError, Skipped
from ..data.own_elements import own_places
from ..data.pieces import part_of
from ..data.segmentation import Segmentation
from ..discovery.found import FoundBatch
from ..fitting.examples import Examples, as_items, as_rows, as_sets
from ..fitting.fitters import AbstractFitter
from ..fitting.subjects import AbstractSubject
from ..methods.targets import AbstractTarget, Points, any_known
from ..modality.base import AbstractModality
from ..modality.optional import IsSequence, ReadsContext
from ..modality.some_items import some_items
from .abstract_known import AbstractKnown
from .known import known_here
from .known_trees import check_whole
from .sees_items import SeesItems

ItemT = TypeVar("ItemT")


def encoded(
    model: SeesItems[ItemT],
    of: AbstractSubject,
    items: AbstractItems[ItemT],
    numbers: Sequence[int],
    skipped: list[Skipped] | None,
) -> Iterator[tuple[int, ItemT, FeatureMap, Segmentation]]:
    """Some items one after the other, each once: its number, itself, its own features, and its objects.

    Objects are found where the subject needs them; they are those of a whole, so that all windows are seen then.

    Raises:
        ValueError: if the run does not say how objects are found, and they are needed.
    """
    wanted = set(numbers)
    if of.of_found:
        model.check_finder()
    chosen: AbstractItems[ItemT] = some_items(items, numbers, together=False)
    own = list(numbers)
    if of.of_found and isinstance(items, ReadsContext):
        chosen, own = items, list(range(len(items)))
    for batch in model.seeing(of.of_found).encoded(chosen, skipped):
        for row, place in enumerate(batch.index):
            if own[place] in wanted:
                yield own[place], batch.items[row], *alone(batch, row)


def alone(batch: FoundBatch[Any], row: int) -> tuple[FeatureMap, Segmentation]:
    """The features and objects of one item of a batch, without the padding."""
    features, found = batch.features, batch.segmentation
    index, places = own_places(features.valid[row], features.places, row)
    own = part_of(features, row, index, places)
    return own, Segmentation(found.weights[row, :, index][None], places, found.whole[row : row + 1])


def within(counts: Sequence[int], most: int, seed: int) -> list[int]:
    """Places drawn by chance, in their order, whose counts are `most` together, or the first of them alone.

    Example:
        >>> within([3, 3, 3], most=6, seed=0), within([9], most=6, seed=0)
        ([0, 2], [0])
    """
    order = torch.randperm(len(counts), generator=torch.Generator().manual_seed(seed))
    total = torch.tensor(counts)[order].cumsum(0)
    return sorted(order[: max(1, int((total <= most).sum()))].tolist())


def whole(
    items: AbstractItems[Any], number: int, asked: FeatureMap, longest: int, skipped: list[Skipped] | None
) -> bool:
    """Whether an item can have a tree; one that cannot is left out, where that was asked for.

    Raises:
        BadItemError: otherwise.
    """
    try:
        check_whole(items, number, asked.valid.shape[1], longest)
    except BadItemError as error:
        if skipped is None:
            raise
        skipped.append(Skipped(error.name, error.reason))
        return False
    return True


def in_a_row(modality: AbstractModality[Any], features: FeatureMap) -> bool:
    """Whether the elements follow one another, and nothing else."""
    if features.places is None:
        return isinstance(modality, IsSequence) and modality.sequence
    return isinstance(features.places, Grid) and len(features.places.shape) == 1


def refuse_unordered(modality: AbstractModality[Any]) -> None:
    """Refuse elements without an order where they are to be seen side by side.

    Raises:
        ValueError: if the modality's sets have none.
    """
    if not (isinstance(modality, IsSequence) and modality.sequence):
        raise ValueError(
            f"a convolution goes along a lattice or a sequence, and the elements of {modality.name} have no order: "
            "take --head linear or mlp"
        )


@final
@dataclass(frozen=True)
class Asked:
    """Labelled vectors, and what their target is."""

    examples: Examples
    target: AbstractTarget


def labelled_vectors(
    model: SeesItems[ItemT],
    of: AbstractSubject,
    items: AbstractItems[ItemT],
    known: AbstractKnown[ItemT],
    numbers: Sequence[int],
    fitter: AbstractFitter,
    most: int,
    skipped: list[Skipped] | None,
    seed: int = 0,
) -> Asked:
    """Encode the labelled items, each once, and keep the vectors that are asked about.

    Args:
        model: encodes them.
        of: what the target is of.
        items: the data set.
        known: what is known of them.
        numbers: the items to take.
        fitter: says whether all vectors of an item are kept together.
        most: vectors that are kept, evenly over the items, drawn by chance; together, whole items are left out.
        skipped: items that were left out so far; None where they are errors.
        seed: of the draws.

    Raises:
        ValueError: if nothing is known of anything that was read.
    """
    each = max(1, most // max(len(numbers), 1))
    parts, facts, index, counts = list[FeatureMap](), list[Shaped[Tensor, "1 ..."]](), list[int](), list[int]()
    for number, item, features, found in encoded(model, of, items, numbers, skipped):
        said = known_here(known, number, item, features, skipped)
        if said is None:
            continue
        asked, target = of.asked(features, found), known.target()
        if isinstance(target, Points) and not whole(items, number, asked, target.longest, skipped):
            continue
        here = of.known(target, said, features, found)
        there = (asked.valid & any_known(here, axes=2))[0].nonzero()[:, 0]
        if not len(there):
            continue
        if not fitter.together:
            chance = torch.Generator().manual_seed(seed * 1_000_003 + number)
            there = there[torch.randperm(len(there), generator=chance)[:each]].sort().values
            asked, here = FeatureMap(asked.values[:, there], asked.valid[:, there]), here[:, there]
        elif asked.places is None and not fitter.points:
            refuse_unordered(model.modality)
        counts.append(len(there))
        parts.append(asked)
        facts.append(here)
        index.append(number)
    if not parts:
        raise ValueError(f"no {of.word} of any labelled item is labelled: see whether masks or labels fit the data")
    if fitter.together:
        kept = within(counts, most, seed)
        parts, facts, index = [parts[n] for n in kept], [facts[n] for n in kept], [index[n] for n in kept]
    as_given = as_rows
    if fitter.together:  # whatever points needs no lattice, and sees the order of a sequence
        as_given = as_items if not fitter.points or in_a_row(model.modality, parts[0]) else as_sets
    examples = as_given(parts, facts, torch.tensor(index))
    target, final_known = known.settled(examples.known)
    return Asked(replace(examples, known=final_known), target)
