"""Which element of its source every element of a joint view shows: part by part."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .correspondence import AbstractCorrespondence, shares_of
from .feature_map import FeatureMap
from .grid import Grid
from .places import Parts, Places
from .shares import Shares


@final
@dataclass(frozen=True)
class InParts(AbstractCorrespondence):
    """A correspondence for every part of a joint item; a part that a view or an item lacks shows nothing.

    Attributes:
        names: of the parts, in the order of the joint modality.
        rules: of every part, for all items of the batch; None where no item has it. An item without the part has
            a row that means nothing.
        has: which items have which part.

    Example: the text is kept, the sound is not.

        >>> from gestalt.core.data.correspondence import Affine, Index
        >>> both = InParts.of({"audio": Affine.identity(1), "text": Index.identity(2)}, ("audio", "text"))
        >>> only = InParts.of({"text": Index.identity(2)}, ("audio", "text"))
        >>> both.then(only).has.tolist()
        [[False, True]]
    """

    names: tuple[str, ...]
    rules: tuple[AbstractCorrespondence | None, ...]
    has: Bool[Tensor, "batch parts"]

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.rules) == self.has.shape[1]:
            raise ValueError(
                f"as many names, rules and columns of `has` are needed, got {len(self.names)}, {len(self.rules)} and "
                f"{self.has.shape[1]}"
            )

    @classmethod
    def of(cls, parts: Mapping[str, AbstractCorrespondence], names: Sequence[str]) -> "InParts":
        """One item, with the parts that it has."""
        rules = tuple(parts.get(name) for name in names)
        return cls(tuple(names), rules, torch.tensor([[rule is not None for rule in rules]]))

    @property
    def known(self) -> Bool[Tensor, " batch"]:  # type: ignore[override]
        """Where all parts that there are are known."""
        known = torch.ones(len(self.has), dtype=torch.bool, device=self.has.device)
        for number, rule in enumerate(self.rules):
            if rule is not None:
                known &= rule.known | ~self.has[:, number]
        return known

    def source_elements(self, view: FeatureMap, source: Places | None) -> Int[Tensor, "batch elements"]:
        """The source element under every element of the view, in the numbers of the joint item; −1 for none.

        Raises:
            ValueError: if view or source is no joint one of these parts.
        """
        found = torch.full_like(view.valid, -1, dtype=torch.long)
        for has, here, there, rule, own_view, own_source in self._parts(view, source):
            own = rule.source_elements(own_view, own_source)
            shown = (own >= 0) & has[:, None]
            found[:, here : here + own.shape[1]] = torch.where(shown, own + there, -1)
        return found

    def shares(self, view: FeatureMap, source: Places | None) -> Shares:
        """The view's elements for every source element, part by part, in the numbers of the joint item.

        Raises:
            ValueError: as `source_elements`.
        """
        found = [Shares.shown(torch.full_like(view.valid[:, :0], -1, dtype=torch.long))]
        for has, here, there, rule, own_view, own_source in self._parts(view, source):
            own = shares_of(rule, own_view, own_source).moved(there, here)
            kept = has[own.item]
            found.append(Shares(own.item[kept], own.source[kept], own.view[kept], own.weight[kept]))
        return Shares(
            torch.cat([one.item for one in found]),
            torch.cat([one.source for one in found]),
            torch.cat([one.view for one in found]),
            torch.cat([one.weight for one in found]),
        )

    def _parts(
        self, view: FeatureMap, source: Places | None
    ) -> Iterator[tuple[Bool[Tensor, " batch"], int, int, AbstractCorrespondence, FeatureMap, Grid | None]]:
        """Of every part that there is: who has it, where it begins in view and source, its rule, map and lattice."""
        if not isinstance(view.places, Parts) or not isinstance(source, Parts) or source.names != view.places.names:
            raise ValueError(
                f"a correspondence of the parts {', '.join(self.names)} needs joint elements of these on both sides"
            )
        for name, rule, has in zip(self.names, self.rules, self.has.T, strict=True):
            here, there = view.places.slices[name], source.slices[name]
            if rule is not None and here.stop > here.start and there.stop > there.start:
                grid = source.grids[source.names.index(name)]
                yield has, here.start, there.start, rule, view.part(name), grid

    def then(self, second: AbstractCorrespondence) -> "InParts":
        """Part by part; what either lacks is lacking."""
        second = self._same(second)
        rules = tuple(
            None if one is None or two is None else one.then(two)
            for one, two in zip(self.rules, second.rules, strict=True)
        )
        return InParts(self.names, rules, self.has & second.has)

    def join(self, others: Sequence[AbstractCorrespondence]) -> "InParts":
        """One batch of all items; where an item lacks a part that another has, that one's rule holds its row."""
        every = [self, *(self._same(other) for other in others)]
        rules = tuple(_joined([one.rules[number] for one in every], every) for number in range(len(self.names)))
        return InParts(self.names, rules, torch.cat([one.has for one in every]))

    def to(self, device: torch.device | str) -> "InParts":
        """The same correspondence on another device."""
        rules = tuple(None if rule is None else rule.to(device) for rule in self.rules)
        return InParts(self.names, rules, self.has.to(device, non_blocking=True))

    def part(self, name: str) -> AbstractCorrespondence | None:
        """The rule of one part, None where no item has it."""
        return self.rules[self.names.index(name)]

    def _same(self, other: AbstractCorrespondence) -> "InParts":
        if not isinstance(other, InParts) or other.names != self.names:
            raise TypeError(f"correspondences of joint items have the same parts, got {self.names} and {other}")
        return other


def _joined(rules: Sequence[AbstractCorrespondence | None], every: Sequence[InParts]) -> AbstractCorrespondence | None:
    given = next((rule for rule in rules if rule is not None), None)
    if given is None:
        return None
    filled = [_filler(given, len(one.has)) if rule is None else rule for rule, one in zip(rules, every, strict=True)]
    first, *others = filled
    return first.join(others)


def _filler(rule: AbstractCorrespondence, items: int) -> AbstractCorrespondence:
    """Rows that mean nothing, of the sort of `rule`: its own first row, so often."""
    one = type(rule)(**{name: value[:1] for name, value in vars(rule).items() if isinstance(value, Tensor)})
    return one.join([one] * (items - 1))
