"""Joint items that are windows of something longer: at the same seconds of all parts that lie in time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np

from ...data.items import AbstractItems, BadItemError, as_bad_item, read_item
from ..in_context import in_context
from ..optional import InSequence, ReadsContext
from ..windows import InContext, OnClocks, Own, Sight, WindowIndex
from .item import JointItem
from .items import JointItems


@final
@dataclass(frozen=True)
class JointWindows(AbstractItems[JointItem]):
    """Windows of joint items, each with what lies around it in every part that lies in time.

    Other parts, such as a caption, are the same in all windows of a whole, and each window has all of them.

    Attributes:
        items: the windows, row by row.
        axis: the parts that lie in time.
    """

    items: JointItems
    axis: frozenset[str]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What was decided while reading, for people."""
        return self.items.remarks

    def name(self, index: int) -> str:
        """Where the window comes from."""
        return self.items.name(index)

    def path(self, index: int) -> Path:
        """The file of its first part that lies in one."""
        return self.items.path(index)

    def with_jitter(self, jitter: bool) -> "JointWindows":
        """The same windows, read for training or exactly; see `JointItems.with_jitter`."""
        return replace(self, items=self.items.with_jitter(jitter))

    def read(self, index: int, rng: np.random.Generator) -> JointItem:
        """All parts of a window.

        Raises:
            BadItemError: if a part cannot be read; with `allow_missing`, if none can.
        """
        return self.items.read(index, rng)

    def read_in_context(self, index: int, sight: Sight) -> InContext[JointItem]:
        """All parts of a window without chance, those in time with what a network sees around them.

        Raises:
            BadItemError: as `read`.
        """
        problem = BadItemError(self.name(index), "has no part")
        items, around, own = dict[str, Any](), dict[str, Any](), dict[str, Own | None]()
        for (name, part), number in zip(self.items.parts.items(), self.items.rows[index], strict=True):
            if number < 0:
                continue
            try:
                seen = self._seen(name, part, number, sight.part(name))
            except BadItemError as error:
                if not self.items.allow_missing:
                    raise
                problem = error
                continue
            assert not isinstance(seen.own, Mapping)
            items[name], around[name] = seen.item, seen.around
            own[name] = seen.own if name in self.axis else None
        if not items:
            raise problem
        return InContext(JointItem(items), JointItem(around), own)

    def _seen(self, name: str, items: AbstractItems[Any], number: int, sight: Sight) -> InContext[Any]:
        """One part in its context; whatever is raised over it names it."""
        if name not in self.axis:
            whole = read_item(items, number, np.random.default_rng(0))
            return InContext(whole, whole, (0.0, 0.0))
        try:
            return in_context(items, number, sight)
        except Exception as error:  # as `read_item`: libraries raise whatever they like
            raise as_bad_item(items.name(number), error) from error

    def whole(self, index: int) -> range:
        """The windows of the same whole: of one file in every part in time, beside the same items of the others."""
        return self._index.of_file(self._index.place(index)[0])

    @cached_property
    def _index(self) -> WindowIndex:
        counts = list[int]()
        for index, row in enumerate(self.items.rows):
            if index and self._goes_on(self.items.rows[index - 1], row):
                counts[-1] += 1
            else:
                counts.append(1)
        return WindowIndex(counts)

    def _goes_on(self, before: tuple[int, ...], here: tuple[int, ...]) -> bool:
        """Whether a row is the next window of the same whole. A part in time may be missing in some windows."""
        goes_on = False
        for (name, items), one, two in zip(self.items.parts.items(), before, here, strict=True):
            if name not in self.axis:
                if one != two:
                    return False
            elif one >= 0 and two >= 0:
                assert isinstance(items, InSequence)
                if two != one + 1 or two not in items.whole(one):
                    return False
                goes_on = True
        return goes_on


def axis_of(parts: Mapping[str, AbstractItems[Any]]) -> frozenset[str]:
    """The parts that lie in time, in windows that are read with what lies around them."""
    return frozenset(
        name
        for name, items in parts.items()
        if isinstance(items, OnClocks) and isinstance(items, ReadsContext) and isinstance(items, InSequence)
    )


def in_windows(items: JointItems) -> JointItems | JointWindows:
    """Joint items as windows, where a part of them lies in time."""
    axis = axis_of(items.parts)
    return JointWindows(items, axis) if axis else items
