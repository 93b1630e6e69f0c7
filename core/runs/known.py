"""What is known of the items of a data set, wherever it is written: labels of items or elements, named masks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, final

import torch
from jaxtyping import Shaped
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.items import AbstractItems, BadItemError, Skipped
from ..data.masks import AbstractMasks
from ..methods.targets import AbstractTarget, Classes, Values
from ..modality.base import AbstractModality
from ..modality.optional import ReadsMasks
from ..training.label_source import labels_at
from ..training.label_table import Kind
from ..training.labels import Labels
from .abstract_known import AbstractKnown
from .known_trees import known_trees
from .mask_classes import MaskClasses

ItemT = TypeVar("ItemT")


@final
class KnownLabels(AbstractKnown[ItemT]):
    """Labels of items, or of their elements.

    Args:
        labels: one row per item; their note is kept.
    """

    def __init__(self, labels: Labels) -> None:
        self.labels, self.note, self.said = labels, labels.note, labels.said

    def numbers(self) -> list[int]:
        """Those with a label."""
        numbers: list[int] = self.labels.known_items().tolist()
        return numbers

    def of(self, number: int, item: ItemT, features: FeatureMap) -> Shaped[Tensor, "1 ..."]:  # noqa: ARG002
        """The label."""
        return self.labels.known[number][None]

    def target(self) -> AbstractTarget:
        """That of the labels; values in their own unit."""
        found = self.labels.target
        return Values(found.names) if isinstance(found, Values) else found

    def settled(self, known: Shaped[Tensor, "*rows"]) -> tuple[AbstractTarget, Shaped[Tensor, "*rows"]]:
        """As it is."""
        return self.target(), known


@final
class KnownMasks(AbstractKnown[ItemT]):
    """The names of masks, element by element.

    Args:
        masks: of the items.
        count: how many items there are.
        rest: what lies in no mask: a class of its own, or unlabelled.
    """

    def __init__(self, masks: AbstractMasks[ItemT], count: int, rest: Literal["none", "unlabelled"] = "none") -> None:
        self.masks, self.count, self.rest = masks, count, rest
        self.classes = MaskClasses()

    def numbers(self) -> list[int]:
        """Those that may have a mask."""
        return [number for number in range(self.count) if self.masks.has(number)]

    def of(self, number: int, item: ItemT, features: FeatureMap) -> Shaped[Tensor, "1 ..."] | None:
        """The class of the mask under every element."""
        found = self.masks.of_item(number, item)
        if found is None:
            return None
        labels = found.under(features.places, features.valid.shape[1])
        if self.rest == "none":
            return self.classes.of(found, labels)[None]
        known = torch.full_like(labels, -1)
        known[labels >= 0] = self.classes.of(found, labels[labels >= 0])
        return known[None]

    def target(self) -> AbstractTarget:
        """The classes of all masks so far, as they are numbered so far."""
        return Classes(tuple(self.classes.numbers) or ("none",))

    def settled(self, known: Shaped[Tensor, "*rows"]) -> tuple[AbstractTarget, Shaped[Tensor, "*rows"]]:
        """Classes in the order of their names; the masks are numbered so from now on."""
        names = sorted(self.classes.numbers)
        place = torch.tensor([names.index(name) for name in self.classes.numbers] + [-1], dtype=torch.long)
        self.classes.numbers = {name: number for number, name in enumerate(names)}
        return Classes(tuple(names)), place[known]


def known_of(
    labels: Labels | Path | None,
    masks: AbstractMasks[ItemT] | Path | None,
    items: AbstractItems[ItemT],
    modality: AbstractModality[ItemT],
    column: str | None = None,
    kind: Kind = "class",
    rest: Literal["none", "unlabelled"] = "none",
    skipped: list[Skipped] | None = None,
) -> AbstractKnown[ItemT]:
    """What is known of items, by whatever the user named.

    Args:
        labels: one row per item, a table, or the word `folders`; None for a column of the data's own records. Of trees
            the file that holds them.
        masks: that come with the data, in place of labels.
        items: the data set.
        modality: reads masks.
        column: of the labels.
        kind: of the labels.
        rest: what lies in no mask.
        skipped: items that were left out so far; None where they are errors.

    Raises:
        ValueError: if nothing, or both are named; if they do not fit the items, or say nothing of any.
    """
    if masks is not None:
        if labels is not None or column is not None:
            raise ValueError("labels and masks say what is known in two ways: name --labels or --masks, not both")
        return KnownMasks(_masks(masks, items, modality, skipped), len(items), rest)
    if kind == "tree" and not isinstance(labels, Labels):
        return known_trees(labels, items, modality, skipped)
    if labels is None and column is None:
        raise ValueError(
            "nothing is known of the items: give --labels (a table, or folders), --label-column or --masks"
        )
    if not isinstance(labels, Labels):
        labels = labels_at(labels, items, column, kind, skipped or (), skipped is not None)
    if len(labels.known) != len(items):
        raise ValueError(f"labels of {len(labels.known)} items were given, and there are {len(items)}")
    if not len(labels.known_items()):
        raise ValueError(f"none of the {len(items)} items is labelled; give labels of some")
    return KnownLabels(labels)


def known_here(
    known: AbstractKnown[ItemT], number: int, item: ItemT, features: FeatureMap, skipped: list[Skipped] | None
) -> Shaped[Tensor, "1 ..."] | None:
    """What is known of one item; nothing where it cannot be read and bad ones are left out.

    Raises:
        BadItemError: where they are errors.
    """
    try:
        return known.of(number, item, features)
    except BadItemError as error:
        if skipped is None:
            raise
        skipped.append(Skipped(error.name, error.reason))
        return None


def _masks(
    masks: AbstractMasks[ItemT] | Path,
    items: AbstractItems[ItemT],
    modality: AbstractModality[ItemT],
    skipped: Sequence[Skipped] | None,
) -> AbstractMasks[ItemT]:
    if not isinstance(masks, Path):
        return masks
    if not isinstance(modality, ReadsMasks):
        raise ValueError(f"the modality {modality.name!r} reads no masks, so --masks {masks} cannot be used")
    reader: Any = modality
    read: AbstractMasks[ItemT] = reader.read_masks(masks, items, skipped or ())
    if not any(read.has(number) for number in range(len(items))):
        raise ValueError(f"{masks} holds masks of none of the {len(items)} items")
    return read
