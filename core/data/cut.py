"""The segments of every item of a batch on its own, without the padding of the batch."""

import torch
from jaxtyping import Bool
from torch import Tensor

from .feature_map import FeatureMap, Grid
from .masks import ItemMasks
from .parts import segmentation_of
from .places import Parts
from .segmentation import Segmentation


def valid_on(features: FeatureMap, grid: Grid | None) -> Bool[Tensor, "batch elements"]:
    """Which elements of another lattice of the same items lie in valid elements of a feature map."""
    if grid is None or features.grid is None or grid is features.grid:
        return features.valid
    places = grid.centres().to(features.valid.device).expand(len(features.valid), -1, -1)
    found = features.grid.locate(places)
    return features.valid.gather(1, found.clamp(min=0)) & (found >= 0)


def cut(segmentation: Segmentation, features: FeatureMap) -> list[ItemMasks | None]:
    """Hard segments of every item, on the CPU; None for an item that is taken as a whole.

    Args:
        segmentation: of a batch, on the lattice of its features or a finer one.
        features: of the same batch; they say what is padding.

    Example:
        >>> import torch
        >>> labels, valid = torch.tensor([[0, 1, -1]]), torch.tensor([[True, True, False]])
        >>> found = cut(Segmentation.from_labels(labels, 2), FeatureMap(torch.zeros(1, 3, 1), valid))
        >>> found[0].labels.tolist()
        [0, 1]
    """
    if bool(segmentation.whole.all()):
        return [None] * len(segmentation.whole)
    if isinstance(segmentation.places, Parts):
        return _cut_parts(segmentation, features, segmentation.places.names)
    grid = segmentation.grid
    shape = (segmentation.weights.shape[2],) if grid is None else grid.shape
    labels = segmentation.labels().cpu().view(len(segmentation.whole), *shape)
    valid = valid_on(features, grid).cpu().view(len(segmentation.whole), *shape)
    edges = () if grid is None else tuple(axis.cpu().expand(len(labels), -1) for axis in grid.edges)
    found: list[ItemMasks | None] = []
    for row, whole in enumerate(segmentation.whole.tolist()):
        if whole:
            found.append(None)
            continue
        where = valid[row].nonzero()
        ends = (where.amax(dim=0) + 1).tolist() if len(where) else [1] * len(shape)
        own = labels[row][tuple(slice(end) for end in ends)].flatten()
        lattice = (
            None if grid is None else Grid(tuple(e[row : row + 1, : n + 1] for e, n in zip(edges, ends, strict=True)))
        )
        found.append(ItemMasks(own, lattice))
    return found


def _cut_parts(segmentation: Segmentation, features: FeatureMap, names: tuple[str, ...]) -> list[ItemMasks | None]:
    """Those of joint items, part by part; a part that an item lacks has no elements."""
    parts = {name: cut(segmentation_of(segmentation, name), features.part(name)) for name in names}
    there = {name: features.part(name).valid.any(dim=1).tolist() for name in names}
    found: list[ItemMasks | None] = []
    for row, whole in enumerate(segmentation.whole.tolist()):
        if whole:
            found.append(None)
            continue
        own = [one if there[name][row] else None for name, every in parts.items() if (one := every[row])]
        labels = [torch.empty(0, dtype=torch.long) if one is None else one.labels for one in own]
        grids = tuple(None if one is None else one.grid for one in own)
        found.append(ItemMasks(torch.cat(labels), None, (), Parts(names, tuple(map(len, labels)), grids)))
    return found
