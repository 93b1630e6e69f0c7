"""A small grammar: things with colours and textures, and where they lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

Sort = Literal["colour", "texture", "thing", "relation"]
"""What a word says."""

COLOURS = ("red", "green", "blue", "yellow", "purple", "turquoise", "white", "black")
TEXTURES = ("plain", "striped", "checked", "spotted")
THINGS = ("tee", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
"""What the ten classes of clothing are called, in their order, in a word each."""
RELATIONS = ("left", "right", "above", "below")
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
SAID: dict[str, tuple[str, ...]] = {
    "left": ("is", "left", "of"),
    "right": ("is", "right", "of"),
    "above": ("is", "above"),
    "below": ("is", "below"),
}
OTHERS = ("a", "and", "is", "of")
SORTS: dict[Sort, tuple[str, ...]] = {
    "colour": COLOURS,
    "texture": TEXTURES,
    "thing": THINGS,
    "relation": RELATIONS,
}
WORDS = tuple(sorted({*OTHERS, *COLOURS, *TEXTURES, *THINGS, *RELATIONS}))
"""All words of the grammar."""

CLEAR = 8.0
"""Pixels by which the centres of two items differ at least along an axis, for one to be left of or above the other."""
TEXTURE_SAID, COLOUR_SAID, THIRD_SAID = 0.75, 0.9, 0.5
"""Chances that a phrase says texture and colour, and that a third item is mentioned."""


@final
@dataclass(frozen=True)
class Described:
    """An item by what can be said of it: its colour, texture and class by their numbers, and its centre in pixels."""

    colour: int
    texture: int
    thing: int
    centre: tuple[float, float] = (0.0, 0.0)


@final
@dataclass(frozen=True)
class Phrase:
    """Words `first` … `last` (the one after) of a caption, the last of which is the noun, and what they say.

    `colour` and `texture` are −1 where they are not said.
    """

    first: int
    last: int
    colour: int
    texture: int
    thing: int

    def fits(self, item: Described) -> bool:
        """Whether all that is said is true of an item."""
        said = ((self.colour, item.colour), (self.texture, item.texture), (self.thing, item.thing))
        return all(word in (-1, true) for word, true in said)


@final
@dataclass(frozen=True)
class Caption:
    """A sentence, its phrases from left to right, and the relation of the first two, if one is said."""

    words: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    relation: str | None

    @property
    def text(self) -> str:
        """The sentence."""
        return " ".join(self.words)

    def true_of(self, items: Sequence[Described]) -> bool:
        """Whether every phrase fits an item, and two items that fit the first two phrases lie as is said."""
        if not all(any(phrase.fits(item) for item in items) for phrase in self.phrases):
            return False
        if self.relation is None:
            return True
        first, second = ([item for item in items if phrase.fits(item)] for phrase in self.phrases[:2])
        return any(self.relation in relations(one, two) for one in first for two in second if one is not two)


def relations(one: Described, two: Described) -> tuple[str, ...]:
    """How an item lies with regard to another: all that is clear, the greater distance first.

    Example:
        >>> relations(Described(0, 0, 0, (30.0, 10.0)), Described(0, 0, 0, (20.0, 40.0)))
        ('left', 'below')
    """
    down, across = (other - own for own, other in zip(one.centre, two.centre, strict=True))
    found = [
        (abs(across), "left" if across > 0 else "right"),
        (abs(down), "above" if down > 0 else "below"),
    ]
    return tuple(name for distance, name in sorted(found, key=lambda pair: -pair[0]) if distance >= CLEAR)


def caption_of(items: Sequence[Described], rng: np.random.Generator) -> Caption:
    """A true sentence about two or three of the items, in a random order.

    Raises:
        ValueError: for fewer than two items.

    Example:
        >>> two = (Described(0, 1, 6, (32.0, 10.0)), Described(2, 0, 8, (32.0, 50.0)))
        >>> caption_of(two, np.random.default_rng(1)).text
        'a striped shirt is left of a plain bag'
    """
    if len(items) < 2:
        raise ValueError(f"a caption is about two items or more, got {len(items)}")
    order = [items[number] for number in rng.permutation(len(items)).tolist()]
    lie = relations(order[0], order[1])
    said = [(float(rng.random()) < COLOUR_SAID, float(rng.random()) < TEXTURE_SAID) for _ in range(3)]
    phrases = [
        Phrase(0, 0, item.colour if colour else -1, item.texture if texture else -1, item.thing)
        for item, (colour, texture) in zip(order, said, strict=False)
    ]
    mentioned = phrases if len(items) > 2 and float(rng.random()) < THIRD_SAID else phrases[:2]
    return sentence(mentioned, lie[0] if lie else None)


def sentence(phrases: Sequence[Phrase], relation: str | None) -> Caption:
    """The words of some phrases and of the relation between the first two."""
    words, placed = list[str](), list[Phrase]()
    for number, phrase in enumerate(phrases):
        if number:
            words += SAID[relation] if relation is not None and number == 1 else ("and",)
        first = len(words)
        words.append("a")
        words += [COLOURS[phrase.colour]] if phrase.colour >= 0 else []
        words += [TEXTURES[phrase.texture]] if phrase.texture >= 0 else []
        words.append(THINGS[phrase.thing])
        placed.append(Phrase(first, len(words), phrase.colour, phrase.texture, phrase.thing))
    return Caption(tuple(words), tuple(placed), relation)
