"""The points that groupers compare: features, scaled, with their places beside them if asked for."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ...data.feature_map import FeatureMap
from ...data.grid import Grid
from ...data.places import Parts, Places
from ..concat_features import centred


def each_axis(position: float | Sequence[float]) -> tuple[float, ...]:
    """Weights of places as a tuple: one for all axes, or one for each.

    Example:
        >>> each_axis(0.5), each_axis([0.0, 1.0])
        ((0.5,), (0.0, 1.0))
    """
    return (float(position),) if isinstance(position, int | float) else tuple(map(float, position)) or (0.0,)


def points(
    features: FeatureMap, spherical: bool, position: float | Sequence[float] = 0.0
) -> Float[Tensor, "batch elements dim"]:
    """One point per element in float32, zero on padding.

    Args:
        features: what is grouped.
        spherical: features of unit length, so that only directions count (then ‖x − y‖² = 2 − 2 cos). Otherwise
            features are centred and scaled per item to unit mean square, so that other scales mean the same for any
            encoder.
        position: weight of the elements' places on their grid, each axis scaled to [−1, 1] over the item; 0 ignores
            them, 1 weighs a whole axis about as much as the features. One number for all axes, or one for each. Of
            items with parts, one number for the seconds that parts in time have in common, over all of these parts;
            elements of other parts have no moment, and lie in the middle.

    Raises:
        ValueError: if positions are asked for and the features lie on no grid, or on other axes than there are weights,
            or no part lies in time.

    Example:
        >>> pair = FeatureMap(torch.tensor([[[3.0, 4.0], [0.0, 2.0]]]), torch.ones(1, 2, dtype=torch.bool))
        >>> [[round(number, 1) for number in point] for point in points(pair, spherical=True)[0].tolist()]
        [[0.6, 0.8], [0.0, 1.0]]
    """
    valid = features.valid[..., None]
    if spherical:
        values = torch.nn.functional.normalize(torch.where(valid, features.values.float(), 0.0), dim=-1)
    else:
        values = centred(features)
        length = torch.linalg.vector_norm(values, dim=(1, 2), keepdim=True)
        square = length.square() / valid.sum(dim=1, keepdim=True).clamp(min=1)
        values = values.mul_(torch.rsqrt(square.clamp(min=1e-12)))
    weights = each_axis(position)
    if not any(weights):
        return values
    places = _places(features.places, weights).to(values).expand(len(values), -1, -1)
    placed = valid & ~places.isnan()
    low = torch.where(placed, places, torch.inf).amin(dim=1, keepdim=True)
    high = torch.where(placed, places, -torch.inf).amax(dim=1, keepdim=True)
    scaled = (2 * places - low - high) / (high - low).clamp(min=1e-12)
    return torch.cat([values, torch.where(placed, scaled, 0.0) * values.new_tensor(weights)], dim=-1)


def _places(places: Places | None, weights: tuple[float, ...]) -> Float[Tensor, "rows elements axes"]:
    """The centres of all elements along the axes that are weighed; NaN for elements that lie on none of them."""
    match places:
        case None:
            raise ValueError("position weighs the elements' place on a grid, but these elements are a set; set it to 0")
        case Grid():
            if len(weights) not in (1, axes := len(places.shape)):
                raise ValueError(f"position has {len(weights)} weights, but the elements lie on {axes} axes")
            return places.centres()
        case Parts():
            return _moments(places, weights)


def _moments(places: Parts, weights: tuple[float, ...]) -> Float[Tensor, "rows elements 1"]:
    """When the elements of parts in time are, and NaN for those of others."""
    timed = {name: grid for name, grid in zip(places.names, places.grids, strict=True) if name in places.in_time}
    parts = ", ".join(places.names)
    if not timed:
        raise ValueError(
            f"position weighs the seconds that parts have in common, but none of {parts} lies in time: set it to 0, or "
            "group part by part (PartByPart)"
        )
    if len(weights) != 1:
        raise ValueError(
            f"position of items with parts ({parts}) is one weight, that of their seconds, got {len(weights)}"
        )
    every = [
        torch.full((1, cells, 1), torch.nan) if grid is None else grid.centres()[..., :1]
        for cells, grid in zip(places.cells, (timed.get(name) for name in places.names), strict=True)
    ]
    rows = max(len(own) for own in every)
    device = next((grid.edges[0].device for grid in timed.values() if grid is not None), torch.device("cpu"))
    return torch.cat([own.to(device).expand(rows, -1, -1) for own in every], dim=1)
