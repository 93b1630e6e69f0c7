"""Whoever listens to the page of types: the truth stands in for their ears."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import torch

from gestalt.core.data.masks import AbstractMasks
from gestalt.core.data.own_elements import own_places
from gestalt.core.runs.types.exhibits import SHOWN, chosen_members
from gestalt.core.runs.types.members import Members
from gestalt.modalities.audio import Recording

from .remembered import Remembered

LEAST = 5
"""Of the nine members of a type that the page shows, so many must be one sound for it to be named."""


@final
@dataclass(frozen=True)
class Heard:
    """Five names, and which of the members that were heard are wrong.

    Attributes:
        names: of types, by their numbers.
        shown: members that were heard to be what their type is called: numbers of objects with the names.
        wrong: members that were heard to be something else.
    """

    names: Mapping[int, str]
    shown: Mapping[int, str]
    wrong: frozenset[int]


def heard_on_the_page(members: Members, types: int, sounds: Sequence[str | None], count: int = 5) -> Heard:
    """Names for the clearest types of a page, and the same names for further types of these sounds.

    Args:
        members: all objects with their types.
        types: how many there are.
        sounds: what every object is, None for nothing.
        count: names to give.
    """
    page = [
        [one for group in chosen_members(members.of_type(kind).tolist()) for one in group]
        for kind in range(min(types, SHOWN))
    ]
    told = [Counter(name for one in heard if (name := sounds[one]) is not None) for heard in page]
    most = [max(sorted(counts), key=counts.__getitem__, default=None) for counts in told]
    clear = {kind: name for kind, name in enumerate(most) if name is not None and told[kind][name] >= LEAST}
    order = sorted(clear, key=lambda kind: -told[kind][clear[kind]])
    given = list(dict.fromkeys(clear[kind] for kind in order))[:count]
    names = {kind: name for kind, name in clear.items() if name in given}
    heard = {one: (kind, sounds[one]) for kind in names for one in page[kind]}
    shown = {one: names[kind] for one, (kind, sound) in heard.items() if sound == names[kind]}
    return Heard(names, shown, frozenset(heard) - frozenset(shown))


def sounds_of_objects(seen: Remembered, truth: AbstractMasks[Recording]) -> list[str | None]:
    """What fills at least half of every object, in the order of `Members`; None where nothing does."""
    found = list[str | None]()
    for batch in seen.batches:
        for row, number in enumerate(batch.index):
            masks = truth.of_item(number, batch.items[row])
            index, places = own_places(batch.features.valid[row], batch.features.places, row)
            under = torch.full((len(index),), -1) if masks is None else masks.under(places, len(index))
            for weights in batch.segmentation.weights[row][:, index]:
                inside = under[weights > 0]
                if not len(inside):
                    continue
                kinds, counts = inside[inside >= 0].unique(return_counts=True)
                most = int(counts.argmax()) if len(counts) else -1
                fills = most >= 0 and 2 * int(counts[most]) >= len(inside)
                found.append(masks.name(int(kinds[most])) if fills and masks is not None else None)
    return found
