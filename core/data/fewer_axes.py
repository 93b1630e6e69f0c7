"""Maps whose lattice has further axes behind those of another map, on the axes that both have."""

import torch

from .feature_map import FeatureMap, Grid
from .places import Parts


def on_axes_of(features: FeatureMap, other: FeatureMap) -> FeatureMap:
    """Vectors averaged over the axes of their lattice that another map lacks: the mean over the valid elements there.

    So moments learn from what a network makes of moments × bands. An element that has nothing valid on the further axes
    is not valid, and zero. Maps without further axes, and sets, stay as they are; of joint items each part for itself.

    Args:
        features: on a lattice whose first axes are those of the other map.
        other: of the same items.

    Example: two moments of three bands each.

        >>> fine = FeatureMap(torch.arange(6.0)[None, :, None], torch.ones(1, 6, dtype=torch.bool),
        ...                   Grid.uniform((2, 3), (1.0, 1.0)))
        >>> moments = FeatureMap(torch.zeros(1, 4, 1), torch.ones(1, 4, dtype=torch.bool), Grid.uniform((4,), (0.5,)))
        >>> on_axes_of(fine, moments).values.flatten().tolist()
        [1.0, 4.0]
    """
    if isinstance(features.places, Parts) and isinstance(other.places, Parts):
        names, in_time = features.places.names, features.places.in_time
        parts = [on_axes_of(features.part(name), other.part(name)) for name in names]
        cells, grids = tuple(part.valid.shape[1] for part in parts), tuple(part.grid for part in parts)
        places = Parts(names, cells, grids, in_time)
        return FeatureMap(torch.cat([p.values for p in parts], dim=1), torch.cat([p.valid for p in parts], 1), places)
    if not isinstance(features.places, Grid) or not isinstance(other.places, Grid):
        return features
    axes = len(other.places.shape)
    if len(features.places.shape) <= axes:
        return features
    kept = Grid(features.places.edges[:axes])
    batch, _, dim = features.values.shape
    valid = features.valid.view(batch, kept.elements, -1)
    values = torch.where(valid[..., None], features.values.view(batch, kept.elements, -1, dim), 0.0)
    means = values.sum(dim=2) / valid.sum(dim=2).clamp(min=1)[..., None]
    return FeatureMap(means, valid.any(dim=2), kept)
