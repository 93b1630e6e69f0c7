"""Masks of items on their way to the learner: carried into the source view, and joined into one batch."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .correspondence import AbstractCorrespondence, Affine, Index
from .feature_map import FeatureMap, Grid
from .in_parts import InParts
from .masks import ItemMasks, described
from .places import Parts, Places
from .segmentation import Segmentation

MOST = 16_384
"""Cells of an item's masks in training: 128 × 128 of a picture, more than any view of it has elements."""


def coarsened(masks: ItemMasks, most: int = MOST) -> ItemMasks:
    """The same masks in at most `most` cells; sets as they are.

    The axis with the most cells is halved until there are few enough; a larger cell has the object of its middle, so
    that objects smaller than a cell may vanish.

    Example:
        >>> fine = ItemMasks(torch.tensor([0, 0, 0, 1, 1]), Grid.uniform((5,), (1.0,)))
        >>> coarse = coarsened(fine, most=3)
        >>> coarse.labels.tolist(), coarse.grid.edges[0].tolist()
        ([0, 1, 1], [[0.0, 2.0, 4.0, 5.0]])
    """
    if masks.parts is not None:
        return part_by_part(masks, lambda _, own: coarsened(own, most))
    if masks.grid is None or masks.grid.elements <= most:
        return masks
    shape = list(masks.grid.shape)
    factors = [1] * len(shape)
    while torch.Size(shape).numel() > most:
        axis = shape.index(max(shape))
        factors[axis] *= 2
        shape[axis] = -(-masks.grid.shape[axis] // factors[axis])
    labels = masks.labels.view(masks.grid.shape)
    edges = []
    for axis, (bounds, factor) in enumerate(zip(masks.grid.edges, factors, strict=True)):
        cells = bounds.shape[1] - 1
        middles = (torch.arange(0, cells, factor) + factor // 2).clamp(max=cells - 1)
        labels = labels.index_select(axis, middles)
        edges.append(torch.cat([bounds[:, :-1:factor], bounds[:, -1:]], dim=1))
    return replace(masks, labels=labels.flatten(), grid=Grid(tuple(edges)))


def part_by_part(masks: ItemMasks, change: Callable[[str, ItemMasks], ItemMasks]) -> ItemMasks:
    """The masks of a joint item with those of every part changed; numbers stay those of the item."""
    assert masks.parts is not None
    changed = [change(name, masks.part(name)) for name in masks.parts.names]
    cells, grids = tuple(len(own.labels) for own in changed), tuple(own.grid for own in changed)
    labels = torch.cat([own.labels for own in changed])
    return replace(masks, labels=labels, parts=Parts(masks.parts.names, cells, grids))


def unmoved(correspondence: AbstractCorrespondence) -> AbstractCorrespondence:
    """The correspondence of a view, which came from somewhere by `correspondence`, to itself; of one item.

    Raises:
        TypeError: for another sort of correspondence.
    """
    match correspondence:
        case Index():
            return Index.identity(correspondence.index.shape[1])
        case Affine():
            return Affine.identity(correspondence.offset.shape[1])
        case InParts():
            rules = zip(correspondence.names, correspondence.rules, strict=True)
            return InParts.of({name: unmoved(rule) for name, rule in rules if rule is not None}, correspondence.names)
    raise TypeError(f"a correspondence is Affine, Index or InParts, got {type(correspondence).__name__}")


def carried(masks: ItemMasks, origin: AbstractCorrespondence) -> ItemMasks | None:
    """The masks of an item on the view of it that came about by `origin`; None where nothing is known of that.

    A crop, a flip or a stretch of the item moves the edges of the masks' cells and nothing else. Under a rotation the
    masks are looked up in as many equal cells of the view. What the view shows of no source has no object.

    Raises:
        ValueError: if the masks lie on a grid and the correspondence is that of a set, or the reverse, or if they have
            fewer elements than the item.

    Example: the second half of four seconds at twice the speed.

        >>> masks = ItemMasks(torch.tensor([0, 1, 1, 2]), Grid.uniform((4,), (1.0,)))
        >>> found = carried(masks, Affine.of([2.0], [2.0]))
        >>> found.under(Grid.uniform((2,), (0.5,)), 2).tolist()
        [1, 2]
    """
    if not bool(origin.known.all()):
        return None
    if isinstance(origin, InParts):
        rules = dict(zip(origin.names, origin.rules, strict=True))
        return part_by_part(masks, lambda name, own: _carried_part(own, rules[name]))
    match origin:
        case Index() if masks.grid is None:
            lattice, elements = None, origin.index.shape[1]
            if elements and int(origin.index.max()) >= len(masks.labels):
                raise ValueError(
                    f"the masks have {len(masks.labels)} elements, and a view shows element {int(origin.index.max())} "
                    "(from 0) of the item: give every element of an item a label, −1 for none"
                )
        case Affine() if masks.grid is not None:
            lattice = _lattice(masks.grid, origin)
            elements = lattice.elements
        case _:
            raise ValueError(
                f"masks on {described(masks.grid, len(masks.labels))} do not go with a correspondence of the sort "
                f"{type(origin).__name__}: sets go with Index, grids with Affine"
            )
    places = FeatureMap(torch.zeros(1, elements, 0), torch.ones(1, elements, dtype=torch.bool), lattice)
    found = origin.source_elements(places, masks.grid)[0]
    labels = masks.labels[found.clamp(min=0)] if len(masks.labels) else found
    return replace(masks, labels=torch.where(found >= 0, labels, -1), grid=lattice)


def _carried_part(own: ItemMasks, rule: AbstractCorrespondence | None) -> ItemMasks:
    """One part; nothing of a part that has no masks, or that the view does not show."""
    if rule is None or not len(own.labels):
        return ItemMasks(own.labels[:0], None, own.names)
    found = carried(own, rule)
    assert found is not None  # the correspondence of the item is known
    return found


def _lattice(grid: Grid, origin: Affine) -> Grid:
    """The cells of an item's grid in the coordinates of the view; of a turned one, equal cells around all of them."""
    axes = len(grid.edges)
    if axes > origin.offset.shape[1]:
        raise ValueError(f"the masks lie on {axes} axes, and views are known on {origin.offset.shape[1]} alone")
    rule = origin.leading(axes)
    matrix, offset = rule.matrix[0], rule.offset[0]
    if bool((matrix == torch.diag(matrix.diagonal())).all()):
        moved = [(edges - offset[axis]) / matrix[axis, axis] for axis, edges in enumerate(grid.edges)]
        return Grid(tuple(edges if edges[0, 0] < edges[0, -1] else edges.flip(1) for edges in moved))
    corners = torch.tensor(list(itertools.product(*((float(e[0, 0]), float(e[0, -1])) for e in grid.edges))))
    seen = torch.linalg.solve(matrix, (corners - offset).T).T
    low, high = seen.amin(dim=0), seen.amax(dim=0)
    steps = ((high - low) / torch.tensor(grid.shape)).tolist()
    return Grid.uniform(grid.shape, tuple(steps), tuple(low.tolist()))


@final
@dataclass(frozen=True)
class JoinedMasks:
    """The masks of several items as one batch, small enough to travel between processes; see `segmentation`.

    Example: an item with two objects, one with one, and one without a mask.

        >>> one, two = ItemMasks(torch.tensor([3, 7, -1]), None), ItemMasks(torch.tensor([0]), None)
        >>> joined = JoinedMasks.of([one, two, None])
        >>> joined.labels.tolist(), joined.whole.tolist(), joined.segmentation().weights.shape
        ([[0, 1, -1], [0, -1, -1], [-1, -1, -1]], [False, False, True], torch.Size([3, 2, 3]))
    """

    labels: Int[Tensor, "batch elements"]
    objects: int
    places: Places | None
    whole: Bool[Tensor, " batch"]

    @classmethod
    def of(cls, masks: Sequence[ItemMasks | None]) -> "JoinedMasks":
        """Objects are numbered from 0 in every item, elements padded to the most; None is an item without a mask.

        Raises:
            ValueError: if some masks lie on a grid and others do not, or on grids of different numbers of axes.
        """
        whole = torch.tensor([mask is None for mask in masks])
        counts = [len(mask.objects()) for mask in masks if mask is not None]
        compact = [None if mask is None else _compact(mask) for mask in masks]
        names = next((mask.parts.names for mask in masks if mask is not None and mask.parts is not None), None)
        if names is None:
            labels, places = cls._padded(compact)
            return cls(labels, max([1, *counts]), places, whole)
        each = {name: cls._padded([_own_part(mask, name) for mask in compact]) for name in names}
        cells = tuple(labels.shape[1] for labels, _ in each.values())
        joint = Parts(tuple(names), cells, tuple(grid for _, grid in each.values()))
        return cls(torch.cat([labels for labels, _ in each.values()], dim=1), max([1, *counts]), joint, whole)

    @staticmethod
    def _padded(masks: Sequence[ItemMasks | None]) -> tuple[Int[Tensor, "batch elements"], Grid | None]:
        """The labels of all items, and where they lie."""
        given = [mask for mask in masks if mask is not None]
        axes = {0 if mask.grid is None else len(mask.grid.edges) for mask in given}
        if len(axes) > 1:
            raise ValueError(f"the masks of a batch lie on grids of one number of axes, or on none; got {sorted(axes)}")
        shape = _greatest(given)
        labels = torch.full((len(masks), *shape), -1, dtype=torch.int32)
        for row, mask in enumerate(masks):
            if mask is not None:
                own = (len(mask.labels),) if mask.grid is None else mask.grid.shape
                place = tuple(slice(cells) for cells in own)
                labels[row][place] = mask.labels.to(torch.int32).view(own)
        return labels.flatten(1), _one_grid(masks, shape, max(axes, default=0))

    def segmentation(self) -> Segmentation:
        """Hard segments; an item without a mask is one object."""
        found = Segmentation.from_labels(self.labels, self.objects, self.places)
        return found.falling_back(self.whole)


def _compact(masks: ItemMasks) -> ItemMasks:
    """Objects numbered from 0 without gaps."""
    numbers = masks.labels[masks.labels >= 0].unique()
    own = torch.searchsorted(numbers, masks.labels.contiguous())
    return replace(masks, labels=torch.where(masks.labels >= 0, own, -1))


def _own_part(masks: ItemMasks | None, name: str) -> ItemMasks | None:
    """The masks of one part; None where there are none."""
    own = None if masks is None or masks.parts is None else masks.part(name)
    return own if own is not None and len(own.labels) else None


def _greatest(masks: Sequence[ItemMasks]) -> tuple[int, ...]:
    shapes = [(len(mask.labels),) if mask.grid is None else mask.grid.shape for mask in masks]
    return tuple(map(max, zip(*shapes, strict=True))) if shapes else (0,)


def _one_grid(masks: Sequence[ItemMasks | None], shape: tuple[int, ...], axes: int) -> Grid | None:
    """The grids of all items; cells of padding go on behind an item, one unit each."""
    if not axes:
        return None
    edges = [torch.arange(cells + 1, dtype=torch.float32).repeat(len(masks), 1) for cells in shape]
    for row, mask in enumerate(masks):
        if mask is not None and mask.grid is not None:
            for rows, own in zip(edges, mask.grid.edges, strict=True):
                length = own.shape[1]
                rows[row, :length] = own[0]
                rows[row, length:] = own[0, -1] + torch.arange(1, rows.shape[1] - length + 1)
    return Grid(tuple(edges))
