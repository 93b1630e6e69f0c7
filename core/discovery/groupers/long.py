"""Items that are longer than those that a grouper is made for."""

import torch
from jaxtyping import Int
from torch import Tensor

from ...data.course import Course
from ...data.feature_map import FeatureMap, Grid
from ...data.pieces import padded_features
from ...data.places import parts_in
from ...data.segmentation import Segmentation
from .base import AbstractGrouper, GroupsLong
from .stitching import Stitched

TOGETHER = 16
"""Pieces that are grouped at once."""


def group_long(
    grouper: AbstractGrouper, features: FeatureMap, window: int | Course, generator: torch.Generator
) -> Segmentation:
    """The objects of one item of any length.

    A grouper that can (`GroupsLong`) does it itself. Any other one groups pieces of `window` cells along the first axis
    (of a set, elements; of items with parts, moments), each half a window after the last one, and the pieces are
    stitched: segments are hard then.

    Args:
        grouper: finds the objects.
        features: a batch of one, without padding.
        window: cells that the grouper is made for; of an item with parts, their course.
        generator: the only source of randomness.

    Example:
        >>> from .kmeans import KMeans
        >>> x = torch.tensor([0.0, 0, 9, 9] * 5)[None, :, None]
        >>> features = FeatureMap(x, torch.ones(1, 20, dtype=torch.bool), Grid.uniform((20,), (1.0,)))
        >>> labels = group_long(KMeans(2, spherical=False), features, 8, torch.Generator().manual_seed(0)).labels()[0]
        >>> a, b = labels[[0, 2]].tolist()
        >>> labels.tolist() == [a, a, b, b] * 5
        True
    """
    if isinstance(grouper, GroupsLong):
        return grouper.group_long(features, window, generator)
    return group_pieces(grouper, features, window, generator)


def group_pieces(
    grouper: AbstractGrouper, features: FeatureMap, window: int | Course, generator: torch.Generator
) -> Segmentation:
    """As `group_long`, in pieces, whatever the grouper can itself."""
    if isinstance(window, Course):
        return _group_parts(grouper, features, window, generator)
    cells = features.valid.shape[1] if features.grid is None else features.grid.shape[0]
    if cells <= window:
        plain: Segmentation = grouper(features, generator)
        return plain
    begins = begins_of(cells, window, max(1, window // 2))
    whole = Stitched()
    for start in range(0, len(begins), TOGETHER):
        some = begins[start : start + TOGETHER]
        labels = grouper(pieces(features, some, window), generator).labels()
        for begin, piece in zip(some, labels, strict=True):
            whole.add(piece.view(window, -1), begin)
    return stitched(whole, features)


def _group_parts(
    grouper: AbstractGrouper, features: FeatureMap, course: Course, generator: torch.Generator
) -> Segmentation:
    """As `group_pieces`, of an item with parts: the same moments of all parts, and all of those that last."""
    if course.moments <= course.usual:
        plain: Segmentation = grouper(features, generator)
        return plain
    begins, whole = begins_of(course.moments, course.usual, max(1, course.usual // 2)), Stitched()
    for start in range(0, len(begins), TOGETHER):
        some = begins[start : start + TOGETHER]
        cut = [course.piece(features, begin, begin + course.usual) for begin in some]
        batch = padded_features([piece for piece, _ in cut])
        labels, slices = grouper(batch, generator).labels(), parts_in(batch.places).slices
        for begin, row, (_, own) in zip(some, labels.cpu(), cut, strict=True):
            mine = [row[slices[name]][: strand.count] for name, strand in own.strands.items()]
            whole.add(own.shown(torch.cat(mine)), begin)
    return numbered(course.elements(whole.labels), features)


def begins_of(cells: int, length: int, step: int) -> list[int]:
    """Where pieces of some length begin, `step` apart; the last one ends with the item.

    Example:
        >>> begins_of(10, 6, 3)
        [0, 3, 4]
    """
    return [*range(0, cells - length, step), cells - length]


def pieces(features: FeatureMap, begins: list[int], length: int) -> FeatureMap:
    """Stretches of one item, of `length` cells along its first axis, as a batch."""
    cells = features.valid.shape[1] if features.grid is None else features.grid.shape[0]
    rest = features.valid.shape[1] // cells
    values = torch.stack([features.values[0, begin * rest : (begin + length) * rest] for begin in begins])
    valid = torch.stack([features.valid[0, begin * rest : (begin + length) * rest] for begin in begins])
    if features.grid is None:
        return FeatureMap(values, valid)
    first, *others = features.grid.edges
    edges = torch.stack([first[0, begin : begin + length + 1] - first[0, begin] for begin in begins])
    return FeatureMap(values, valid, Grid((edges, *others)))


def stitched(whole: Stitched, features: FeatureMap) -> Segmentation:
    """What was stitched as the segmentation of the item, its objects numbered without gaps."""
    return numbered(whole.labels.flatten(), features)


def numbered(labels: Int[Tensor, " elements"], features: FeatureMap) -> Segmentation:
    """The segmentation of one item by the object of every element, −1 for none; objects are numbered without gaps."""
    present = labels[labels >= 0].unique()
    dense = torch.searchsorted(present, labels.clamp(min=0)) if len(present) else labels
    dense = torch.where(labels >= 0, dense, -1).to(features.values.device)
    return Segmentation.from_labels(dense[None], max(1, len(present)), features.places)
