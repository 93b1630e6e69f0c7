"""Which discovered objects are only the background."""

import abc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..components.ranges import PositiveShare, Weight, check_ranges
from ..data.feature_map import FeatureMap
from ..data.segmentation import Segmentation
from .concat_features import standardised

LEAST = 0.1
"""Of a feature's standard deviation within an item: what it varies in the background counts as no less."""


class AbstractBackgroundRemover(abc.ABC):
    """Takes out of a segmentation what is no object.

    It looks at the items themselves first, and at their segments later: the windows of something long are looked at one
    by one, and its segments are judged together.
    """

    @abc.abstractmethod
    def look(self, data: Any, features: FeatureMap) -> Float[Tensor, "batch elements numbers"]:
        """What it needs to know of the items, for every element of the features of the batch `data`."""

    @abc.abstractmethod
    def remove(
        self, segmentation: Segmentation, features: FeatureMap, seen: Float[Tensor, "batch elements numbers"]
    ) -> Segmentation:
        """The same segments with weight 0 on the background; `seen` is what `look` gave for these elements."""

    @final
    def __call__(self, segmentation: Segmentation, features: FeatureMap, data: Any) -> Segmentation:
        """Both at once: `features` are those of the batch `data`."""
        return self.remove(segmentation, features, self.look(data, features))


@final
@dataclass(frozen=True)
class RemoveBackground(AbstractBackgroundRemover):
    """Takes the background out of a segmentation, without labels.

    The least salient elements of an item show its background: their median feature vector is its prototype, and their
    median distance from it says how much the background varies. An object whose mean vector lies within `reach` times
    that distance is background: its elements belong to no object any more. Features are compared in units of what they
    vary in the background, so that an object that differs in few of them is seen too: a steady tone among bands of
    noise. No unit is smaller than a tenth of a feature's standard deviation within the item.

    Args:
        salience: one number per element for a batch of items, such as loudness; its vectors are averaged.
        quiet: share of the elements, the least salient ones, that the prototype is taken from.
        reach: how many median distances from the prototype are still background.

    Where an item has nothing but background, everything may go; where its background is silent or homogeneous and
    hence of no spread, nothing goes that differs from it at all.
    """

    salience: Callable[[Any], FeatureMap]
    quiet: PositiveShare = 0.25
    reach: Weight = 1.5

    def __post_init__(self) -> None:
        check_ranges(self)

    @torch.no_grad()
    def look(self, data: Any, features: FeatureMap) -> Float[Tensor, "batch elements 1"]:
        """The salience of every element, infinite where it is not known."""
        return self.salience(data).on_elements_of(features, missing=torch.inf).float().mean(dim=-1, keepdim=True)

    @torch.no_grad()
    def remove(
        self, segmentation: Segmentation, features: FeatureMap, seen: Float[Tensor, "batch elements 1"]
    ) -> Segmentation:
        """The same segments with weight 0 on the background."""
        low = lowest(seen[..., 0], features.valid, self.quiet)
        values = standardised(features)
        apart = values - median_of(values, low)
        apart = apart / _deviation(apart, low).clamp(min=LEAST)
        distance = apart.norm(dim=-1)
        spread = median_of(distance[..., None], low)[..., 0]
        objects = segmentation.pool(features.with_values(apart))
        far = objects.vectors.norm(dim=-1) > self.reach * spread
        weights = segmentation.weights * (far & objects.present)[..., None]
        return Segmentation(weights, segmentation.places, segmentation.whole)


def lowest(
    salience: Float[Tensor, "batch elements"], valid: Bool[Tensor, "batch elements"], share: float
) -> Bool[Tensor, "batch elements"]:
    """The `share` of the valid elements with the lowest salience, at least one."""
    order = torch.where(valid, salience, torch.inf).argsort(dim=1, stable=True).argsort(dim=1, stable=True)
    count = (valid.sum(dim=1, keepdim=True) * share).floor().clamp(min=1)
    return valid & (order < count)


def _deviation(
    values: Float[Tensor, "batch elements dim"], chosen: Bool[Tensor, "batch elements"]
) -> Float[Tensor, "batch 1 dim"]:
    """The root of the mean square over the chosen elements."""
    squares = torch.where(chosen[..., None], values, torch.nan).square()
    return squares.nanmean(dim=1, keepdim=True).sqrt().nan_to_num()


def median_of(
    values: Float[Tensor, "batch elements dim"], chosen: Bool[Tensor, "batch elements"]
) -> Float[Tensor, "batch 1 dim"]:
    """The median over the chosen elements, the lower one of two; 0 where none is chosen."""
    # The few that are chosen come first: sorting is what takes the time.
    first = chosen.logical_not().to(torch.uint8).argsort(dim=1, stable=True)[:, : int(chosen.sum(dim=1).max())]
    few = values.gather(1, first[..., None].expand(-1, -1, values.shape[2]))
    known = torch.where(chosen.gather(1, first)[..., None], few, torch.nan)
    if not known.shape[1]:
        return values.new_zeros(len(values), 1, values.shape[2])
    return known.nanmedian(dim=1, keepdim=True).values.nan_to_num()
