"""Objects of other items, where the method of a run wants them and its modality and its data have them."""

import sys
from typing import TypeVar

from ..methods.method import AbstractMethod, HasTransplants, all_of
from ..modality.base import AbstractModality
from ..modality.optional import TransplantsObjects
from ..training.labels import Labels
from ..training.transplanting import ObjectTransplants

ItemT = TypeVar("ItemT")


def transplants_of(
    method: AbstractMethod,
    modality: AbstractModality[ItemT],
    masks: bool,
    labels: Labels | None = None,
    say: bool = True,
) -> ObjectTransplants[ItemT] | None:
    """What the items of a run get of one another; None where the method wants nothing, or there is nothing to give.

    A method that wants transplants learns without them where there are none, and that is said.

    Args:
        method: of the run.
        modality: of the items.
        masks: whether the items have objects: masks that come with the data, or segments that are kept.
        labels: what the method learns from; what is known of an item stays true, since it is left as it is.
        say: write to standard error why there are none.
    """
    method = next((one for one in all_of(method) if isinstance(one, HasTransplants)), method)
    if not isinstance(method, HasTransplants) or method.transplants is None:
        return None
    if not masks or not isinstance(modality, TransplantsObjects):
        lacks = f"the modality {modality.name!r} has no method transplant (TransplantsObjects)"
        if say:
            reason = lacks if masks else "the items have no masks"
            print(f"no objects are set into other items: {reason}", file=sys.stderr)
        return None
    spared = frozenset[int]() if labels is None else frozenset(labels.known_items().tolist())
    return ObjectTransplants(modality.transplant, method.transplants, spared)
