"""A scene as it is told: an item of two parts, false captions beside it, and where the words of the true one lie."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Bool
from torch import Tensor

from gestalt.core.data.grid import Grid
from gestalt.core.modality.joint import JointItem
from gestalt.modalities.text import Passage

from .scenes import Scene
from .words import THINGS, Caption, Phrase, Sort

PICTURE = "image"
"""The part that shows a scene."""


@final
@dataclass(frozen=True)
class Telling:
    """How captions become the part of an item.

    Attributes:
        part: its name.
        caption: the words of a caption as an item of that part's modality.
        spans: where every word begins and ends in it: in words, or in seconds.
    """

    part: str
    caption: Callable[[Caption], Any]
    spans: Callable[[Any], Sequence[tuple[float, float]]]

    def told(self, scene: Scene) -> "Told":
        """A scene with its captions in that form."""
        own = self.caption(scene.caption)
        item = JointItem({PICTURE: scene.pixels, self.part: own})
        changed = {sort: JointItem({self.part: self.caption(one)}) for sort, one in scene.changed.items()}
        return Told(scene, self.part, item, changed, tuple(self.spans(own)))


@final
@dataclass(frozen=True)
class Told:
    """A scene with its item, items of false captions alone, and where every word of the true one begins and ends."""

    scene: Scene
    part: str
    item: JointItem
    changed: Mapping[Sort, JointItem]
    spans: tuple[tuple[float, float], ...]

    def span(self, phrase: Phrase) -> tuple[float, float]:
        """Where a phrase begins and ends."""
        return self.spans[phrase.first][0], self.spans[phrase.last - 1][1]

    def elements(self, phrase: Phrase, count: int, grid: Grid | None, noun: bool = False) -> Bool[Tensor, " elements"]:
        """Which of `count` elements of the caption lie in a phrase, or in its last word.

        Elements of a set are words; those on a lattice lie where their centres do.
        """
        first, last = self.spans[phrase.last - 1] if noun else self.span(phrase)
        places = torch.arange(count) + 0.5 if grid is None else grid.centres()[0, :, 0]
        inside = (places >= first) & (places < last)
        # A word between the centres of two elements is heard in the nearer one.
        nearest = (places - (first + last) / 2).abs().argmin()
        return inside if bool(inside.any()) else torch.arange(count) == nearest

    def truth(self) -> list[tuple[str, tuple[str, Any]]]:
        """What a report shows as true: every item in the picture, and every phrase that mentions one."""
        scene = self.scene
        things = [(PICTURE, (THINGS[item.thing], scene.owner == number)) for number, item in enumerate(scene.items)]
        return things + [(self.part, (THINGS[one.thing], self._extent(one))) for one in scene.caption.phrases]

    def _extent(self, phrase: Phrase) -> tuple[float, float]:
        own = self.item.parts[self.part]
        if isinstance(own, Passage):
            return own.spans[phrase.first][0], own.spans[phrase.last - 1][1]
        return self.span(phrase)


WRITTEN = Telling(
    "text",
    lambda caption: Passage.from_words(caption.words),
    lambda passage: [(float(number), number + 1.0) for number in range(len(passage.words))],
)
"""Captions as text."""
