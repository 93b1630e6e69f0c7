"""Objects of one joint item set into another, in every part in which they have elements."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from ...data.correspondence import AbstractCorrespondence, Index
from ...data.grid import Grid
from ...data.in_parts import InParts
from ...data.masks import ItemMasks
from ...data.places import Parts
from ...data.transplants import HOST
from ..base import AbstractModality
from ..optional import CutsInTime, TransplantsObjects
from ..transform import AbstractTransform
from ..transplant import Transplant, TransplantsInTime
from .item import JointItem

FAR = 1e9
"""Beyond every element, in the units of any axis."""


def set_in(
    modalities: Mapping[str, AbstractModality[Any]],
    identity: Mapping[str, AbstractTransform[Any]],
    host: JointItem,
    donor: JointItem,
    part: ItemMasks,
    rng: np.random.Generator,
) -> Transplant[JointItem] | None:
    """A part of a joint item set into another: each part by its modality, those in time at the same seconds.

    What is at t in the sound and in the picture of the composed item was at one and the same t + d in those of the
    donor; d is drawn from those with which the donor lasts as long as the host, and 0 where it is not longer. Where
    only one part in time has elements of the object, its own modality draws the time. Parts in which the object has
    none are those of the host.

    Args:
        modalities: of the parts.
        identity: for every part, the transform that changes nothing.
        host: what is set into.
        donor: where the object comes from.
        part: its elements in every part.
        rng: the only source of randomness.

    Returns:
        None where the host lacks a part in which the object has elements, or it cannot be set in there.

    Raises:
        ValueError: if `part` is not of several parts.
    """
    taken = {name: part.part(name) for name in modalities}
    taken = {name: own for name, own in taken.items() if bool((own.labels >= 0).any())}
    if not taken or not all(name in host.parts and name in donor.parts for name in taken):
        return None
    seeds = dict(zip(modalities, rng.integers(2**63, size=len(modalities)).tolist(), strict=True))
    later = _later({name: modalities[name] for name in taken}, host, donor, rng)
    parts = dict(host.parts)
    owners, rules = dict[str, ItemMasks](), (dict[str, AbstractCorrespondence](), dict[str, AbstractCorrespondence]())
    for name, own in host.parts.items():
        of_part = np.random.default_rng(seeds[name])
        if name not in taken:
            rules[0][name] = identity[name](own, of_part)[1]
            owners[name] = _all_of_host(rules[0][name])
            continue
        made = _set_in_part(modalities[name], own, donor.parts[name], taken[name], later.get(name), of_part)
        if made is None:
            return None
        parts[name], owners[name] = made.item, made.owner
        rules[0][name], rules[1][name] = made.host, made.donor
    names = tuple(modalities)
    return Transplant(
        JointItem(parts, host.chosen), InParts.of(rules[0], names), InParts.of(rules[1], names), _joined(owners, names)
    )


def takes_all_parts(modalities: Mapping[str, AbstractModality[Any]]) -> bool:
    """Whether an object with elements in every part can be set in: each part offers it, several in time at given
    seconds.
    """
    timed = [one for one in modalities.values() if isinstance(one, CutsInTime)]
    at_seconds = len(timed) < 2 or all(isinstance(one, TransplantsInTime) for one in timed)
    return at_seconds and all(isinstance(one, TransplantsObjects) for one in modalities.values())


def _later(
    modalities: Mapping[str, AbstractModality[Any]], host: JointItem, donor: JointItem, rng: np.random.Generator
) -> dict[str, float]:
    """By how many seconds the donor is ahead, for parts in time, of which there are several; by the same for all."""
    timed = {name: one for name, one in modalities.items() if isinstance(one, CutsInTime)}
    drawn = float(rng.random())
    if len(timed) < 2:
        return {}
    ours, theirs = (min(one.duration(item.parts[name]) for name, one in timed.items()) for item in (host, donor))
    return dict.fromkeys(timed, drawn * max(theirs - ours, 0.0))


def _set_in_part(
    modality: AbstractModality[Any],
    host: Any,
    donor: Any,
    part: ItemMasks,
    later: float | None,
    rng: np.random.Generator,
) -> Transplant[Any] | None:
    if later is not None:
        return (
            modality.transplant_at(host, donor, part, later, rng) if isinstance(modality, TransplantsInTime) else None
        )
    return modality.transplant(host, donor, part, rng) if isinstance(modality, TransplantsObjects) else None


def _all_of_host(rule: AbstractCorrespondence) -> ItemMasks:
    """All elements of a part that stayed as it is: of a set each, on axes one cell without an end."""
    if isinstance(rule, Index):
        return ItemMasks(torch.full((rule.index.shape[1],), HOST), None)
    return ItemMasks(torch.tensor([HOST]), Grid((torch.tensor([[-FAR, FAR]]),)))


def _joined(owners: Mapping[str, ItemMasks], names: tuple[str, ...]) -> ItemMasks:
    """What every element shows, of all parts; no element of a part that the host lacks."""
    every = [owners[name] if name in owners else ItemMasks(torch.empty(0, dtype=torch.long), None) for name in names]
    labels = torch.cat([one.labels for one in every])
    return ItemMasks.on(labels, Parts(names, tuple(len(one.labels) for one in every), tuple(one.grid for one in every)))
