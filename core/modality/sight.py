"""With what networks look at items: how large their elements are, how far they see, how much they take."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from ..data.feature_map import FeatureMap
from ..data.grid import Grid
from ..data.items import AbstractItems, BadItemError, first_readable, read_item
from ..data.places import Parts
from ..discovery.finder import ObjectFinder
from ..networks.encoder import AbstractEncoder, EncodesParts, Network
from ..networks.modes import evaluating
from .optional import LimitsLength, ReadsFullResolution, SeesAround
from .windows import Sight

ItemT = TypeVar("ItemT")

FURTHER = 32
"""Items that are looked at for a part that the first one lacks."""


def sight_of(
    network: Network,
    finder: ObjectFinder | None,
    collate: Callable[[Sequence[ItemT]], Any],
    items: AbstractItems[ItemT],
    full: ReadsFullResolution[ItemT] | None = None,
) -> Sight:
    """The steps, the longest stretch and the reach of the network and of all plain networks, seen on one item.

    Of items with parts, of every part; where an item lacks some, further ones are looked at.

    Args:
        network: encodes them.
        finder: has plain networks, which see them too; None where no objects are found.
        collate: of the modality.
        items: the data set.
        full: makes items smaller, where they are too large for the network.

    Raises:
        ValueError: if no item can be read.
    """
    plain = [] if finder is None else finder.plain_networks()
    encoders = [network.encoder, *(part for part in plain if isinstance(part, AbstractEncoder))]
    found: Sight | None = None
    for item in _looked_at(items):
        data = collate([item if full is None else full.for_network(item)]).to(_device(network))
        maps = list[FeatureMap]()
        for encoder in encoders:
            with evaluating(encoder):
                maps.append(encoder(data))
        if not isinstance(maps[0].places, Parts):
            return _of_one(encoders, [one.grid for one in maps])
        own = _of_parts(encoders, maps)
        found = own if found is None else Sight(parts={**own.parts, **found.parts})
        if set(maps[0].places.names) <= set(found.parts):
            break
    assert found is not None
    return found


def _looked_at(items: AbstractItems[ItemT]) -> Iterator[ItemT]:
    """The first item that can be read, and some others, evenly over all."""
    yield first_readable(items)
    for number in np.linspace(0, len(items) - 1, min(FURTHER, len(items))).round().astype(int).tolist():
        try:
            yield read_item(items, number, np.random.default_rng(0))
        except BadItemError:
            continue


def _of_one(encoders: Sequence[Any], grids: Sequence[Grid | None]) -> Sight:
    """Of items without parts, or of one part."""
    steps = list[float]()
    for grid in grids:
        if grid is not None:
            edges = grid.edges[0][0].double()
            steps.append(float(edges[-1] - edges[0]) / (len(edges) - 1))
    longest = min((float(one.longest) for one in encoders if isinstance(one, LimitsLength)), default=float("inf"))
    reach = max((float(one.reach) for one in encoders if isinstance(one, SeesAround)), default=0.0)
    return Sight(tuple(dict.fromkeys(steps)), longest, reach)


def _of_parts(encoders: Sequence[Any], maps: Sequence[FeatureMap]) -> Sight:
    """Of every part that the items of these maps have."""
    places = maps[0].places
    assert isinstance(places, Parts)
    found = dict[str, Sight]()
    for name, cells in zip(places.names, places.cells, strict=True):
        if cells:
            own = [one.of_parts[name] for one in encoders if isinstance(one, EncodesParts) and name in one.of_parts]
            found[name] = _of_one(own, [one.part(name).grid for one in maps])
    return Sight(parts=found)


def _device(network: Network) -> Any:
    return next((parameter.device for parameter in network.parameters()), torch.device("cpu"))
