"""Objects of one toy item set into another."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from gestalt.core.data.correspondence import Affine
from gestalt.core.data.feature_map import Grid
from gestalt.core.data.masks import ItemMasks
from gestalt.core.modality.transplant import Transplant
from tests.toy_encoders import PATCH

SetIn = Callable[[Tensor, Tensor, ItemMasks, np.random.Generator], Transplant[Tensor] | None]


def set_points_in(host: Tensor, donor: Tensor, part: ItemMasks, rng: np.random.Generator) -> Transplant[Tensor] | None:
    """The points of the part, a little moved together, in between those of the host; at most as many as these."""
    taken = (part.under(None, len(donor)) >= 0).nonzero()[:, 0].tolist()
    if not taken or len(taken) > len(host):
        return None
    moved = donor[taken] + torch.from_numpy(rng.standard_normal((1, donor.shape[1]), dtype=np.float32))
    place, after = int(rng.integers(len(host) + 1)), len(host)
    item = torch.cat([host[:place], moved, host[place:]])
    of_host = [*range(place), *[-1] * len(taken), *range(place, after)]
    return Transplant.of_set(item, of_host, [*[-1] * place, *taken, *[-1] * (after - place)])


def set_series_in(host: Tensor, donor: Tensor, part: ItemMasks, rng: np.random.Generator) -> Transplant[Tensor] | None:
    """The stretch of the part in place of one of the host, of less than half its length; its ends are averaged."""
    inside = (part.under(Grid.uniform((len(donor),), (1.0,)), len(donor)) >= 0).nonzero()[:, 0]
    if not len(inside) or 2 * len(inside) >= len(host):
        return None
    first, length = int(inside[0]), len(inside)
    place = int(rng.integers(len(host) - length + 1))
    item, owner = host.clone(), torch.zeros(len(host), dtype=torch.long)
    item[place : place + length] = donor[first : first + length]
    owner[place : place + length] = 1
    for end in (place, place + length - 1):
        item[end] = (item[end] + host[end]) / 2
        owner[end] = -1
    rule = Affine.of([1.0], [float(first - place)])
    grid = Grid.uniform((len(host),), (1.0,))
    return Transplant(item, Affine.identity(1), rule, ItemMasks(owner, grid))


def set_sliver_in(host: Tensor, donor: Tensor, part: ItemMasks, rng: np.random.Generator) -> Transplant[Tensor] | None:
    """The last point of one patch and the first of the next, as such: neither is in the middle of its patch."""
    inside = (part.under(Grid.uniform((len(donor),), (1.0,)), len(donor)) >= 0).nonzero()[:, 0]
    if len(inside) <= PATCH:
        return None
    first, place = int(inside[0]) + PATCH - 1, PATCH * int(rng.integers(1, len(host) // PATCH)) - 1
    item, owner = host.clone(), torch.zeros(len(host), dtype=torch.long)
    item[place : place + 2], owner[place : place + 2] = donor[first : first + 2], 1
    masks = ItemMasks(owner, Grid.uniform((len(host),), (1.0,)))
    return Transplant(item, Affine.identity(1), Affine.of([1.0], [float(first - place)]), masks)
