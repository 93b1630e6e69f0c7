"""The vectors of the parts of joint items as rows."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..data.feature_map import item_means
from ..data.parts import parts_of, segmentation_of
from ..data.places import Parts, Places
from ..discovery.found import FoundBatch


@final
@dataclass(frozen=True)
class PartRows:
    """A vector for every part of some items, and for every object in each part.

    Attributes:
        vectors: the means over the elements of the part, or of the object in it.
        row: of the item in its batch.
        part: the name of the part.
        number: of the object in its whole; −1: the part itself.
        size: in elements.
    """

    vectors: Float[np.ndarray, "rows dim"]
    row: Int[np.ndarray, " rows"]
    part: np.ndarray
    number: Int[np.ndarray, " rows"]
    size: Float[np.ndarray, " rows"]


def part_means(elements: Float[Tensor, "elements dim"], places: Places | None) -> dict[str, Float[Tensor, " dim"]]:
    """The mean vector of every part that an item has; nothing for items without parts.

    Example:
        >>> part_means(torch.tensor([[1.0], [3.0], [5.0]]), Parts(("a", "b", "c"), (2, 0, 1), (None, None, None)))
        {'a': tensor([2.]), 'c': tensor([5.])}
    """
    if not isinstance(places, Parts):
        return {}
    return {name: elements[here].float().mean(dim=0) for name, here in places.slices.items() if here.stop > here.start}


def part_rows(found: FoundBatch[Any]) -> PartRows:
    """Rows item by item, part by part, the part itself before its objects; what an item lacks has none."""
    vectors, rows, parts, numbers, sizes = (
        list[Tensor](),
        list[Tensor](),
        list[Tensor](),
        list[Tensor](),
        list[Tensor](),
    )
    in_whole = found.object_numbers()
    of_parts = parts_of(found.features)
    for place, (name, features) in enumerate(of_parts.items()):
        segmentation = segmentation_of(found.segmentation, name)
        objects = segmentation.pool(features)
        here = features.valid.any(dim=1).nonzero()[:, 0]
        of, number = objects.present.nonzero(as_tuple=True)
        weight = (segmentation.weights.float() * features.valid[:, None]).sum(dim=2)
        vectors += [item_means(features)[here].float(), objects.vectors[of, number].float()]
        rows += [here, of]
        parts.append(torch.full((len(here) + len(of),), place))
        numbers += [torch.full_like(here, -1), in_whole[of, number]]
        sizes += [features.valid.sum(dim=1)[here].float(), weight[of, number]]
    owner, part, numbered = (torch.cat(one).numpy() for one in (rows, parts, numbers))
    order = np.lexsort((numbered, part, owner))
    names = np.array(list(of_parts))
    return PartRows(
        torch.cat(vectors).numpy()[order],
        owner[order],
        names[part[order]],
        numbered[order],
        torch.cat(sizes).numpy()[order],
    )
