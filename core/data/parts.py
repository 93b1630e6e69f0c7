"""Joint items: feature maps and segmentations of several parts as one, and one part of them."""

from collections.abc import Mapping, Sequence

import torch

from .feature_map import FeatureMap
from .places import Parts, parts_in
from .segmentation import Segmentation


def joined(maps: Mapping[str, FeatureMap], in_time: Sequence[str] = ()) -> FeatureMap:
    """The elements of all parts one behind the other, as one map.

    `neighbours` are kept where a part has them; elements of different parts are neighbours of one another, so that an
    object may span parts.

    Args:
        maps: of every part by its name.
        in_time: the parts whose first axis is one that they have in common (`Parts`).

    Raises:
        ValueError: if there is no part, or the parts differ in the number of items or the length of their vectors.

    Example:
        >>> here = torch.ones(1, 2, dtype=torch.bool)
        >>> both = joined({"a": FeatureMap(torch.zeros(1, 2, 3), here), "b": FeatureMap(torch.ones(1, 2, 3), here)})
        >>> both.places.cells, both.part("b").values.sum().item()
        ((2, 2), 6.0)
    """
    if not maps:
        raise ValueError("a joint map needs at least one part, got none")
    shapes = {name: (len(one.values), one.values.shape[2]) for name, one in maps.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"the parts of a joint map agree on the batch and on the length of vectors, got {shapes}")
    cells = tuple(one.values.shape[1] for one in maps.values())
    return FeatureMap(
        torch.cat([one.values for one in maps.values()], dim=1),
        torch.cat([one.valid for one in maps.values()], dim=1),
        Parts(tuple(maps), cells, tuple(one.grid for one in maps.values()), tuple(in_time)),
        _neighbours(tuple(maps.values())),
    )


def _neighbours(maps: Sequence[FeatureMap]) -> torch.Tensor | None:
    """Each part's own along the diagonal, all elements where it says nothing of them; and all of different parts."""
    if all(one.neighbours is None for one in maps):
        return None
    valid = torch.cat([one.valid for one in maps], dim=1)
    joint = valid[:, None] & valid[:, :, None]
    first = 0
    for one in maps:
        last = first + one.values.shape[1]
        if one.neighbours is not None:
            joint[:, first:last, first:last] = one.neighbours
        first = last
    return joint


def parts_of(features: FeatureMap) -> dict[str, FeatureMap]:
    """The map of every part by its name.

    Raises:
        ValueError: if it is no joint map.
    """
    return {name: features.part(name) for name in parts_in(features.places).names}


def segmentation_of(segmentation: Segmentation, name: str) -> Segmentation:
    """The weights of one part's elements, in the same objects.

    Raises:
        ValueError: if it is no joint segmentation, or there is no such part.
    """
    places = parts_in(segmentation.places)
    grid = places.grids[places.names.index(name)]
    return Segmentation(segmentation.weights[..., places.here(name)], grid, segmentation.whole)


def joined_segments(parts: Mapping[str, Segmentation]) -> Segmentation:
    """Segments of all parts as one: object k of one part is object k of every other.

    Example:
        >>> seen, heard = (Segmentation.from_labels(torch.tensor([row]), 2) for row in ([0, 1], [1, 1, 0]))
        >>> joined_segments({"image": seen, "audio": heard}).labels().tolist()
        [[0, 1, 1, 1, 0]]
    """
    objects = max(part.objects for part in parts.values())
    padded = [part.padded(objects) for part in parts.values()]
    places = Parts(tuple(parts), tuple(part.weights.shape[2] for part in padded), tuple(part.grid for part in padded))
    whole = torch.stack([part.whole for part in padded]).all(dim=0)
    return Segmentation(torch.cat([part.weights for part in padded], dim=2), places, whole)
