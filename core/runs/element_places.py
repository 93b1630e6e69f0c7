"""Where elements lie: in their file, where the modality says it, and of joint items in columns of every part."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Shaped

from ..data.feature_map import FeatureMap
from ..data.items import AbstractItems, BadItemError, read_item
from ..data.places import Parts, Places
from ..data.segmentation import Segmentation
from ..discovery.found import FoundBatch
from ..modality.base import AbstractModality
from ..modality.joint.item import JointItem
from ..modality.joint.shard_windows import joint_items, rows_of
from ..modality.optional import ComposesModalities, LocatesElements, ReadsFullResolution, ReducesElements
from .parts_of_objects import part_of_batch

Encoded = Callable[[Sequence[Any]], Iterable[FoundBatch[Any]]]
"""Features of items in memory."""
Column = Shaped[np.ndarray, " elements"]


@final
@dataclass(frozen=True)
class ElementPlaces:
    """Columns that say where the elements of items lie, the same for every item.

    The modality says it, or they are the numbers and the centres of elements. Of joint items they are the part, the
    number in it, and what each part's modality says, in columns of that part (`audio_onset`); elements of other parts
    have no number there (NaN).

    Attributes:
        modality: of the items.
        items: tell where each item comes from.
        columns: of joint items, all that there are in any item; those of the item at hand come first otherwise.
    """

    modality: AbstractModality[Any]
    items: AbstractItems[Any]
    columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, modality: AbstractModality[Any], items: AbstractItems[Any], encoded: Encoded) -> "ElementPlaces":
        """For items that a model encodes: of items that may lack parts, one that has each is asked for its columns.

        Args:
            modality: of the model.
            items: those that it read.
            encoded: features of items, from the model.
        """
        one = cls(modality, items)
        if not isinstance(modality, ComposesModalities) or not modality.allow_missing:
            return one
        missing, columns = set(modality.modalities), dict[str, None]()
        for index in range(len(items)):
            if not missing:
                break
            if not missing & _may_have(items, index, missing):
                continue
            try:
                item = read_item(items, index, np.random.default_rng(0))
            except BadItemError:
                continue
            if missing & item.parts.keys():
                columns |= dict.fromkeys(one.of_item(_without_objects(modality, encoded, index, item), 0))
                missing -= item.parts.keys()
        return cls(modality, items, tuple(columns))

    def of_item(self, found: FoundBatch[Any], row: int) -> Mapping[str, Column]:
        """Where the valid elements of one item of a batch lie."""
        valid = found.features.valid[row].numpy()
        if isinstance(self.modality, LocatesElements):
            columns = self.modality.element_columns(found, row, self.items)
        elif isinstance(self.modality, ComposesModalities) and isinstance(found.features.places, Parts):
            columns = self._of_parts(found, row, found.features.places)
        else:
            columns = numbers_and_centres(found.features.places, len(valid), row)
        return {name: np.asarray(column)[valid] for name, column in columns.items()}

    def _of_parts(self, found: FoundBatch[Any], row: int, places: Parts) -> dict[str, Column]:
        assert isinstance(self.modality, ComposesModalities)
        columns: dict[str, Column] = {
            "part": np.repeat(places.names, places.cells),
            "element": np.concatenate([np.arange(cells) for cells in places.cells]),
        }
        nowhere = np.full(places.elements, np.nan)
        columns |= {name: nowhere.copy() for name in self.columns if name not in columns}
        for name, here in places.slices.items():
            if name not in found.items[row].parts:
                continue
            for key, column in self._of_part(found, row, name, self.modality.modalities[name]).items():
                columns.setdefault(f"{name}_{key}", nowhere.copy())[here] = column
        return columns

    def _of_part(
        self, found: FoundBatch[Any], row: int, name: str, modality: AbstractModality[Any]
    ) -> dict[str, Column]:
        """What the modality of a part says of all its elements, padding included."""
        items = rows_of(self.items)
        elements = found.features.part(name).valid.shape[1]
        if items is None or not isinstance(modality, LocatesElements):
            centres = numbers_and_centres(found.features.part(name).grid, elements, row)
            return {key: column for key, column in centres.items() if key != "element"}
        (one,) = part_of_batch(_one_of(found, row), name, items)
        if isinstance(modality, ReducesElements):
            one = modality.reduced(one)
        said = modality.element_columns(one, 0, items.parts[name])
        # Elements that are finer than what is located lie behind one another on further axes.
        return {key: np.repeat(column, elements // len(column)) for key, column in said.items()}


def numbers_and_centres(places: Places | None, elements: int, row: int) -> dict[str, Column]:
    """The number of every element, and its centre along every axis.

    Raises:
        ValueError: for elements of several parts.
    """
    columns: dict[str, Column] = {"element": np.arange(elements)}
    if isinstance(places, Parts):
        raise ValueError(f"elements of the parts {', '.join(places.names)} lie on no common axes")
    if places is not None:
        centres = places.centres()
        for axis in range(centres.shape[2]):
            columns[f"centre_{axis}"] = centres[row % len(centres), :, axis].numpy()
    return columns


def _one_of(found: FoundBatch[Any], row: int) -> FoundBatch[Any]:
    one = torch.tensor([row])
    return FoundBatch((found.index[row],), [found.items[row]], found.features.rows(one), found.segmentation.rows(one))


def _may_have(items: AbstractItems[Any], index: int, parts: AbstractSet[str]) -> AbstractSet[str]:
    """Which of some parts an item may have, before it is read."""
    joint = joint_items(items)
    return parts if joint is None else joint.may_have(index)


def _without_objects(
    modality: AbstractModality[Any], encoded: Encoded, index: int, item: JointItem
) -> FoundBatch[JointItem]:
    """An item with its features, and without objects."""
    small = modality.for_network(item) if isinstance(modality, ReadsFullResolution) else item
    features: FeatureMap = next(iter(encoded([small]))).features
    return FoundBatch(
        (index,), [small], features, Segmentation.from_labels(torch.full(features.valid.shape, -1), 1, features.places)
    )
