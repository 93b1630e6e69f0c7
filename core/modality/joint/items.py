"""Joint items, numbered: which item of every part belongs together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from ...data.items import AbstractItems, BadItemError, FromFiles, read_item
from ..windows import Jittered
from .item import JointItem


@final
@dataclass(frozen=True)
class JointItems(AbstractItems[JointItem]):
    """Items of several modalities, row by row.

    Attributes:
        parts: the numbered items of every part.
        rows: of every joint item, the number of each part's item; −1 where it lacks the part.
        names: what every joint item is called.
        allow_missing: a part that cannot be read is missing; otherwise the item is bad.
        choices: of joint items that have several of a part, such as captions, all their numbers by the name of the
            part. The row has the first one.
        drawn: read one of these by chance, as while training; otherwise the first one.
        remarks: what was decided while reading, for people: how many items lack a part.
    """

    parts: Mapping[str, AbstractItems[Any]]
    rows: Sequence[tuple[int, ...]]
    names: Sequence[str]
    allow_missing: bool = False
    choices: Mapping[int, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    drawn: bool = False
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def name(self, index: int) -> str:
        """Where the item comes from."""
        return self.names[index]

    def path(self, index: int) -> Path:
        """The file of its first part that lies in one."""
        for items, number in zip(self.parts.values(), self.rows[index], strict=True):
            if number >= 0 and isinstance(items, FromFiles):
                return items.path(number)
        return Path(self.names[index])

    def may_have(self, index: int) -> frozenset[str]:
        """The parts that an item has, if they can be read."""
        return frozenset(name for name, number in zip(self.parts, self.rows[index], strict=True) if number >= 0)

    def with_jitter(self, jitter: bool) -> "JointItems":
        """The same items, read for training: of several captions one is drawn, and windows in time begin earlier or
        later, those of one item by the same.
        """
        parts = {
            name: items.with_jitter(jitter) if isinstance(items, Jittered) else items
            for name, items in self.parts.items()
        }
        return replace(self, parts=parts, drawn=jitter)

    def read(self, index: int, rng: np.random.Generator) -> JointItem:
        """All parts of the item, each with the same random numbers: windows of one length are moved alike (`jittered`).
        Of several captions it says which was read (`JointItem.chosen`).

        Raises:
            BadItemError: if a part cannot be read; with `allow_missing`, if none can.
        """
        found, chosen = dict[str, Any](), dict[str, int]()
        problem = BadItemError(self.names[index], "has no part")
        seed = int(rng.integers(2**63))
        for (name, items), first in zip(self.parts.items(), self.rows[index], strict=True):
            if first < 0:
                continue
            several = self.choices.get(index, {}).get(name, (first,))
            number = several[seed % len(several)] if self.drawn else first
            try:
                found[name] = read_item(items, number, np.random.default_rng(seed))
            except BadItemError as error:
                if not self.allow_missing:
                    raise
                problem = error
                continue
            if len(several) > 1:
                chosen[name] = number
        if not found:
            raise problem
        return JointItem(found, chosen)
