"""Which members of every type are shown, and what is said of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from markupsafe import Markup

from ...data.items import AbstractItems, file_of, record_of
from ...data.own_elements import own_places
from ...discovery.found import FoundBatch
from ...modality.base import AbstractModality
from ...modality.showing import object_html
from ...storage.naming import counted
from .finding import FoundTypes
from .members import FoundObjects
from .names import Names, place_of
from .page import BINS, Member, TypeSection, bars
from .table import elements_of

NEAREST, BETWEEN, FARTHEST = 4, 2, 3
"""Members of a type that are shown."""
GROUPS = ("Nearest to its centre", "In between", "Farthest")
SHOWN = 24
"""Types on the page, the commonest."""
FILES = 8
"""Files of a type that are listed, those in which it occurs most."""


@final
@dataclass
class Exhibits:
    """The members that are shown, as their items go by.

    Attributes:
        found: all objects.
        modality: shows them.
        items: where they are.
        names: marks that were made before.
        shown: by the number of an object.
    """

    found: FoundTypes
    modality: AbstractModality[Any]
    items: AbstractItems[Any]
    names: Names
    shown: dict[int, Member] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chosen = [chosen_members(self.found.members.of_type(kind).tolist()) for kind in range(self.types)]
        self.wanted = {one for groups in self.chosen for group in groups for one in group}

    @property
    def types(self) -> int:
        """How many types are shown."""
        return min(self.found.types.count, SHOWN)

    def see(self, batch: FoundBatch[Any], objects: FoundObjects, first: int, items: Sequence[Any]) -> None:
        """The objects of a batch, numbered from `first`; `items` are in the size in which elements lie on them."""
        for offset, (row, place) in enumerate(zip(objects.rows.tolist(), objects.places.tolist(), strict=True)):
            number = first + offset
            if number not in self.wanted:
                continue
            own, places = own_places(batch.features.valid[row], batch.features.places, row)
            content = Markup(object_html(self.modality, items[row], elements_of(batch, row, place)[own], places))
            self.shown[number] = self._member(number, batch.index[row], content)

    def _member(self, number: int, index: int, content: Markup) -> Member:
        members, items = self.found.members, self.items
        own = int(members.numbers[number])
        wrong = place_of(items, index, own) in self.names.wrong
        distance = f"{float(members.distances[number]):.3g}"
        return Member(content, items.name(index), file_of(items, index), record_of(items, index), own, distance, wrong)

    def sections(self) -> tuple[TypeSection, ...]:
        """What is said of every type, once all items went by."""
        members = self.found.members
        files = {index: file_of(self.items, index) for index in members.items.unique().tolist()}
        return tuple(self._section(kind, files) for kind in range(self.types))

    def _section(self, kind: int, files: Mapping[int, str]) -> TypeSection:
        members, types = self.found.members, self.found.types
        own = members.items[members.types == kind]
        every = Counter(files[index] for index in own.tolist())
        common = sorted(every.items(), key=lambda one: (-one[1], one[0]))
        bins = min(BINS, max(len(self.items), 1))
        counts = (own * bins // max(len(self.items), 1)).bincount(minlength=bins).tolist()
        groups = [
            (title, [self.shown[one] for one in group if one in self.shown])
            for title, group in zip(GROUPS, self.chosen[kind], strict=True)
        ]
        share = len(own) / max(len(members), 1)
        return TypeSection(
            kind + 1,
            self.names.names.get(kind, ""),
            f"{counted(len(own), 'object')} ({share:.0%}) in {counted(len(every), 'file')}.",
            [other + 1 for other in types.neighbours(kind) if other < self.types],
            [(title, group) for title, group in groups if group],
            bars(counts),
            max([0, *counts]),
            common[:FILES],
            max(0, len(common) - FILES),
        )


def chosen_members(members: Sequence[int]) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Some of the members, which come in the order of their distance: the nearest, some between, and the farthest.

    Example:
        >>> chosen_members(range(20))
        (range(0, 4), [8, 12], range(17, 20))
        >>> chosen_members([7, 8, 9, 1, 2])
        ([7, 8, 9, 1], [], [2])
    """
    near, rest = members[:NEAREST], members[NEAREST:]
    far, middle = rest[max(0, len(rest) - FARTHEST) :], rest[: max(0, len(rest) - FARTHEST)]
    steps = torch.linspace(0, len(middle) - 1, BETWEEN + 2)[1:-1].round().long().unique().tolist() if middle else []
    return near, [middle[step] for step in steps], far
