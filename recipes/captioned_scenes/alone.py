"""Every part encoded by itself: what fits what is asked of vectors that know nothing of the other part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gestalt.core.data.grid import Grid
from gestalt.core.experiment.part_alone import part_alone
from gestalt.core.losses.distances import unit
from gestalt.core.modality.base import AbstractModality
from gestalt.core.modality.joint import JointItem
from gestalt.core.networks.encoder import Network

CHUNK = 25


@final
@dataclass(frozen=True)
class Encoded:
    """One part of some items in the space in which it is compared, all vectors of length 1.

    Attributes:
        whole: one vector for each item.
        elements: one for each of its elements; zero on padding.
        valid: what is no padding.
        grid: where the elements lie; None for sets.
    """

    whole: Float[Tensor, "items dim"]
    elements: Float[Tensor, "items elements dim"]
    valid: Bool[Tensor, "items elements"]
    grid: Grid | None

    def rows(self, index: Tensor | slice) -> "Encoded":
        """Those of some items, that share a lattice."""
        return Encoded(self.whole[index], self.elements[index], self.valid[index], self.grid)


def encoded_alone(
    network: Network, modality: AbstractModality[JointItem], items: Sequence[JointItem], part: str
) -> Encoded:
    """One part of every item, encoded without its other parts, a few items at a time."""
    found = list[Encoded]()
    for start in range(0, len(items), CHUNK):
        own = part_alone(network, modality, items[start : start + CHUNK], part)
        elements = unit(own.elements.values) * own.hidden.valid[..., None]
        found.append(Encoded(unit(own.whole), elements, own.hidden.valid, own.hidden.grid))
    return joined(found)


def joined(found: Sequence[Encoded]) -> Encoded:
    """Some items after others, padded to the most elements; where they lie on one axis, the longest lattice is kept."""
    most = max(one.valid.shape[1] for one in found)

    def padded(rows: Tensor) -> Tensor:
        longer = rows.new_zeros(len(rows), most, *rows.shape[2:])
        longer[:, : rows.shape[1]] = rows
        return longer

    return Encoded(
        torch.cat([one.whole for one in found]),
        torch.cat([padded(one.elements) for one in found]),
        torch.cat([padded(one.valid) for one in found]),
        max(found, key=lambda one: one.valid.shape[1]).grid,
    )
