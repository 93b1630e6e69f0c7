"""One part of joint items, encoded by itself: vectors that know nothing of the other parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor

from ..data.feature_map import FeatureMap, item_means
from ..data.segmentation import Objects
from ..modality.base import AbstractModality
from ..modality.joint.item import JointItem
from ..networks.encoder import Network
from ..networks.modes import evaluating


@final
@dataclass(frozen=True)
class PartAlone:
    """A part of some items.

    Attributes:
        hidden: its hidden features.
        elements: these in the space in which the network's method compares.
        whole: the mean of every item's elements in that space.
    """

    hidden: FeatureMap
    elements: FeatureMap
    whole: Float[Tensor, "items dim"]


def part_alone(
    network: Network, modality: AbstractModality[JointItem], items: Sequence[JointItem], part: str
) -> PartAlone:
    """A part of every item, encoded at once, as if the items had no other, without gradients."""
    with evaluating(network):
        features = network.encode(modality.collate([item.only([part]) for item in items])).part(part)
        means = Objects(item_means(features)[:, None], features.valid.any(dim=1)[:, None])
        return PartAlone(features, network.project_elements(features), network.project(means).vectors[:, 0])
