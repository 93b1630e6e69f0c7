"""Which discovered objects are like the quietest part of their item."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from ..components.ranges import Between, PositiveShare, check_ranges
from ..data.feature_map import FeatureMap
from ..data.resampling import averaged
from ..data.segmentation import Segmentation
from ..losses.distances import unit
from .background import AbstractBackgroundRemover, lowest, median_of


@final
@dataclass(frozen=True)
class AlikeQuiet(AbstractBackgroundRemover):
    """Takes out what was learned to be like the quietest part of an item.

    The median of the unit vectors of the least salient elements is the prototype p of the background. An object of
    mean unit vector μ is background where 1 − ⟨μ, p⟩ / (‖μ‖ ‖p‖) is below `reach`. Where `RemoveBackground` compares
    plain features in units of their spread, this compares learned directions.

    Args:
        salience: one number per element for a batch of items, such as loudness; its vectors are averaged.
        quiet: share of the elements, the least salient ones, that the prototype is taken from.
        reach: cosine distance from the prototype within which objects are background.
    """

    salience: Callable[[Any], FeatureMap]
    quiet: PositiveShare = 0.25
    reach: Annotated[float, Between(0.0, 2.0)] = 0.4

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
        values = unit(features.values)
        quiet = lowest(seen[..., 0], features.valid, self.quiet)
        prototype = unit(median_of(values, quiet))
        objects = averaged(segmentation, features).pool(features.with_values(values))
        distance = 1 - (unit(objects.vectors) * prototype).sum(dim=-1)
        weights = segmentation.weights * ((distance >= self.reach) & objects.present)[..., None]
        return Segmentation(weights, segmentation.places, segmentation.whole)
