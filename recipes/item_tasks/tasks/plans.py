"""Scenes of clothing that lie to one another as a plan says, written as Visual Genome writes scene graphs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from ...captioned_scenes.synthetic.words import COLOURS, TEXTURES, THINGS

RELATIONS = ("left", "right", "above", "below")
KINDS = ("tops above, shoes left", "tops below, shoes left", "tops above, shoes right", "tops below, shoes right")
"""Kinds of scenes."""
TOPS = frozenset(THINGS.index(name) for name in ("tee", "pullover", "dress", "coat", "shirt"))
"""The things that lie above the others, or below."""
ASIDE = frozenset(THINGS.index(name) for name in ("dress", "coat", "sandal", "sneaker", "boot"))
"""Long tops, which lie left or right of the other tops, and shoes, which lie so to the other things."""
SIZES = (5, 8)
"""Things of a scene, all different: the fewest, and one more than the most."""
FURTHER = 3
"""Relations beyond those that join all things."""
STRAY = 0.1
"""The chance that a relation of which the plan says something is any."""
FAVOURITE = 0.6
"""The chance that a thing has the colour that it has mostly."""


@final
@dataclass(frozen=True)
class Planned:
    """A scene: its kind, its things with colour and texture by their numbers, and `(subject, object, relation)`."""

    kind: int
    things: tuple[int, ...]
    colours: tuple[int, ...]
    textures: tuple[int, ...]
    relations: tuple[tuple[int, int, str], ...]

    def document(self, hidden: frozenset[int] = frozenset()) -> Mapping[str, Any]:
        """As Visual Genome writes it; hidden things have no name."""
        rows = zip(self.things, self.colours, self.textures, strict=True)
        objects = [
            {
                "object_id": number,
                "names": [] if number in hidden else [THINGS[thing]],
                "attributes": [COLOURS[colour], TEXTURES[texture]],
            }
            for number, (thing, colour, texture) in enumerate(rows)
        ]
        said = [{"subject_id": one, "predicate": relation, "object_id": two} for one, two, relation in self.relations]
        return {"objects": objects, "relationships": said}


def planned(one: int, two: int, kind: int) -> str | None:
    """How thing `one` lies to thing `two` in a kind of scene; None where the plan is silent.

    In every kind each thing and each relation is as frequent as in any other, so that only a relation together with its
    two things says which kind it is.

    Example:
        >>> tee, coat, boot = (THINGS.index(name) for name in ("tee", "coat", "boot"))
        >>> planned(tee, boot, kind=0), planned(boot, tee, kind=0), planned(tee, boot, kind=1), planned(tee, coat, 0)
        ('above', 'below', 'below', 'right')
    """
    if (one in TOPS) != (two in TOPS):
        return "above" if (one in TOPS) == (kind % 2 == 0) else "below"
    if (one in ASIDE) != (two in ASIDE):
        return "left" if (one in ASIDE) == (kind // 2 == 0) else "right"
    return None


def scene(rng: np.random.Generator, kind: int) -> Planned:
    """A scene of a kind: random things, joined by relations of which most are the plan's."""
    count = int(rng.integers(*SIZES))
    things = rng.permutation(len(THINGS))[:count].tolist()
    ends = [(number, int(rng.integers(number))) for number in range(1, count)]
    taken = {frozenset(pair) for pair in ends}
    for _ in range(FURTHER):
        one, two = rng.permutation(count)[:2].tolist()
        if frozenset((one, two)) not in taken:
            taken.add(frozenset((one, two)))
            ends.append((one, two))
    relations = list[tuple[int, int, str]]()
    for pair in ends:
        one, two = pair if rng.random() < 0.5 else pair[::-1]
        own, drawn = planned(things[one], things[two], kind), RELATIONS[int(rng.integers(len(RELATIONS)))]
        relations.append((one, two, drawn if own is None or rng.random() < STRAY else own))
    mostly = rng.random(count) < FAVOURITE
    any_colour = rng.integers(len(COLOURS), size=count)
    colours = np.where(mostly, np.array(things) % len(COLOURS), any_colour)
    textures = rng.integers(len(TEXTURES), size=count)
    return Planned(kind, tuple(things), tuple(colours.tolist()), tuple(textures.tolist()), tuple(relations))
