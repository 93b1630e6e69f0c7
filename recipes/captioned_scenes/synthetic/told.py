"""A scene as it is told: an item of two parts, false captions beside it, and where the words of the true one lie."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.data.grid import Grid
from gestalt.core.modality.joint import JointItem
from gestalt.modalities.text import Passage

from .scenes import Scene
from .words import THINGS, Caption, Phrase, Sort

PICTURE = "image"
"""The part that shows a scene."""
WRITTEN = "text"
"""The part that tells it, where captions are written."""


@final
@dataclass(frozen=True)
class Said:
    """A caption as the part of an item, and where every word begins and ends in it: in words, or in seconds."""

    item: Any
    spans: tuple[tuple[float, float], ...]


def written(caption: Caption, rng: np.random.Generator) -> Said:  # noqa: ARG001
    """A caption as text; nothing is drawn.

    Example:
        >>> said = written(Caption(("a", "red", "bag"), (), None), np.random.default_rng(0))
        >>> said.item.text, said.spans[2]
        ('a red bag', (2.0, 3.0))
    """
    spans = tuple((float(number), number + 1.0) for number in range(len(caption.words)))
    return Said(Passage.from_words(caption.words), spans)


@final
@dataclass(frozen=True)
class Telling:
    """How captions become the part of an item, and what that is called."""

    part: str
    say: Callable[[Caption, np.random.Generator], Said]

    def item(self, pixels: Float[Tensor, "3 height width"], caption: Caption, rng: np.random.Generator) -> JointItem:
        """A picture and its caption."""
        return JointItem({PICTURE: pixels, self.part: self.say(caption, rng).item})

    def told(self, scene: Scene) -> "Told":
        """A scene with all its captions; false ones are said in the same way: by the same voice, say."""
        said = self.say(scene.caption, scene.rng())
        changed: dict[Sort, JointItem] = {}
        changed |= {
            sort: JointItem({self.part: self.say(one, scene.rng()).item}) for sort, one in scene.changed.items()
        }
        return Told(scene, self.part, JointItem({PICTURE: scene.pixels, self.part: said.item}), changed, said.spans)


@final
@dataclass(frozen=True)
class Told:
    """A scene with its item, items of false captions alone, and where every word of the true one begins and ends."""

    scene: Scene
    part: str
    item: JointItem
    changed: Mapping[Sort, JointItem]
    spans: tuple[tuple[float, float], ...]

    def elements(self, first: int, last: int, count: int, grid: Grid | None) -> Bool[Tensor, " elements"]:
        """Which of `count` elements of the caption lie in words `first` … `last` (the one after).

        Elements of a set are words; those on a lattice lie where their centres do. Of words between the centres of two
        elements, it is the nearer one.
        """
        begin, end = self.spans[first][0], self.spans[last - 1][1]
        places = torch.arange(count) + 0.5 if grid is None else grid.centres()[0, :count, 0]
        inside = (places >= begin) & (places < end)
        nearest = (places - (begin + end) / 2).abs().argmin()
        return inside if bool(inside.any()) else torch.arange(count) == nearest

    def truth(self) -> list[tuple[str, tuple[str, Any]]]:
        """What a report shows as true: every item in the picture, and every phrase that mentions one."""
        scene = self.scene
        true = list[tuple[str, tuple[str, Any]]]()
        true += [(PICTURE, (THINGS[item.thing], scene.owner == number)) for number, item in enumerate(scene.items)]
        true += [(self.part, (THINGS[one.thing], self._extent(one))) for one in scene.caption.phrases]
        return true

    def _extent(self, phrase: Phrase) -> tuple[float, float] | tuple[int, int]:
        own = self.item.parts[self.part]
        spans = own.spans if isinstance(own, Passage) else self.spans
        return spans[phrase.first][0], spans[phrase.last - 1][1]
