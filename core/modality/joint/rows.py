"""Joint items as they are put together: which item of every part, and what is left out for lack of a part."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from ...data.items import AbstractItems, BadItemError, Remarked, Skipped, file_of
from ...storage.naming import counted
from ..base import Reading
from .item import JointItem
from .items import JointItems
from .windows import in_windows


@final
@dataclass
class Rows:
    """The rows of `JointItems` in the making.

    Attributes:
        parts: names of all parts.
        skip_bad: list items that lack a part, in place of an error.
        allow_missing: take them.
        skipped: what was left out.
        damaged: files of which some was left out.
        named: files that a part's modality left out: that items of them lack this part needs no further word.
        remarks: what was decided, for people.
    """

    parts: tuple[str, ...]
    skip_bad: bool
    allow_missing: bool
    skipped: list[Skipped] = field(default_factory=list)
    damaged: list[Skipped] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    kept: list[tuple[int, ...]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    choices: dict[int, dict[str, tuple[int, ...]]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def note(self, reading: Reading[Any]) -> AbstractItems[Any]:
        """What a part's modality left out and decided, each thing once; the items that it read."""
        for own, further in ((self.skipped, reading.skipped), (self.damaged, reading.damaged)):
            known = set(own)
            own += [one for one in further if one not in known]
        self.named |= {one.name for one in reading.skipped}
        self.remarks += reading.items.remarks if isinstance(reading.items, Remarked) else ()
        return reading.items

    def read_at_begin(self, part: str, items: AbstractItems[Any], numbers: Iterable[int]) -> None:
        """Say of some items of a part that they are the begin of something longer, of which the rest is not read."""
        reason = f"is longer than a window of {part}: only its begin is read"
        self.damaged += [Skipped(items.name(number), reason) for number in numbers]

    def leave_out(self, name: str, reason: str) -> None:
        """List something among what was left out.

        Raises:
            BadItemError: unless it may be left out.
        """
        if not self.skip_bad:
            raise BadItemError(name, reason)
        self.skipped.append(Skipped(name, reason))

    def add(
        self,
        name: str,
        row: Sequence[int],
        advice: str,
        choices: Mapping[str, Sequence[int]] | None = None,
        file: str = "",
    ) -> None:
        """Add an item, or list it among those that were left out.

        Args:
            name: what it is called.
            row: the number of each part's item, −1 for none.
            advice: what to do about a missing part, as the rest of a sentence.
            choices: of parts of which the item has several, all numbers.
            file: in which it lies.

        Raises:
            BadItemError: if it lacks a part, unless that is allowed or it may be left out.
        """
        lacking = [part for part, number in zip(self.parts, row, strict=True) if number < 0]
        if len(lacking) == len(row) or (lacking and not self.allow_missing):
            rest = "" if len(lacking) == len(row) else ", or take it as it is with --allow-missing"
            way = ", leave the item out with --skip-bad" if rest else ", or leave the item out with --skip-bad"
            reason = f"has no {' and no '.join(lacking)}{advice}{way}{rest}"
            if not self.skip_bad or file not in self.named:
                self.leave_out(name, reason)
            return
        several = {part: tuple(numbers) for part, numbers in (choices or {}).items() if len(numbers) > 1}
        if several:
            self.choices[len(self.kept)] = several
        self.kept.append(tuple(row))
        self.names.append(name)

    def reading(self, items: Mapping[str, AbstractItems[Any]], source: str) -> Reading[JointItem]:
        """All items.

        Raises:
            ValueError: if there are none.
        """
        if not self.kept:
            first = f"; the first, {self.skipped[0].said}" if self.skipped else ""
            raise ValueError(f"no item in {source} has the parts {', '.join(self.parts)}{first}")
        # A part that no file has is none of the items' parts.
        kept = [
            tuple(number for part, number in zip(self.parts, row, strict=True) if part in items) for row in self.kept
        ]
        found = JointItems(
            items, kept, self.names, self.allow_missing, self.choices, remarks=(*self.remarks, *self._lacking())
        )
        there = {file_of(found, number) for number in range(len(found))} if self.allow_missing else set[str]()
        # What lies beside the part that a file lacks is among the items, and nothing is wrong with it.
        skipped = [one for one in self.skipped if not (one.absent and one.name in there)]
        return Reading(in_windows(found), tuple(skipped), tuple(self.damaged))

    def _lacking(self) -> Iterator[str]:
        """How many items lack each part, where items may."""
        for place, part in enumerate(self.parts):
            lacking = sum(row[place] < 0 for row in self.kept)
            if lacking:
                yield f"{lacking} of {counted(len(self.kept), 'item')} without {part}, taken as they are"
