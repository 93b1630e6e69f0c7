"""Items of which some parts are seen alone: the sounds of clips, the captions of pictures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, final

import numpy as np

from ..components.names import choose
from ..data.items import AbstractItems, BadItemError, Skipped, read_item
from ..modality.base import AbstractModality
from ..modality.in_context import in_context
from ..modality.optional import InSequence, ReadsContext, ShowsParts
from ..modality.windows import InContext, Sight
from .inputs import Source

ItemT = TypeVar("ItemT")


def parts_alone(source: Source[ItemT], modality: AbstractModality[ItemT], names: Sequence[str]) -> Source[ItemT]:
    """The same items without their other parts; those that have none of these parts are bad items.

    Raises:
        ValueError: if items of the modality have no parts, or none of such a name.
    """
    if not isinstance(modality, ShowsParts):
        raise ValueError(f"items of {modality.name} have no parts: leave out parts={list(names)}")
    for name in names:
        choose("part", name, list(modality.parts))
    if source.items is None:
        return replace(source, loader=_Loaded(source.loader, modality, tuple(names), source.skipped))
    own = OfParts(source.items, modality, tuple(names))
    return replace(source, items=OfPartsInSequence(own) if isinstance(source.items, ReadsContext) else own)


@final
@dataclass(frozen=True)
class OfParts(AbstractItems[ItemT], Generic[ItemT]):
    """Numbered items without their other parts."""

    items: AbstractItems[ItemT]
    modality: ShowsParts[ItemT]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.items)

    def name(self, index: int) -> str:
        """Where the item comes from."""
        return self.items.name(index)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:
        """What is left of item `index`.

        Raises:
            BadItemError: if it has none of the parts.
        """
        return self.of(read_item(self.items, index, rng), index)

    def of(self, item: ItemT, index: int) -> ItemT:
        """What is left of an item that was read as item `index`.

        Raises:
            BadItemError: as `read`.
        """
        return _alone(item, self.modality, self.names, self.name(index))


@final
@dataclass(frozen=True)
class OfPartsInSequence(AbstractItems[ItemT], Generic[ItemT]):
    """Windows without their other parts, in the context of those that are left."""

    alone: OfParts[ItemT]

    def __len__(self) -> int:
        return len(self.alone)

    def name(self, index: int) -> str:
        """Where the window comes from."""
        return self.alone.name(index)

    def read(self, index: int, rng: np.random.Generator) -> ItemT:
        """What is left of window `index`.

        Raises:
            BadItemError: if it has none of the parts.
        """
        return self.alone.read(index, rng)

    def read_in_context(self, index: int, sight: Sight) -> InContext[ItemT]:
        """What is left of window `index`, and of what lies around it.

        Raises:
            BadItemError: as `read`.
        """
        seen = in_context(self.alone.items, index, sight)
        own = seen.own
        if isinstance(own, Mapping):
            own = {name: part for name, part in own.items() if name in self.alone.names}
        return InContext(self.alone.of(seen.item, index), self.alone.of(seen.around, index), own, seen.numbers)

    def whole(self, index: int) -> range:
        """The windows of the same whole."""
        items = self.alone.items
        return items.whole(index) if isinstance(items, InSequence) else range(index, index + 1)


@final
@dataclass(frozen=True)
class _Loaded(Generic[ItemT]):
    """What a loader gives, without other parts."""

    loader: Iterable[Any]
    modality: ShowsParts[ItemT]
    names: tuple[str, ...]
    skipped: list[Skipped] | None

    def __iter__(self) -> Iterator[list[ItemT]]:
        place = 0
        for some in self.loader:
            kept = list[ItemT]()
            for item in some if isinstance(some, list | tuple) else [some]:
                place += 1
                try:
                    kept.append(_alone(item, self.modality, self.names, f"item {place}"))
                except BadItemError as error:
                    if self.skipped is None:
                        raise
                    self.skipped.append(Skipped(error.name, error.reason))
            if kept:
                yield kept


def _alone(item: ItemT, modality: ShowsParts[ItemT], names: tuple[str, ...], where: str) -> ItemT:
    kept = modality.alone(item, names)
    if kept is None:
        raise BadItemError(where, f"has no part {' or '.join(names)}; leave it out with --skip-bad (skip_bad=True)")
    return kept
