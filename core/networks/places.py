"""Where elements lie, as vectors that a network can read."""

import torch
from jaxtyping import Float
from torch import Tensor

from ..data.feature_map import FeatureMap
from ..data.places import Parts

SLOWEST = 10_000.0


def coordinates(
    features: FeatureMap, units: tuple[float, ...] | None = None
) -> Float[Tensor, "rows elements axes"] | None:
    """Where every element lies along each axis, counted in `units` of it; `rows` is 1 or the batch.

    On a grid the centres of the cells; without `units` the numbers of the cells. Of a set without a grid the order,
    unless neighbours are known: then nothing but these says where an element lies, and the answer is None.

    Raises:
        ValueError: if there is not one unit for every axis.

    Example:
        >>> from gestalt.core.data.feature_map import Grid
        >>> grid = Grid.uniform((3,), (0.5,))
        >>> features = FeatureMap(torch.zeros(1, 3, 2), torch.ones(1, 3, dtype=torch.bool), grid)
        >>> coordinates(features, (0.5,)).flatten().tolist(), coordinates(features).flatten().tolist()
        ([0.5, 1.5, 2.5], [0.0, 1.0, 2.0])
    """
    device = features.values.device
    if features.grid is None:
        if features.neighbours is not None:
            return None
        order = torch.arange(features.valid.shape[1], dtype=torch.float32, device=device)[None, :, None]
        return order if units is None else order / units[0]
    if units is None:
        axes = [torch.arange(n, dtype=torch.float32, device=device) for n in features.grid.shape]
        return torch.cartesian_prod(*axes).view(1, features.grid.elements, len(axes))
    if len(units) != len(features.grid.shape):
        raise ValueError(f"places need a unit for every axis, got {units} for a grid of {features.grid.shape}")
    centres = features.grid.centres().to(device)
    return centres / centres.new_tensor(units)


def sines(places: Float[Tensor, "rows elements axes"], dim: int) -> Float[Tensor, "rows elements dim"]:
    """sin(ω_k p) and cos(ω_k p) for every axis, ω_k = 10000^(−k / K); what is left of `dim` is 0.

    Source: Vaswani et al., "Attention is all you need" (2017); for several axes side by side, as in MAE.

    Example:
        >>> sines(torch.zeros(1, 1, 2), 8).flatten().tolist()
        [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    """
    axes = places.shape[2]
    count = dim // (2 * axes)
    rates = SLOWEST ** -(torch.arange(count, device=places.device) / max(count, 1))
    angles = places[..., None] * rates
    waves = torch.cat([angles.sin(), angles.cos()], dim=-1).flatten(2)
    return torch.nn.functional.pad(waves, (0, dim - waves.shape[2]))


def placed(
    features: FeatureMap, dim: int, units: tuple[float, ...] | None = None
) -> Float[Tensor, "rows elements dim"]:
    """The vectors of all places, zero where nothing is known but neighbours.

    Of joint items part by part, with the number of the part as one more axis: equal places of two parts differ.
    """
    if isinstance(features.places, Parts):
        own = [_of_part(features.part(name), number, dim) for number, name in enumerate(features.places.names)]
        rows = max(len(one) for one in own)
        return torch.cat([one.expand(rows, -1, -1) for one in own], dim=1)
    found = coordinates(features, units)
    if found is None:
        return features.values.new_zeros(1, features.valid.shape[1], dim)
    return sines(found, dim).to(features.values.dtype)


def _of_part(features: FeatureMap, number: int, dim: int) -> Float[Tensor, "rows elements dim"]:
    """The vectors of one part's places."""
    found = coordinates(features)
    if found is None:
        found = features.values.new_zeros(1, features.valid.shape[1], 0)
    part = found.new_full((*found.shape[:2], 1), float(number))
    return sines(torch.cat([found, part], dim=2), dim).to(features.values.dtype)
