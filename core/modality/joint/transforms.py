"""Transforms of joint items: every part by its own, the same stretch of all, some parts alone."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

from ...components.ranges import PositiveShare, check_ordered, check_ranges
from ...data.correspondence import AbstractCorrespondence
from ...data.in_parts import InParts
from ..optional import CutsInTime
from ..transform import AbstractTransform
from .item import JointItem


@final
class EachPart(AbstractTransform[JointItem]):
    """Every part that an item has, changed by its own transform.

    Random numbers of a part do not depend on which other parts there are: what is done to the sound of a clip is the
    same whether its picture is there or not.

    Args:
        transforms: one for every part.
    """

    def __init__(self, transforms: Mapping[str, AbstractTransform[Any]]) -> None:
        self.transforms = dict(transforms)

    def __call__(self, item: JointItem, rng: np.random.Generator) -> tuple[JointItem, InParts]:
        """The changed parts, and their correspondences."""
        seeds = rng.integers(2**63, size=len(self.transforms))
        parts, rules = dict[str, Any](), dict[str, AbstractCorrespondence]()
        for (name, transform), seed in zip(self.transforms.items(), seeds, strict=True):
            if name in item.parts:
                parts[name], rules[name] = transform(item.parts[name], np.random.default_rng(seed))
        return JointItem(parts), InParts.of(rules, tuple(self.transforms))


@final
class KeepParts(AbstractTransform[JointItem]):
    """Some parts alone; an item that has none of them keeps all, or there is nothing of it to see.

    Args:
        names: of all parts.
        kept: those that are kept.
        identity: for every part, the transform that changes nothing.
        nothing: whether an item that has none of them has no part any more: no loss compares it then.
    """

    def __init__(
        self, kept: Sequence[str], identity: Mapping[str, AbstractTransform[Any]], nothing: bool = False
    ) -> None:
        missing = [name for name in kept if name not in identity]
        if missing or not kept:
            raise ValueError(f"kept must name some of {', '.join(identity)}, got {list(kept)}")
        self.kept, self.nothing = tuple(kept), nothing
        self.identity = dict(identity)

    def __call__(self, item: JointItem, rng: np.random.Generator) -> tuple[JointItem, InParts]:
        """The item without its other parts."""
        none = self.nothing and not item.parts.keys() & set(self.kept)
        only = JointItem({}, seen=False) if none else item.only(self.kept)
        rules = {name: self.identity[name](part, rng)[1] for name, part in only.parts.items()}
        return only, InParts.of(rules, tuple(self.identity))


@final
class SameStretch(AbstractTransform[JointItem]):
    """The same seconds of all parts that lie in time; the others are kept whole.

    Args:
        modalities: of all parts; those that can be cut (`CutsInTime`) are.
        identity: for every part, the transform that changes nothing.
        shortest: least share of the seconds that all of them have.
        longest: greatest share.
    """

    def __init__(
        self,
        modalities: Mapping[str, Any],
        identity: Mapping[str, AbstractTransform[Any]],
        shortest: PositiveShare = 0.5,
        longest: PositiveShare = 0.9,
    ) -> None:
        self.modalities, self.identity = dict(modalities), dict(identity)
        self.shortest, self.longest = shortest, longest
        check_ranges(self)
        check_ordered(self, "shortest", "longest")

    def __call__(self, item: JointItem, rng: np.random.Generator) -> tuple[JointItem, InParts]:
        """Position in the source = position in the view + begin, along the axis of time."""
        share, place = float(rng.uniform(self.shortest, self.longest)), float(rng.uniform())
        timed = {name: kind for name, kind in self._timed().items() if name in item.parts}
        length = min((kind.duration(item.parts[name]) for name, kind in timed.items()), default=0.0)
        begin = place * (1 - share) * length
        parts, rules = dict[str, Any](), dict[str, AbstractCorrespondence]()
        for name, part in item.parts.items():
            if name in timed:
                parts[name], rules[name] = timed[name].cut(part, begin, begin + share * length)
            else:
                parts[name], rules[name] = self.identity[name](part, rng)
        return JointItem(parts), InParts.of(rules, tuple(self.identity))

    def _timed(self) -> dict[str, CutsInTime[Any]]:
        return {name: kind for name, kind in self.modalities.items() if isinstance(kind, CutsInTime)}
