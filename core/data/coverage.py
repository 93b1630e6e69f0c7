"""Which part of the source the views show."""

import torch
from jaxtyping import Bool
from torch import Tensor

from .correspondence import AbstractCorrespondence
from .feature_map import FeatureMap, Grid

FINER = 4
"""Look-ups per axis within an element of a view: enough for views of a quarter of the source's resolution."""


def shown(
    correspondence: AbstractCorrespondence, view: FeatureMap, source: FeatureMap
) -> Bool[Tensor, "batch source_elements"]:
    """Whether a view shows each element of its source.

    An element of a view may span several of the source (the view was made smaller), so elements on a grid are looked up
    at several places each.

    Example: the second half of four seconds, at half the resolution.

        >>> from gestalt.core.data.correspondence import Affine
        >>> source = FeatureMap(torch.zeros(1, 8, 1), torch.ones(1, 8, dtype=torch.bool), Grid.uniform((8,), (0.5,)))
        >>> view = FeatureMap(torch.zeros(1, 2, 1), torch.ones(1, 2, dtype=torch.bool), Grid.uniform((2,), (1.0,)))
        >>> shown(Affine.of([1.0], [2.0]), view, source).int().tolist()
        [[0, 0, 0, 0, 1, 1, 1, 1]]
    """
    found = correspondence.source_elements(_finer(view), source.places)
    seen = torch.zeros(len(found), source.valid.shape[1] + 1, dtype=torch.bool, device=found.device)
    nowhere = torch.where(found >= 0, found, seen.shape[1] - 1)  # a bin behind the last element
    return seen.scatter(1, nowhere, True)[:, :-1] & source.valid


def _finer(view: FeatureMap) -> FeatureMap:
    """The same elements cut into `FINER` parts along every axis; sets as they are. Its vectors mean nothing."""
    if view.grid is None:
        return view
    axes = tuple(_cut(edges) for edges in view.grid.edges)
    valid = view.valid.view(-1, *view.grid.shape)
    for axis in range(1, valid.ndim):
        valid = valid.repeat_interleave(FINER, dim=axis)
    valid = valid.flatten(1)
    return FeatureMap(valid.new_zeros(*valid.shape, 0, dtype=torch.float32), valid, Grid(axes))


def _cut(edges: Tensor) -> Tensor:
    share = torch.arange(FINER, device=edges.device) / FINER
    inner = edges[:, :-1, None] + (edges[:, 1:] - edges[:, :-1])[..., None] * share
    return torch.cat([inner.flatten(1), edges[:, -1:]], dim=1)
